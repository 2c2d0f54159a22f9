import { describe, expect, it } from "vitest";
import { readEncryptionConfiguration } from "../../../../actors/store/encryption/configuration.ts";

const HEAD = { apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration" };
const SECRET = Buffer.alloc(32, 7).toString("base64");
const KEY = { name: "first", secret: SECRET };

function of(provider: unknown, resources: unknown = ["secrets"]): unknown {
  return { ...HEAD, resources: [{ resources, providers: [provider] }] };
}

describe("an EncryptionConfiguration", () => {
  it("is read as kube-apiserver reads it", () => {
    const value = {
      ...HEAD,
      resources: [
        { resources: ["secrets", "widgets.example.com"], providers: [{ aesgcm: { keys: [KEY] } }, { identity: {} }] },
        { resources: ["*.apps", "*.", "*.*"], providers: [{ secretbox: { keys: [KEY] } }, { aescbc: { keys: [KEY] } }] },
      ],
    };
    expect(readEncryptionConfiguration(value)).toEqual({
      rules: [
        { resources: ["secrets", "widgets.example.com"], providers: [{ type: "aesgcm", keys: [KEY] }, { type: "identity" }] },
        {
          resources: ["*.apps", "*.", "*.*"],
          providers: [
            { type: "secretbox", keys: [KEY] },
            { type: "aescbc", keys: [KEY] },
          ],
        },
      ],
    });
  });

  it.each([
    [{}, "apiVersion: must be set"],
    [{ ...HEAD, apiVersion: "v1" }, 'apiVersion: must be one of apiserver.config.k8s.io/v1, not "v1"'],
    [HEAD, "resources: must be set"],
    [{ ...HEAD, resources: [] }, "resources: must have at least one entry"],
    [{ ...HEAD, resources: [{ providers: [{ identity: {} }] }] }, "resources[0].resources: must name at least one resource"],
    [{ ...HEAD, resources: [{ resources: ["secrets"] }] }, "resources[0].providers: must have at least one provider"],
    [of({ identity: {} }, ["Secrets"]), "resources[0].resources[0]: must be a resource such as secrets or deployments.apps"],
    [of({ aesgmc: {} }), "resources[0].providers[0].aesgmc: unknown field"],
    [of({}), "resources[0].providers[0]: must have exactly one of aesgcm, secretbox, aescbc, identity"],
    [of({ identity: {}, aesgcm: { keys: [KEY] } }), "resources[0].providers[0]: must have exactly one of"],
    [
      of({ kms: { name: "vault" } }),
      "resources[0].providers[0].kms: is not spoken here; the choices are aesgcm, secretbox, aescbc, identity",
    ],
    [of({ aesgcm: { keys: [] } }), "resources[0].providers[0].aesgcm.keys: must have at least one key"],
    [of({ aesgcm: { keys: [{ secret: SECRET }] } }), "resources[0].providers[0].aesgcm.keys[0].name: must be set"],
    [of({ aesgcm: { keys: [{ name: "a:b", secret: SECRET }] } }), "aesgcm.keys[0].name: must be a name without a colon"],
    [of({ aesgcm: { keys: [{ name: "a" }] } }), "aesgcm.keys[0].secret: must be set"],
    [of({ aesgcm: { keys: [{ name: "a", secret: "c2hvcnQ=" }] } }), "aesgcm.keys[0].secret: must be 16, 24, 32 bytes in base64, and is 5"],
    [of({ secretbox: { keys: [{ name: "a", secret: "c2hvcnQ=" }] } }), "secretbox.keys[0].secret: must be 32 bytes in base64, and is 5"],
    [of({ aesgcm: { keys: [KEY, KEY] } }), 'resources[0].providers[0].aesgcm: has a second key with the name "first"'],
  ])("that is wrong is refused, with the place: %j", (value, message) => {
    expect(() => readEncryptionConfiguration(value)).toThrow(message);
  });

  it.each([
    of({ aesgcm: { keys: SECRET } }),
    of({ aesgcm: { keys: { secret: SECRET } } }),
    of({ aesgcm: SECRET }),
    of({ aesgcm: { keys: [{ name: "a", secret: [SECRET] }] } }),
  ])("tells no secret that is in the wrong place: %#", (value) => {
    expect(() => readEncryptionConfiguration(value)).toThrow(/^(?:(?!BwcH).)+$/);
  });
});
