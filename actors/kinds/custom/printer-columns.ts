/** The tables of custom resources. Source: apiextensions-apiserver's pkg/registry/customresource/tableconvertor. */
import type { CustomResourceDefinitionVersion } from "../generated/types.ts";
import type { Cell, Column } from "../kind.ts";
import type { KubeObject } from "../object.ts";
import { AGE_COLUMN, ageOf, humanDuration, NAME_COLUMN } from "../table.ts";
import { type JsonPath, jsonPath } from "./json-path.ts";

type Definition = NonNullable<CustomResourceDefinitionVersion["additionalPrinterColumns"]>[number];

export interface PrintedTable {
  readonly columns: readonly Column[];
  cells(object: KubeObject, now_ms: number): readonly Cell[];
}

/** Without columns of its own a kind shows how old its objects are. */
export function printedTable(definitions: readonly Definition[]): PrintedTable {
  if (definitions.length === 0) {
    return {
      columns: [NAME_COLUMN, { ...AGE_COLUMN, type: "date" }],
      cells: (object, now_ms) => [object.metadata.name, ageOf(object, now_ms)],
    };
  }
  const paths = definitions.map(({ type, jsonPath: path }) => ({ type, read: jsonPath(path) }));
  return {
    columns: [NAME_COLUMN, ...definitions.map(columnOf)],
    cells: (object, now_ms) => [object.metadata.name, ...paths.map(({ type, read }) => cellOf(type, read, object, now_ms))],
  };
}

function columnOf({ name, type, format = "", description, jsonPath: path, priority = 0 }: Definition): Column {
  const said = description || `Custom resource definition column (in JSONPath format): ${path}`;
  return { name, type: type as Column["type"], format, description: said, priority };
}

function cellOf(type: string, read: JsonPath | undefined, object: KubeObject, now_ms: number): Cell {
  const value = read?.(object)[0];
  if (value === undefined || (value === null && type !== "string")) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date": {
      if (typeof value !== "string") return null;
      const time_ms = Date.parse(value);
      return Number.isNaN(time_ms) ? "<invalid>" : humanDuration(now_ms - time_ms);
    }
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}
