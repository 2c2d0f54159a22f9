import { apartText, type ObjectText, type StoredText, wholeText } from "../../kinds/text.ts";
import { resourceOfKey } from "../resource-table.ts";
import type { Key } from "../transaction.ts";
import { type Cipher, cipherOf } from "./ciphers.ts";
import type { EncryptionConfiguration, ProviderConfiguration } from "./configuration.ts";

/**
 * Turns texts of objects into what lies in the log, in snapshots and in backups, and back. In memory they are always plain.
 *
 * An encrypted text is `k8s:enc:<provider>:v1:<key name>:<base64>`, what lies behind the last colon being what Kubernetes puts there in etcd. No plain
 * text begins so, for an object's does with a quotation mark.
 */
export interface Transformer {
  /** What new texts are encrypted with, for people; undefined when nothing is configured. Written into snapshots, so that a change is seen. */
  readonly writesWith: string | undefined;
  /** The same, where nothing is to be encrypted. */
  toStorage(key: Key, plain: StoredText): StoredText;
  /** The same, where nothing is encrypted. Throws CannotDecrypt. */
  fromStorage(key: Key, stored: StoredText): StoredText;
}

/** There is a text that nobody can read without a key that is not here. Nothing is damaged. */
export class CannotDecrypt extends Error {
  override readonly name = "CannotDecrypt";
}

const PREFIX = "k8s:enc:";
const CODE_OF_K = 0x6b;
const STORED = /^k8s:enc:([a-z]+):v1:([^:]*):/;

/** By what a configuration says. Without one nothing is encrypted, and what is cannot be read. */
export function createTransformer(configuration: EncryptionConfiguration | undefined): Transformer {
  return new ConfiguredTransformer(configuration?.rules ?? []);
}

/** What one rule encrypts with, and can read. */
interface Providers {
  readonly resources: readonly string[];
  /** Undefined: new texts stay plain. */
  readonly first: Keyed | undefined;
  readonly readable: ReadonlyMap<string, Cipher>;
}

interface Keyed {
  /** Up to the last colon. */
  readonly head: string;
  readonly cipher: Cipher;
}

class ConfiguredTransformer implements Transformer {
  readonly writesWith: string | undefined;
  readonly #rules: readonly Providers[];
  /** The rule of each resource that was asked for; null: none. */
  readonly #ruleOf = new Map<string, Providers | null>();

  constructor(rules: EncryptionConfiguration["rules"]) {
    this.#rules = rules.map(({ resources, providers }) => ({ resources, ...providersOf(providers) }));
    if (rules.length > 0)
      this.writesWith = this.#rules.map(({ resources, first }) => `${resources.join(",")} ${first?.head ?? "identity"}`).join("; ");
  }

  toStorage(key: Key, plain: StoredText): StoredText {
    if (this.#rules.length === 0) return plain;
    const first = this.#rule(resourceOfKey(key))?.first;
    if (first === undefined) return plain;
    const encrypted = first.cipher.encrypt(Buffer.from(wholeText(plain)), Buffer.from(key)).toString("base64");
    return { text: `${first.head}${encrypted}` as ObjectText };
  }

  fromStorage(key: Key, stored: StoredText): StoredText {
    const { text } = stored;
    if (text.charCodeAt(0) !== CODE_OF_K || !text.startsWith(PREFIX)) return stored;
    const [head = "", provider = "", name = ""] = STORED.exec(text) ?? [];
    const cipher = this.#rule(resourceOfKey(key))?.readable.get(head);
    if (cipher === undefined) {
      throw new CannotDecrypt(
        head === ""
          ? `${key} is encrypted in a form that this version does not know`
          : `${key} is encrypted with key ${JSON.stringify(name)} of ${provider}, which the encryption configuration does not have for ${resourceOfKey(key)}`,
      );
    }
    try {
      return apartText(cipher.decrypt(Buffer.from(text.slice(head.length), "base64"), Buffer.from(key)).toString());
    } catch {
      throw new CannotDecrypt(`${key} is encrypted with another key than the one that is named ${JSON.stringify(name)} of ${provider} now`);
    }
  }

  #rule(resource: string): Providers | null {
    const known = this.#ruleOf.get(resource);
    if (known !== undefined) return known;
    const rule = this.#rules.find(({ resources }) => resources.some((pattern) => covers(pattern, resource))) ?? null;
    this.#ruleOf.set(resource, rule);
    return rule;
  }
}

/** Patterns of Kubernetes: a resource, with its group behind a dot where it has one; `*.<group>`, `*.` for the core group, `*.*`. */
function covers(pattern: string, resource: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === resource;
  const dot = resource.indexOf(".");
  const group = dot < 0 ? "" : resource.slice(dot + 1);
  return pattern === "*.*" || pattern.slice(2) === group;
}

function providersOf(providers: readonly ProviderConfiguration[]): Omit<Providers, "resources"> {
  const keyed = providers.map((provider) =>
    provider.type === "identity"
      ? []
      : provider.keys.map(({ name, secret }): Keyed => {
          const head = `${PREFIX}${provider.type}:v1:${name}:`;
          return { head, cipher: cipherOf(provider.type, Buffer.from(secret, "base64")) };
        }),
  );
  return { first: keyed[0]?.[0], readable: new Map(keyed.flat().map(({ head, cipher }) => [head, cipher])) };
}
