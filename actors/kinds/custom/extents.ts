/** How large values of a schema can be, where a request bounds them. Source: k8s.io/apiserver's pkg/cel/common/schemas.go, SchemaDeclType, and pkg/cel/limits.go. */
import { celName } from "./cel-values.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** Larger bodies are refused. */
export const REQUEST_BYTES_MAX: number = 3 * 1024 * 1024;

/** How large a value of one schema can be. */
export interface Extent {
  /** Items, members, or characters at most; 0 of what has none. */
  readonly elements: number;
  /** Bytes of JSON at least. */
  readonly bytes_min: number;
  /** Of each item of a list or member of a map. */
  readonly items?: Extent;
  /** Of the names in a map. */
  readonly keys?: Extent;
  /** By the name that expressions have for it. */
  readonly fields?: ReadonlyMap<string, Extent>;
}

const BRACKETS_BYTES = 2;
const QUOTES_BYTES = 2;
const STRING_ELEMENTS: number = REQUEST_BYTES_MAX - QUOTES_BYTES;
const BYTES_PER_CHARACTER_MAX = 4;
const TEXT: Extent = { elements: STRING_ELEMENTS, bytes_min: QUOTES_BYTES };
const KEY: Extent = { elements: 0, bytes_min: QUOTES_BYTES };
const SCALARS: Readonly<Record<string, Extent>> = {
  boolean: { elements: 0, bytes_min: 4 },
  number: { elements: 0, bytes_min: 1 },
  integer: { elements: 0, bytes_min: 1 },
};
const FORMATS: Readonly<Record<string, Extent>> = {
  duration: { elements: 32, bytes_min: 3 },
  date: { elements: 12, bytes_min: 12 },
  "date-time": { elements: 32, bytes_min: 21 },
};
const METADATA: StructuralSchema = { type: "object", properties: { name: { type: "string" }, generateName: { type: "string" } } };

/** Undefined: expressions do not see what is there. `whole`: the schema is that of an object of its own. */
export function extentOf(schema: StructuralSchema, whole: boolean = false): Extent | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) {
    return { elements: fromLength(schema.maxLength) ?? STRING_ELEMENTS, bytes_min: 1 };
  }
  switch (schema.type) {
    case "string":
      return textExtent(schema);
    case "array": {
      const items = schema.items === undefined ? undefined : below(schema.items);
      if (items === undefined) return undefined;
      const fitting = Math.floor((REQUEST_BYTES_MAX - BRACKETS_BYTES) / (items.bytes_min + 1));
      return { elements: notNegative(schema.maxItems) ?? fitting, bytes_min: BRACKETS_BYTES, items };
    }
    case "object":
      return objectExtent(schema, whole);
    default:
      return SCALARS[schema.type ?? ""];
  }
}

function below(schema: StructuralSchema): Extent | undefined {
  return extentOf(schema, schema["x-kubernetes-embedded-resource"] === true);
}

function textExtent({ format = "", maxLength, enum: values = [] }: StructuralSchema): Extent {
  const known = FORMATS[format];
  if (known !== undefined) return known;
  if (format === "byte") return { ...TEXT, elements: notNegative(maxLength) ?? STRING_ELEMENTS };
  const longest = Math.max(0, ...values.map((value) => (typeof value === "string" ? Buffer.byteLength(value) : 0)));
  return { ...TEXT, elements: fromLength(maxLength) ?? (values.length > 0 ? longest : STRING_ELEMENTS) };
}

/** A name with its quotes, a colon and a comma, at least. */
const MEMBER_BYTES = 6;
const REQUIRED_BYTES = 4;

function objectExtent(schema: StructuralSchema, whole: boolean): Extent | undefined {
  const { additionalProperties, properties = {}, required = [], maxProperties } = schema;
  if (typeof additionalProperties === "object") {
    const items = below(additionalProperties);
    if (items === undefined) return undefined;
    const fitting = Math.floor((REQUEST_BYTES_MAX - BRACKETS_BYTES) / (items.bytes_min + MEMBER_BYTES));
    return { elements: notNegative(maxProperties) ?? fitting, bytes_min: BRACKETS_BYTES, items, keys: KEY };
  }
  const named: Readonly<Record<string, StructuralSchema>> = whole
    ? { ...properties, apiVersion: { type: "string" }, kind: { type: "string" }, metadata: METADATA }
    : properties;
  const fields = new Map<string, Extent>();
  let bytes_min = BRACKETS_BYTES;
  for (const [name, property] of Object.entries(named)) {
    const extent = below(property);
    if (extent === undefined) continue;
    fields.set(celName(name), extent);
    if (required.includes(name) && property.default === undefined) bytes_min += name.length + extent.bytes_min + REQUIRED_BYTES;
  }
  return { elements: 0, bytes_min, fields };
}

function notNegative(limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit);
}

/** Lengths are of characters, sizes of bytes. */
function fromLength(limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit) * BYTES_PER_CHARACTER_MAX;
}

/** How often values of this size fit into a request. */
export function occurrencesOf({ bytes_min }: Extent): number {
  return Math.floor(REQUEST_BYTES_MAX / (bytes_min + 1));
}
