import { describe, expect, it } from "vitest";
import type { ObjectText } from "../../../../actors/kinds/text.ts";
import { BatchBuilder } from "../../../../actors/store/batch-builder.ts";
import { CIPHERS, type CipherName } from "../../../../actors/store/encryption/ciphers.ts";
import type { EncryptionRule, ProviderConfiguration } from "../../../../actors/store/encryption/configuration.ts";
import { CannotDecrypt, createTransformer, type Transformer } from "../../../../actors/store/encryption/transformer.ts";
import { decodeBatch } from "../../../../actors/store/record.ts";
import { create } from "../harness.ts";

const TEXT = '"name":"db"},"data":{"password":"aHVudGVyMg=="}}' as ObjectText;
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
    const stored = toStorage(KEY, TEXT);
    expect(stored).toMatch(new RegExp(`^k8s:enc:${type}:v1:k:[A-Za-z0-9+/=]+$`));
    expect(toStorage(KEY, TEXT)).not.toBe(stored);
    expect(fromStorage(KEY, stored)).toBe(TEXT);
  });

  it("another secret of the same name does not do", () => {
    const stored = transformer([provider(type, "k", 1)]).toStorage(KEY, TEXT);
    const other = transformer([provider(type, "k", 2)]);
    // CBC notices by its padding only, which is right by chance now and then.
    if (type !== "aescbc") expect(() => other.fromStorage(KEY, stored)).toThrow(CannotDecrypt);
    else expect(fromOr(other, stored)).not.toBe(TEXT);
  });
});

describe("a transformer", () => {
  it("encrypts with the first key, and reads what any of them encrypted, and what is plain", () => {
    const old = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, TEXT);
    const both = transformer([provider("secretbox", "new", 2), provider("aesgcm", "old", 1), { type: "identity" }]);
    expect(both.fromStorage(KEY, old)).toBe(TEXT);
    expect(both.fromStorage(KEY, TEXT)).toBe(TEXT);
    expect(both.toStorage(KEY, TEXT)).toMatch(/^k8s:enc:secretbox:v1:new:/);
  });

  it("leaves texts plain where identity is first, and reads the others still", () => {
    const old = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, TEXT);
    const going = transformer([{ type: "identity" }, provider("aesgcm", "old", 1)]);
    expect(going.toStorage(KEY, TEXT)).toBe(TEXT);
    expect(going.fromStorage(KEY, old)).toBe(TEXT);
  });

  it("names the key that is missing", () => {
    const stored = transformer([provider("aesgcm", "old", 1)]).toStorage(KEY, TEXT);
    const message =
      'secrets/default/db is encrypted with key "old" of aesgcm, which the encryption configuration does not have for secrets';
    expect(() => transformer([provider("aesgcm", "new", 2)]).fromStorage(KEY, stored)).toThrow(message);
    expect(() => createTransformer(undefined).fromStorage(KEY, stored)).toThrow(message);
  });

  it("does not decrypt in one place what was encrypted for another", () => {
    const { toStorage, fromStorage } = bound(transformer([provider("aesgcm", "k", 1)]));
    expect(() => fromStorage("secrets/mallory/mine", toStorage(KEY, TEXT))).toThrow(CannotDecrypt);
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
    const stored = transformer([provider("aesgcm", "k", 1)], [pattern]).toStorage(key, TEXT);
    expect(stored !== TEXT).toBe(held);
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
    expect(toStorage("configmaps/a/b", TEXT)).toBe(TEXT);
    expect(toStorage("secrets/a/b", TEXT)).toMatch(/^k8s:enc:aesgcm:v1:k:/);
  });
});

it("a batch of the log holds what is encrypted, and says the plain text to who built it", () => {
  const builder = new BatchBuilder(Number.POSITIVE_INFINITY, transformer([provider("aesgcm", "k", 1)]));
  builder.begin(1);
  builder.add({ request: "r", mutations: [create(KEY, "hunter2"), create("pods/default/p", "open")] }, Number.POSITIVE_INFINITY);
  const built = builder.finish();
  const plain = built.records.map(({ text }) => text);
  const stored = decodeBatch(1, built.bytes).records.map(({ text }) => text);
  expect(plain[0]).toContain("hunter2");
  expect(stored[0]).toMatch(/^k8s:enc:aesgcm:v1:k:/);
  expect(stored[1]).toBe(plain[1]);
  expect(Buffer.from(built.bytes).includes("hunter2")).toBe(false);
});

function bound(of: Transformer): Pick<Transformer, "toStorage" | "fromStorage"> {
  return { toStorage: (key, text) => of.toStorage(key, text), fromStorage: (key, stored) => of.fromStorage(key, stored) };
}

function fromOr(other: Transformer, stored: ObjectText): string {
  try {
    return other.fromStorage(KEY, stored);
  } catch {
    return "";
  }
}
