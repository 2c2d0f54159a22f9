/** What the types of expressions are, by a schema. Source: k8s.io/apiserver/pkg/cel/common/schemas.go, SchemaDeclType. */
import type { CelType } from "../cel/check.ts";
import { celName } from "./cel-values.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const FORMATS: Readonly<Record<string, string>> = {
  byte: "bytes",
  date: "google.protobuf.Timestamp",
  "date-time": "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
};
const NAMES: CelType = { object: { name: "string", generateName: "string" } };

/** `whole`: the schema is that of an object of its own, with a kind and metadata. */
export function celType(schema: StructuralSchema, whole = false): CelType {
  if (schema["x-kubernetes-int-or-string"] === true) return "dyn";
  switch (schema.type) {
    case "string":
      return FORMATS[schema.format ?? ""] ?? "string";
    case "integer":
      return "int";
    case "number":
      return "double";
    case "boolean":
      return "bool";
    case "array":
      return schema.items === undefined ? "dyn" : { list: celType(schema.items) };
    case "object":
      return objectType(schema, whole || schema["x-kubernetes-embedded-resource"] === true);
    default:
      return "dyn";
  }
}

function objectType(schema: StructuralSchema, whole: boolean): CelType {
  const { properties, additionalProperties } = schema;
  // What nobody describes can be anything.
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return "dyn";
  if (typeof additionalProperties === "object") return { map: celType(additionalProperties) };
  if (properties === undefined && !whole) return "dyn";
  const fields = Object.entries(properties ?? {}).map(([name, property]) => [celName(name), celType(property)] as const);
  return { object: { ...Object.fromEntries(fields), ...(whole ? { apiVersion: "string", kind: "string", metadata: NAMES } : {}) } };
}
