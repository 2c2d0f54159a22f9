import { celType } from "../custom/cel-types.ts";
import { celName } from "../custom/cel-values.ts";
import type { Kind } from "../kind.ts";
import { definitionNamed, definitionOf, type FieldType, type ScalarName } from "../machinery/schema.ts";
import type { CelType } from "./check.ts";

const TIME = "google.protobuf.Timestamp";

/** What has more than one form, or none that is known, can be anything. */
const SCALARS: Readonly<Record<ScalarName, CelType>> = {
  string: "string",
  int32: "int",
  int64: "int",
  double: "double",
  boolean: "bool",
  time: TIME,
  microTime: TIME,
  bytes: "bytes",
  quantity: "dyn",
  intOrString: "dyn",
  any: "dyn",
};

/** By the name of the definition, so that what is the same is one type. A definition within itself can be anything. */
const known = new Map<string, CelType>();

function definedType(type: string): CelType {
  const found = known.get(type);
  if (found !== undefined) return found;
  const fields = definitionOf(type)?.fields;
  if (fields === undefined || fields.size === 0) return "dyn";
  known.set(type, "dyn");
  const object = Object.fromEntries([...fields.values()].map((field) => [celName(field.name), fieldType(field.type)]));
  const made: CelType = { object };
  known.set(type, made);
  return made;
}

function fieldType(type: FieldType): CelType {
  switch (type.form) {
    case "scalar":
      return SCALARS[type.name];
    case "ref":
      return definedType(type.type);
    case "list":
      return { list: fieldType(type.item) };
    case "map":
      return { map: fieldType(type.value) };
  }
}

/** What an object of this kind is to expressions that know its schema. Source: apiserver's pkg/cel/common/schemas.go, SchemaDeclType. */
export function celTypeOf({ schema, custom }: Pick<Kind, "schema" | "custom">): CelType {
  if (custom === undefined) return definedType(definitionNamed(schema)?.type ?? "");
  const type = celType(custom.schema, true);
  if (typeof type === "string" || !("object" in type)) return type;
  return { object: { ...type.object, metadata: definedType("ObjectMeta") } };
}
