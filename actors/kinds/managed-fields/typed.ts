/**
 * How server-side apply sees the fields of a kind: what is one value, what is merged field by field, how the items of a list are told apart.
 * Made from the schema tables and the merge facts, once a definition. Source: the Kubernetes concept page "Server-Side Apply", merge strategy.
 */
import { structFactsOf } from "../go-facts.ts";
import type { Definition, FieldSchema, FieldType } from "../machinery/schema.ts";
import { definitionNamed, definitionOf } from "../machinery/schema.ts";
import { mergeFactsOf } from "../merge-keys.ts";

export type Typed =
  /** One value, owned as a whole: scalars, and lists, maps and structs that are atomic. `expects` is what its JSON must be. */
  | { readonly form: "leaf"; readonly expects: "string" | "number" | "boolean" | "list" | "map" | "any" }
  /** Named fields. */
  | { readonly form: "struct"; readonly name: string; field(name: string): Typed | undefined; readonly always: readonly string[] }
  /** Any keys. */
  | { readonly form: "map"; readonly value: Typed }
  /** A list of scalars without order or repetition. */
  | { readonly form: "set" }
  /** A list whose items are told apart by the values of their keys; `defaults` are those of its own keys, else KEY_DEFAULTS hold. */
  | {
      readonly form: "list";
      readonly keys: readonly string[];
      readonly item: Typed;
      readonly defaults?: Readonly<Record<string, unknown>>;
    }
  /** What no schema describes: it is what its values are, see `deduced`. */
  | { readonly form: "untyped" };

/** A type that says what to do. */
export type Described = Exclude<Typed, { form: "untyped" }>;

export type StructType = Extract<Typed, { form: "struct" }>;

const ANY: Described = { form: "leaf", expects: "any" };
const ANY_MAP: Described = { form: "map", value: { form: "untyped" } };

/** Without a schema maps are merged key by key, and everything else is one value. Source: structured-merge-diff's typed.DeducedParseableType. */
export function deduced(type: Typed, ...values: readonly unknown[]): Described {
  if (type.form !== "untyped") return type;
  return values.some((value) => typeof value === "object" && value !== null && !Array.isArray(value)) ? ANY_MAP : ANY;
}

/** What a key field of a list item is when the item leaves it out. Source: the `+default` of ContainerPort and ServicePort. */
export const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: "TCP" };

const structs = new Map<string, StructType>();

/** The fields of a kind by its schema's OpenAPI name. Throws when there is no such schema. */
export function typedOf(schema: string): StructType {
  const definition = definitionNamed(schema);
  if (definition === undefined) throw new Error(`${schema}: no such definition`);
  return structOf(definition);
}

function structOf(definition: Definition): StructType {
  const known = structs.get(definition.type);
  if (known !== undefined) return known;
  const made = new Map<string, Typed>();
  const struct: StructType = {
    form: "struct",
    name: definition.type,
    field(name) {
      const before = made.get(name);
      if (before !== undefined) return before;
      const field = definition.fields.get(name);
      if (field === undefined) return undefined;
      const typed = fieldOf(field.type, mergeFactsOf(definition.type, name));
      made.set(name, typed);
      return typed;
    },
    always: [...definition.fields.values()].filter(isAlwaysPrinted).map(({ name }) => name),
  };
  structs.set(definition.type, struct);
  return struct;
}

/** Go prints what is not marked `omitempty`, and structs that are no pointers, as metadata never is one. */
function isAlwaysPrinted({ presence, type }: FieldSchema): boolean {
  return presence === "always" || presence === "required" || (type.form === "ref" && type.type === "ObjectMeta");
}

function fieldOf(type: FieldType, facts: { readonly listType: string | undefined; readonly listKeys: readonly string[] }): Typed {
  switch (type.form) {
    case "scalar":
      return scalarOf(type.name);
    case "ref":
      return facts.listType === "atomic" ? { form: "leaf", expects: "map" } : refOf(type.type);
    case "map":
      return facts.listType === "atomic" ? { form: "leaf", expects: "map" } : { form: "map", value: fieldOf(type.value, NO_FACTS) };
    case "list":
      if (facts.listType === "set") return { form: "set" };
      if (facts.listType === "map") return { form: "list", keys: facts.listKeys, item: fieldOf(type.item, NO_FACTS) };
      return { form: "leaf", expects: "list" };
  }
}

const NO_FACTS = { listType: undefined, listKeys: [] };

function refOf(type: string): Typed {
  if (structFactsOf(type).atomic === true) return { form: "leaf", expects: "map" };
  const definition = definitionOf(type);
  return definition === undefined || definition.fields.size === 0 ? ANY : structOf(definition);
}

function scalarOf(name: string): Typed {
  switch (name) {
    case "string":
    case "bytes":
    case "time":
    case "microTime":
      return { form: "leaf", expects: "string" };
    case "int32":
    case "int64":
    case "double":
      return { form: "leaf", expects: "number" };
    case "boolean":
      return { form: "leaf", expects: "boolean" };
    default:
      return ANY;
  }
}

/** What Go prints of a value in which nothing is set: fields that are always printed, and nothing in them. */
export function emptyOf(type: StructType): Readonly<Record<string, unknown>> {
  let empty = empties.get(type);
  if (empty === undefined) {
    empty = makeEmpty(type);
    empties.set(type, empty);
  }
  return empty;
}

const empties = new WeakMap<StructType, Readonly<Record<string, unknown>>>();

function makeEmpty(type: StructType): Record<string, unknown> {
  return Object.fromEntries(
    type.always.map((name) => {
      const field = type.field(name);
      return [name, field?.form === "struct" ? emptyOf(field) : field?.form === "leaf" ? ZERO[field.expects] : null];
    }),
  );
}

const ZERO = { string: "", number: 0, boolean: false, list: null, map: null, any: null };
