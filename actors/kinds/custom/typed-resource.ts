/** How server-side apply sees a custom resource. Source: k8s.io/kube-openapi/pkg/schemaconv, and apiextensions-apiserver's builder, which puts metadata in. */

import { META_SCHEMA } from "../machinery/metadata-schema.ts";
import type { StructType, Typed } from "../managed-fields/typed.ts";
import { typedOf } from "../managed-fields/typed.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const TEXT: Typed = { form: "leaf", expects: "string" };

/** What the schema says nothing about: what is there is taken for a map of maps, and lists as they are. */
const UNTYPED: Typed = { form: "untyped" };

/** `name` tells kinds apart whose managers are remembered; it must change when the schema does. */
export function typedResource(schema: StructuralSchema, name: string): StructType {
  return structOf(schema, name, true);
}

function structOf(schema: StructuralSchema, name: string, whole: boolean): StructType {
  const { properties = {} } = schema;
  const made = new Map<string, Typed>();
  if (whole) {
    made.set("apiVersion", TEXT);
    made.set("kind", TEXT);
    made.set("metadata", typedOf(META_SCHEMA));
  }
  const others = schema["x-kubernetes-preserve-unknown-fields"] === true ? UNTYPED : undefined;
  return {
    form: "struct",
    name,
    always: [],
    field(member) {
      const known = made.get(member);
      if (known !== undefined) return known;
      if (!Object.hasOwn(properties, member)) return others;
      const typed = typedValue(properties[member] ?? {}, `${name}.${member}`);
      made.set(member, typed);
      return typed;
    },
  };
}

function typedValue(schema: StructuralSchema, name: string): Typed {
  if (schema["x-kubernetes-int-or-string"] === true) return { form: "leaf", expects: "any" };
  const { type, items, properties, additionalProperties } = schema;
  switch (type) {
    case "string":
      return TEXT;
    case "integer":
    case "number":
      return { form: "leaf", expects: "number" };
    case "boolean":
      return { form: "leaf", expects: "boolean" };
    case "array":
      return typedList(schema, items ?? {}, name);
    case "object": {
      if (schema["x-kubernetes-map-type"] === "atomic") return { form: "leaf", expects: "map" };
      const embedded = schema["x-kubernetes-embedded-resource"] === true;
      if (properties !== undefined || embedded) return structOf(schema, name, embedded);
      if (typeof additionalProperties === "object") return { form: "map", value: typedValue(additionalProperties, `${name}.*`) };
      return schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true
        ? UNTYPED
        : structOf(schema, name, false);
    }
    default:
      return UNTYPED;
  }
}

function typedList(schema: StructuralSchema, items: StructuralSchema, name: string): Typed {
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return { form: "set" };
    case "map": {
      const keys = schema["x-kubernetes-list-map-keys"] ?? [];
      const defaults = Object.fromEntries(keys.flatMap((key) => defaultOf(items, key)));
      return { form: "list", keys, item: typedValue(items, `${name}[]`), defaults };
    }
    default:
      return { form: "leaf", expects: "list" };
  }
}

function defaultOf(items: StructuralSchema, key: string): [string, unknown][] {
  const value = items.properties?.[key]?.default;
  return value === undefined ? [] : [[key, value]];
}
