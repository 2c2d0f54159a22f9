import { forbidden, invalid, tooLong } from "../field-error.ts";
import type { ConfigMap } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { configMapKey, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

/** All keys' values together. Source: core.MaxSecretSize. */
export const CONFIG_BYTES_MAX: number = 1024 * 1024;

function keysOf(object: ConfigMap): string[] {
  return [...Object.keys(object.data ?? {}), ...Object.keys(object.binaryData ?? {})];
}

function validate(object: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  const { data = {}, binaryData = {} } = object;
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const field = `data[${key}]`;
    for (const message of configMapKey(key)) errors.push(invalid(field, key, message));
    if (key in binaryData) errors.push(invalid(field, key, `duplicate of key present in binaryData`));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    for (const message of configMapKey(key)) errors.push(invalid(`binaryData[${key}]`, key, message));
    bytes += Buffer.byteLength(value, "base64");
  }
  if (bytes > CONFIG_BYTES_MAX) errors.push(tooLong("", CONFIG_BYTES_MAX));
  return errors;
}

/** What the `immutable` flag of a ConfigMap or Secret holds still. */
export function validateImmutable<T extends { immutable?: boolean }>(
  next: T,
  current: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (current.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (next.immutable !== true) errors.push(forbidden("immutable", "field is immutable when `immutable` is set"));
  for (const name of fields) {
    if (JSON.stringify(sorted(next[name])) !== JSON.stringify(sorted(current[name]))) {
      errors.push(forbidden(name, "field is immutable when `immutable` is set"));
    }
  }
  return errors;
}

function sorted(map: unknown): unknown[] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

export const ConfigMapKind: Kind<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.core.v1.ConfigMap",
  updateChecks: ["metadata", "changes", "whole"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => validateImmutable(next, current, ["data", "binaryData"]),
  columns: [NAME_COLUMN, column("Data", "The number of keys"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, keysOf(object).length, ageOf(object, now_ms)],
  selectableFields: {},
};
