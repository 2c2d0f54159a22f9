import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bootstrapSigner } from "../../../../actors/controllers/accounts/bootstrap-signer.ts";
import { bootstrapTokenCleaner } from "../../../../actors/controllers/accounts/bootstrap-token-cleaner.ts";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { SecretKind } from "../../../../actors/kinds/core/secret.ts";
import { START_MS, Transcript } from "../transcript.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const at = (passed_ms: number): string => new Date(START_MS + passed_ms).toISOString();

function token(id: string, more: Readonly<Record<string, string>> = {}, rest: object = {}): object {
  const fields = { "token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", ...more };
  const data = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, base64(value)]));
  return { metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" }, type: "bootstrap.kubernetes.io/token", data, ...rest };
}

describe("tokens whose time is over", () => {
  test.each([
    ["is not over", token("abcdef", { expiration: at(60_000) }), ["requeue 60000"]],
    ["is over", token("abcdef", { expiration: at(-1_000) }), ["delete Secret/bootstrap-token-abcdef"]],
    ["cannot be read", token("abcdef", { expiration: "tomorrow" }), ["delete Secret/bootstrap-token-abcdef"]],
    ["has no end", token("abcdef"), []],
    ["is another secret's", token("abcdef", { expiration: at(-1_000) }, { type: "Opaque" }), []],
    [
      "is a secret's of another namespace",
      token("abcdef", { expiration: at(-1_000) }, { metadata: { name: "bootstrap-token-abcdef", namespace: "d" } }),
      [],
    ],
  ])("time that %s", (_what, secret, expected) => {
    expect(new Transcript(bootstrapTokenCleaner).put(SecretKind, secret).decide()).toEqual(expected);
  });
});

describe("the signatures of cluster-info", () => {
  const info = (data: object): object => ({ metadata: { name: "cluster-info", namespace: "kube-public" }, data });
  const signature = (id: string, content: string): string => {
    const [header, payload] = [`{"alg":"HS256","kid":"${id}"}`, content].map((text) => Buffer.from(text).toString("base64url"));
    return `${header}..${createHmac("sha256", "0123456789abcdef").update(`${header}.${payload}`).digest("base64url")}`;
  };
  const signed = (data: object): string => `modify ConfigMap/cluster-info ${JSON.stringify({ data })}`;
  const started = () => new Transcript(bootstrapSigner).put(ConfigMapKind, info({ kubeconfig: "content" }));

  test("one for every token that signs", () => {
    const transcript = started().put(SecretKind, token("aaaaaa")).put(SecretKind, token("bbbbbb"));
    expect(transcript.decide()).toEqual([
      signed({ "jws-kubeconfig-aaaaaa": signature("aaaaaa", "content"), "jws-kubeconfig-bbbbbb": signature("bbbbbb", "content") }),
    ]);
  });

  test("those of tokens that are gone or over, and of what was there before, go", () => {
    const old = { kubeconfig: "other", "jws-kubeconfig-aaaaaa": signature("aaaaaa", "content"), "jws-kubeconfig-cccccc": "x", mine: "1" };
    const transcript = started()
      .put(SecretKind, token("aaaaaa", { expiration: at(60_000) }))
      .put(SecretKind, token("bbbbbb", { expiration: at(-1) }))
      .put(ConfigMapKind, info(old));
    expect(transcript.decide()).toEqual([
      signed({ "jws-kubeconfig-aaaaaa": signature("aaaaaa", "other"), "jws-kubeconfig-cccccc": null }),
      "requeue 60000",
    ]);
  });

  test.each([
    ["does not sign", token("aaaaaa", { "usage-bootstrap-signing": "false" })],
    ["is called otherwise than its secret", token("aaaaaa", { "token-id": "bbbbbb" })],
    ["has no second half", token("aaaaaa", { "token-secret": "" })],
    ["is no token", token("aaaaaa", {}, { type: "Opaque" })],
  ])("none by one that %s", (_what, secret) => {
    expect(started().put(SecretKind, secret).decide()).toEqual([]);
  });

  test("none where nobody has published anything", () => {
    expect(new Transcript(bootstrapSigner).put(SecretKind, token("aaaaaa")).decide()).toEqual([]);
    expect(new Transcript(bootstrapSigner).put(ConfigMapKind, info({})).put(SecretKind, token("aaaaaa")).decide()).toEqual([]);
  });
});
