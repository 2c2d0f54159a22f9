import { anything, ConfigurationError, list, need, object, oneOf, text } from "../../kinds/configuration/fields.ts";
import { CIPHERS, type CipherName, SECRET_BYTES } from "./ciphers.ts";

/** What to encrypt at rest, and with what; plain data that crosses threads. It holds secrets: it is never logged. */
export interface EncryptionConfiguration {
  /** The first that covers a resource counts. */
  readonly rules: readonly EncryptionRule[];
}

export interface EncryptionRule {
  /** Resources and patterns, as `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`. */
  readonly resources: readonly string[];
  /** New texts are encrypted with the first key of the first; all of them can be read. */
  readonly providers: readonly ProviderConfiguration[];
}

export type ProviderConfiguration =
  | { readonly type: "identity" }
  | { readonly type: CipherName; readonly keys: readonly { readonly name: string; readonly secret: string }[] };

const RESOURCE = /^(?:\*\.(?:\*|[a-z0-9.-]*)|[a-z0-9-]+(?:\.[a-z0-9.-]+)?)$/;

const keys = object({ keys: list(object({ name: text, secret: secretText })) });
const provider = object({ aesgcm: keys, secretbox: keys, aescbc: keys, identity: object({}), kms: anything });
const configuration = object({
  apiVersion: oneOf("apiserver.config.k8s.io/v1"),
  kind: oneOf("EncryptionConfiguration"),
  resources: list(object({ resources: list(resource), providers: list(readProvider) })),
});

/** Reads kube-apiserver's EncryptionConfiguration, parsed from its file. Throws ConfigurationError, which names the field, and never a secret. */
export function readEncryptionConfiguration(value: unknown): EncryptionConfiguration {
  const read = configuration(value, "");
  need(read.apiVersion, "apiVersion");
  need(read.kind, "kind");
  const rules = need(read.resources, "resources");
  if (rules.length === 0) throw new ConfigurationError("resources", "must have at least one entry");
  return {
    rules: rules.map(({ resources = [], providers = [] }, index) => {
      const at = `resources[${index}]`;
      if (resources.length === 0) throw new ConfigurationError(`${at}.resources`, "must name at least one resource");
      if (providers.length === 0) throw new ConfigurationError(`${at}.providers`, "must have at least one provider");
      refuseTwice(providers, `${at}.providers`);
      return { resources, providers };
    }),
  };
}

function resource(value: unknown, path: string): string {
  const name = text(value, path);
  if (RESOURCE.test(name)) return name;
  throw new ConfigurationError(
    path,
    `must be a resource such as secrets or deployments.apps, or *.<group>, *. or *.*, not ${JSON.stringify(name)}`,
  );
}

/** Unlike `text`, it does not say what it was given. */
function secretText(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw new ConfigurationError(path, "must be a string, the secret in base64");
}

function readProvider(value: unknown, path: string): ProviderConfiguration {
  const { kms, identity, ...ciphers } = provider(value, path);
  if (kms !== undefined) throw new ConfigurationError(`${path}.kms`, `is not spoken here; the choices are ${CIPHERS.join(", ")}, identity`);
  const given = CIPHERS.filter((name) => ciphers[name] !== undefined);
  if (given.length + (identity === undefined ? 0 : 1) !== 1)
    throw new ConfigurationError(path, `must have exactly one of ${CIPHERS.join(", ")}, identity`);
  const [type] = given;
  if (type === undefined) return { type: "identity" };
  return { type, keys: readKeys(type, ciphers[type]?.keys ?? [], `${path}.${type}.keys`) };
}

type KeysRead = NonNullable<ReturnType<typeof keys>["keys"]>;

function readKeys(type: CipherName, given: KeysRead, path: string): readonly { readonly name: string; readonly secret: string }[] {
  if (given.length === 0) throw new ConfigurationError(path, "must have at least one key");
  return given.map(({ name, secret }, index) => {
    const at = `${path}[${index}]`;
    const named = need(name, `${at}.name`);
    if (named === "" || named.includes(":")) throw new ConfigurationError(`${at}.name`, "must be a name without a colon");
    const bytes = Buffer.from(need(secret, `${at}.secret`), "base64").length;
    if (!SECRET_BYTES[type].includes(bytes))
      throw new ConfigurationError(`${at}.secret`, `must be ${SECRET_BYTES[type].join(", ")} bytes in base64, and is ${bytes}`);
    return { name: named, secret: secret as string };
  });
}

/** Two keys of one name would leave open which of them is meant. */
function refuseTwice(providers: readonly ProviderConfiguration[], path: string): void {
  const seen = new Set<string>();
  for (const [index, each] of providers.entries()) {
    for (const { name } of each.type === "identity" ? [] : each.keys) {
      const known = `${each.type} ${name}`;
      if (seen.has(known))
        throw new ConfigurationError(`${path}[${index}].${each.type}`, `has a second key with the name ${JSON.stringify(name)}`);
      seen.add(known);
    }
  }
}
