import { describe, expect, it } from "vitest";
import { type ObjectText, type StoredText, wholeText } from "../../../../actors/kinds/text.ts";
import { BatchBuilder } from "../../../../actors/store/batch-builder.ts";
import { CIPHERS, type CipherName } from "../../../../actors/store/encryption/ciphers.ts";
import type { EncryptionRule, ProviderConfiguration } from "../../../../actors/store/encryption/configuration.ts";
import { CannotDecrypt, createTransformer, type Transformer } from "../../../../actors/store/encryption/transformer.ts";
import { decodeBatch } from "../../../../actors/store/record.ts";
import { create } from "../harness.ts";

const PLAIN: StoredText = {
  managers: '"managedFields":[{"manager":"kubectl"}],',
  text: '"name":"db"},"data":{"password":"aHVudGVyMg=="}}' as ObjectText,
};
const KEY = "secrets/default/db";

function provider(type: CipherName, name: string, fill: number): ProviderConfiguration {
  return { type, keys: [{ name, secret: Buffer.alloc(32, fill).toString("base64") }] };
}

function transformer(providers: readonly ProviderConfiguration[], resources: EncryptionRule["resources"] = ["secrets"]): Transformer {
  return createTransformer({ rules: [{ resources, providers }] });
}

describe.each(CIPHERS)("with %s", (type) => {
  it("a text is back what it was, and never twice the same in between", () => {
    const { toStorage, fromStorage } = bound(transformer([provider(type, "k", 1)]));
    const stored = toStorage(KEY, PLAIN);
    expect(wholeText(stored)).toMatch(new RegExp(`^k8s:enc:${type}:v1:k:[A-Za-z0-9+/=]+$`));
    expect(toStorage(KEY, PLAIN)).not.toEqual(stored);
    expect(fromStorage(KEY, stored)).toEqual(PLAIN);
  });

  it("another secret of the same name does not do", () => {
    const stored = transformer([provider(type, "k", 1)]).toStorage(KEY, PLAIN);
    const other = transformer([provider(type, "k", 2)]);
    // CBC notices by its padding only, which is right by chance now and then.
    if (type !== "aescbc") expect(() => other.fromStorage(KEY, stored)).toThrow(CannotDecrypt);
    else expect(fromOr(other, stored)).not.toEqual(PLAIN);
  });
});

describe("a transformer", () => {
  it("encrypts with the first key, and reads what any of them encrypted, and what is plain", () => {
    const old = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, PLAIN);
    const both = transformer([provider("secretbox", "new", 2), provider("aesgcm", "old", 1), { type: "identity" }]);
    expect(both.fromStorage(KEY, old)).toEqual(PLAIN);
    expect(both.fromStorage(KEY, PLAIN)).toBe(PLAIN);
    expect(both.toStorage(KEY, PLAIN).text).toMatch(/^k8s:enc:secretbox:v1:new:/);
  });

  it("leaves texts plain where identity is first, and reads the others still", () => {
    const old = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, PLAIN);
    const going = transformer([{ type: "identity" }, provider("aesgcm", "old", 1)]);
    expect(going.toStorage(KEY, PLAIN)).toBe(PLAIN);
    expect(going.fromStorage(KEY, old)).toEqual(PLAIN);
  });

  it("names the key that is missing", () => {
    const stored = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, PLAIN);
    const message =
      'secrets/default/db is encrypted with key "old" of aesgcm, which the encryption configuration does not have for secrets';
    expect(() => transformer([provider("aesgcm", "new", 2)]).fromStorage(KEY, stored)).toThrow(message);
    expect(() => createTransformer(undefined).fromStorage(KEY, stored)).toThrow(message);
  });

  it("does not decrypt in one place what was encrypted for another", () => {
    const { toStorage, fromStorage } = bound(transformer([provider("aesgcm", "k", 1)]));
    expect(() => fromStorage("secrets/mallory/mine", toStorage(KEY, PLAIN))).toThrow(CannotDecrypt);
  });

  it.each([
    ["secrets", "secrets/a/b", true],
    ["secrets", "configmaps/a/b", false],
    ["*.", "configmaps/a/b", true],
    ["*.", "deployments.apps/a/b", false],
    ["*.apps", "deployments.apps/a/b", true],
    ["*.apps", "widgets.example.com/a/b", false],
    ["*.example.com", "widgets.example.com/a/b", true],
    ["*.*", "widgets.example.com/a/b", true],
    ["*.*", "nodes/a", true],
  ])("of %s holds for %s: %s", (pattern, key, held) => {
    const stored = transformer([provider("aesgcm", "k", 1)], [pattern]).toStorage(key, PLAIN);
    expect(stored !== PLAIN).toBe(held);
  });

  it("takes the first rule that covers a resource", () => {
    const { toStorage } = bound(
      createTransformer({
        rules: [
          { resources: ["configmaps"], providers: [{ type: "identity" }] },
          { resources: ["*.*"], providers: [provider("aesgcm", "k", 1)] },
        ],
      }),
    );
    expect(toStorage("configmaps/a/b", PLAIN)).toBe(PLAIN);
    expect(toStorage("secrets/a/b", PLAIN).text).toMatch(/^k8s:enc:aesgcm:v1:k:/);
  });
});

it("a batch of the log holds what is encrypted, and says the plain text to who built it", () => {
  const builder = new BatchBuilder(Number.POSITIVE_INFINITY, transformer([provider("aesgcm", "k", 1)]));
  builder.begin(1);
  builder.add({ request: "r", mutations: [create(KEY, "hunter2"), create("pods/default/p", "open")] }, Number.POSITIVE_INFINITY);
  const built = builder.finish();
  const plain = built.records.map(({ stored: held }) => held?.text);
  const stored = decodeBatch(1, built.bytes).records.map(({ stored: held }) => held?.text);
  expect(plain[0]).toContain("hunter2");
  expect(stored[0]).toMatch(/^k8s:enc:aesgcm:v1:k:/);
  expect(stored[1]).toBe(plain[1]);
  expect(Buffer.from(built.bytes).includes("hunter2")).toBe(false);
});

function bound(of: Transformer): Pick<Transformer, "toStorage" | "fromStorage"> {
  return { toStorage: (key, text) => of.toStorage(key, text), fromStorage: (key, stored) => of.fromStorage(key, stored) };
}

function fromOr(other: Transformer, stored: StoredText): StoredText | undefined {
  try {
    return other.fromStorage(KEY, stored);
  } catch {
    return undefined;
  }
}
