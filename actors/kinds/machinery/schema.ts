/**
 * The schema tables of the API, as `generate.ts` wrote them. A field's type is a short notation:
 *
 *   string int32 int64 double boolean time microTime bytes quantity intOrString any
 *   #Container      a definition        [string]  a list        {string}  a map with string keys
 *
 * and after it how it is present: nothing (dropped when it is empty), `?` (an empty value is a value), `!` (required), `+` (always printed).
 */
import tables from "../generated/schema.json" with { type: "json" };

export type ScalarName =
  | "string"
  | "int32"
  | "int64"
  | "double"
  | "boolean"
  | "time"
  | "microTime"
  | "bytes"
  | "quantity"
  | "intOrString"
  | "any";

export type FieldType =
  | { readonly form: "scalar"; readonly name: ScalarName }
  | { readonly form: "ref"; readonly type: string }
  | { readonly form: "list"; readonly item: FieldType }
  | { readonly form: "map"; readonly value: FieldType };

export interface FieldSchema {
  readonly name: string;
  readonly type: FieldType;
  readonly presence: "optional" | "pointer" | "required" | "always";
}

export interface Definition {
  /** The name of its TypeScript interface, unique among all: `DiscoveryEndpointPort`. */
  readonly type: string;
  /** Its name in the OpenAPI document: `io.k8s.api.discovery.v1.EndpointPort`. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
}

type Tables = Readonly<Record<string, { readonly name: string; readonly fields: Readonly<Record<string, string>> }>>;
const TABLES: Tables = tables;

function readType(notation: string): FieldType {
  const inner = notation.slice(1, -1);
  if (notation.startsWith("[")) return { form: "list", item: readType(inner) };
  if (notation.startsWith("{")) return { form: "map", value: readType(inner) };
  if (notation.startsWith("#")) return { form: "ref", type: notation.slice(1) };
  return { form: "scalar", name: notation as ScalarName };
}

const PRESENCE: Readonly<Record<string, FieldSchema["presence"]>> = { "?": "pointer", "!": "required", "+": "always" };

function readField(name: string, notation: string): FieldSchema {
  const presence = PRESENCE[notation.at(-1) ?? ""];
  return { name, type: readType(presence === undefined ? notation : notation.slice(0, -1)), presence: presence ?? "optional" };
}

const read = new Map<string, Definition>();
const typeByName = new Map(Object.entries(TABLES).map(([type, { name }]) => [name, type]));

/** The definition of a TypeScript type name; undefined when there is none. */
export function definitionOf(type: string): Definition | undefined {
  const known = read.get(type);
  if (known !== undefined) return known;
  const table = Object.hasOwn(TABLES, type) ? TABLES[type] : undefined;
  if (table === undefined) return undefined;
  const fields = new Map(Object.entries(table.fields).map(([name, notation]) => [name, readField(name, notation)]));
  const definition = { type, name: table.name, fields };
  read.set(type, definition);
  return definition;
}

/** The definition of an OpenAPI name, such as a Kind's `schema`. */
export function definitionNamed(name: string): Definition | undefined {
  const type = typeByName.get(name);
  return type === undefined ? undefined : definitionOf(type);
}
