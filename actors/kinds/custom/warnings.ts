/** What clients are told of custom resources and of their definitions. Source: apiextensions-apiserver's pkg/registry of both. */
import { goQuote } from "../field-error.ts";
import type { CustomResourceDefinition } from "../generated/types.ts";
import { validateStandardFinalizer } from "../metadata.ts";
import type { KubeObject } from "../object.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const ADVICE = "to avoid accidental conflicts with other finalizer writers";

/** Finalizers that come should say whose they are. */
export function finalizerWarnings(next: KubeObject, current?: KubeObject): string[] {
  const known = new Set(current?.metadata.finalizers);
  const added = [...new Set(next.metadata.finalizers)].filter((name) => !known.has(name)).sort();
  return added.flatMap((name) => {
    if (validateStandardFinalizer(name, "").length === 0) return [];
    const path = name.includes(".") ? " including a path (/)" : "";
    return [`metadata.finalizers: ${goQuote(name)}: prefer a domain-qualified finalizer name${path} ${ADVICE}`];
  });
}

/** Formats of texts that all versions know that are still about; those that are new in 1.34 are not among them. */
const FORMATS: ReadonlySet<string> = new Set([
  ...["bsonobjectid", "byte", "cidr", "creditcard", "date", "datetime", "duration", "email", "hexcolor", "hostname", "ipv4", "ipv6"],
  ...["isbn", "isbn10", "isbn13", "mac", "password", "rgbcolor", "ssn", "uri", "uuid", "uuid3", "uuid4", "uuid5"],
]);

function formatsIn(schema: StructuralSchema | undefined): string[] {
  if (schema === undefined) return [];
  const { type, format, items, allOf = [], anyOf = [], oneOf = [], not, properties = {}, additionalProperties } = schema;
  const own = type === "string" && format !== undefined && format !== "" && !FORMATS.has(format.replaceAll("-", "")) ? [format] : [];
  const values = typeof additionalProperties === "object" ? additionalProperties : undefined;
  const below = [items, ...allOf, ...anyOf, ...oneOf, not, ...Object.values(properties), values];
  return [...own, ...below.flatMap(formatsIn)];
}

function unknownFormats({ spec }: CustomResourceDefinition): string[] {
  return (spec.versions ?? []).flatMap(({ schema }) => formatsIn(schema?.openAPIV3Schema as StructuralSchema | undefined));
}

/** Formats that mean nothing, and are new. */
export function formatWarnings(next: CustomResourceDefinition, current?: CustomResourceDefinition): string[] {
  const known = new Set(current === undefined ? [] : unknownFormats(current));
  return unknownFormats(next)
    .filter((format) => !known.has(format))
    .map((format) => `unrecognized format ${goQuote(format)}`);
}
