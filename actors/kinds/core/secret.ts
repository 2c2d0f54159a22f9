import { invalid, required, tooLong } from "../field-error.ts";
import type { Secret } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { configMapKey, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";
import { CONFIG_BYTES_MAX, validateImmutable } from "./config-map.ts";

/** Type and default of secrets; `stringData` is write-only and moves into `data`. */
function applyDefaults(object: Secret): void {
  object.type ??= "Opaque";
  if (object.stringData === undefined) return;
  const data = { ...object.data };
  for (const [key, value] of Object.entries(object.stringData)) data[key] = Buffer.from(value).toString("base64");
  if (Object.keys(data).length > 0) object.data = data;
  delete object.stringData;
}

const TYPE_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function isJson(base64: string): string | undefined {
  try {
    JSON.parse(Buffer.from(base64, "base64").toString());
    return undefined;
  } catch {
    return "unexpected end of JSON input";
  }
}

/** What each well-known type must hold. Source: ValidateSecret. */
function validateType(object: Secret): FieldError[] {
  const { type = "Opaque", data = {} } = object;
  const errors: FieldError[] = [];
  if (type === "kubernetes.io/service-account-token") {
    const field = "metadata.annotations[kubernetes.io/service-account.name]";
    if (!object.metadata.annotations?.["kubernetes.io/service-account.name"]) errors.push(required(field));
  }
  if (type === "kubernetes.io/basic-auth" && !("username" in data) && !("password" in data)) {
    errors.push(required("data[username]"), required("data[password]"));
  }
  for (const key of TYPE_KEYS[type] ?? []) {
    const value = data[key];
    if (value === undefined) errors.push(required(`data[${key}]`));
    else if (key.startsWith(".")) {
      const words = isJson(value);
      if (words !== undefined) errors.push(invalid(`data[${key}]`, "<secret contents redacted>", words));
    } else if (key === "ssh-privatekey" && value === "") errors.push(required(`data[${key}]`));
  }
  return errors;
}

function validate(object: Secret): FieldError[] {
  const errors = validateObjectMeta(object.metadata, true, dnsSubdomain);
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
  validate,
  validateUpdate,
  columns: [NAME_COLUMN, column("Type", "What the secret is for"), column("Data", "The number of keys"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, object.type ?? "", Object.keys(object.data ?? {}).length, ageOf(object, now_ms)],
  selectableFields: { type: (object) => object.type ?? "" },
};
