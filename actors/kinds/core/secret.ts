import { invalid, required, tooLong } from "../field-error.ts";
import type { Secret } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { jsonKind } from "../machinery/go-json.ts";
import { JsonError, parseJson } from "../machinery/json.ts";
import { configMapKey, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";
import { CONFIG_BYTES_MAX, validateImmutable } from "./config-map.ts";
import { wrongPair } from "./key-pair.ts";

/** Type and default of secrets; `stringData` is write-only and moves into `data`. */
function applyDefaults(object: Secret): void {
  object.type ||= "Opaque";
  if (object.stringData === undefined) return;
  const data = { ...object.data };
  for (const [key, value] of Object.entries(object.stringData)) data[key] = Buffer.from(value).toString("base64");
  if (Object.keys(data).length > 0) object.data = data;
  delete object.stringData;
}

const TYPE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

/** What is wrong with a value that must be a JSON object, in the words of Go's decoder. */
function notAnObject(base64: string): string | undefined {
  const text = Buffer.from(base64, "base64").toString();
  try {
    const value = parseJson(text);
    if (value === null || (typeof value === "object" && !Array.isArray(value))) return undefined;
    return `json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`;
  } catch (error) {
    if (error instanceof JsonError) return error.message;
    throw error;
  }
}

/** What each well-known type must hold. Source: ValidateSecret. */
function validateType(object: Secret): FieldError[] {
  const { type = "", data = {} } = object;
  if (type === "kubernetes.io/service-account-token") {
    const field = "metadata.annotations[kubernetes.io/service-account.name]";
    return object.metadata.annotations?.["kubernetes.io/service-account.name"] ? [] : [required(field)];
  }
  if (type === "kubernetes.io/basic-auth" && !("username" in data) && !("password" in data)) {
    return [required("data[username]"), required("data[password]")];
  }
  if (type === "kubernetes.io/ssh-auth" && !data["ssh-privatekey"]) return [required("data[ssh-privatekey]")];
  return (TYPE_KEYS[type] ?? []).flatMap((key) => {
    const value = data[key];
    if (value === undefined) return [required(`data[${key}]`)];
    const words = key.startsWith(".") ? notAnObject(value) : undefined;
    return words === undefined ? [] : [invalid(`data[${key}]`, "<secret contents redacted>", words)];
  });
}

function validate(object: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(object.data ?? {})) {
    for (const message of configMapKey(key)) errors.push(invalid(`data[${key}]`, key, message));
    bytes += Buffer.byteLength(value, "base64");
  }
  if (bytes > CONFIG_BYTES_MAX) errors.push(tooLong("data", CONFIG_BYTES_MAX));
  errors.push(...validateType(object));
  return errors;
}

function validateUpdate(next: Secret, current: Secret): FieldError[] {
  const errors = validateImmutable(next, current, ["data"]);
  if (next.type !== current.type) errors.unshift(invalid("type", next.type ?? "", "field is immutable"));
  return errors;
}

export const SecretKind: Kind<Secret> = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  singular: "secret",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.core.v1.Secret",
  confidential: true,
  applyDefaults,
  prepareForUpdate: (next, current) => {
    if (!next.type && current.type !== undefined) next.type = current.type;
  },
  updateChecks: ["metadata", "changes", "whole"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  warnings: ({ type, data = {} }) => {
    const words = type === "kubernetes.io/tls" ? wrongPair(data["tls.crt"] ?? "", data["tls.key"] ?? "") : undefined;
    return words === undefined ? [] : [words];
  },
  columns: [NAME_COLUMN, column("Type", "What the secret is for"), column("Data", "The number of keys"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.type ?? "", Object.keys(object.data ?? {}).length, ageOf(object, now_ms)],
  selectableFields: { type: (object) => object.type ?? "" },
};
