/** Objects inside of custom resources have names and labels like all objects. Source: apiextensions-apiserver's pkg/apiserver/schema/objectmeta/validation.go. */
import { required } from "../field-error.ts";
import { validateAnnotations, validateFinalizers, validateLabels, validateOwnerReferences } from "../metadata.ts";
import type { ObjectMeta } from "../object.ts";
import type { FieldError } from "../status.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { fieldPath, isMembers, memberSchema } from "./structural-schema.ts";

/** What is wrong with the objects inside of an object. */
export function embeddedMetadataErrors(schema: StructuralSchema | undefined, value: unknown, path = ""): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => embeddedMetadataErrors(schema.items, item, `${path}[${index}]`));
  if (!isMembers(value)) return [];
  const below = Object.entries(value).flatMap(([name, member]) =>
    embeddedMetadataErrors(memberSchema(schema, name), member, fieldPath(path, name)),
  );
  if (path === "" || schema["x-kubernetes-embedded-resource"] !== true) return below;
  const errors: FieldError[] = [];
  for (const name of ["apiVersion", "kind"]) if (!value[name]) errors.push(required(fieldPath(path, name), "must not be empty"));
  const metadata = (isMembers(value.metadata) ? value.metadata : {}) as Partial<ObjectMeta>;
  const field = fieldPath(path, "metadata");
  errors.push(
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validateOwnerReferences(metadata.ownerReferences, `${field}.ownerReferences`),
    ...validateFinalizers(metadata.finalizers, `${field}.finalizers`),
  );
  return [...errors, ...below];
}
