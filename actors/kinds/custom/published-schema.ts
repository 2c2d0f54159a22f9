/**
 * The schema of a custom resource as the OpenAPI documents show it. Source: apiextensions-apiserver's pkg/controller/openapi/builder, and its v2
 * conversion, which leaves out what Swagger 2.0 cannot say.
 */
import type { StructuralSchema } from "./structural-schema.ts";

type Published = Record<string, unknown>;

/** Version 2 knows neither alternatives nor nulls. */
const ONLY_IN_V3: ReadonlySet<string> = new Set(["allOf", "anyOf", "default", "not", "nullable", "oneOf"]);

/** `root` is what every object has, as the document shows it: apiVersion, kind and metadata. */
export function publishedSchema(schema: StructuralSchema, version: 2 | 3, root: Published): Published {
  return published(schema, version, root, true);
}

function published(schema: StructuralSchema, version: 2 | 3, root: Published, whole: boolean): Published {
  const { properties, items, additionalProperties, ...rest } = schema;
  const own = Object.fromEntries(Object.entries(rest).filter(([name]) => version === 3 || !ONLY_IN_V3.has(name)));
  // Whoever reads version 2 takes the type as it is said; of what it cannot say nothing is said.
  if (version === 2 && (schema["x-kubernetes-int-or-string"] === true || schema.nullable === true)) delete own.type;
  if (version === 2 && schema["x-kubernetes-preserve-unknown-fields"] === true && !whole) return described(own);
  const below = (one: StructuralSchema): Published => published(one, version, root, one["x-kubernetes-embedded-resource"] === true);
  if (items !== undefined) own.items = below(items);
  if (additionalProperties !== undefined)
    own.additionalProperties = typeof additionalProperties === "object" ? below(additionalProperties) : additionalProperties;
  const named = Object.fromEntries(Object.entries(properties ?? {}).map(([name, property]) => [name, below(property)]));
  if (whole) Object.assign(named, root);
  if (Object.keys(named).length > 0) own.properties = named;
  return own;
}

function described({ description, ...rest }: Published): Published {
  const kept = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith("x-kubernetes-")));
  return { ...(description === undefined ? {} : { description }), ...kept };
}
