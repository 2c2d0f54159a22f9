import { expect, test } from "vitest";
import type { Pod, Secret } from "../../../../actors/kinds/generated/types.ts";
import { pullCredentials } from "../../../../actors/pod/life/pull-credentials.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Who is shown for the image, of a pod whose secret says that. */
function shown(image: string, auths: Readonly<Record<string, object>>): readonly string[] {
  return credentialsOf(image, { ".dockerconfigjson": base64(JSON.stringify({ auths })) }).credentials.map(({ username }) => username);
}

function credentialsOf(image: string, data: Readonly<Record<string, string>>): ReturnType<typeof pullCredentials> {
  const secret = { metadata: { name: "s" }, data } as unknown as Secret;
  const get = <T>(key: string): T | undefined => (key === "secrets/n/s" ? (secret as T) : undefined);
  const pod = { metadata: { namespace: "n" }, spec: { imagePullSecrets: [{ name: "s" }, { name: "absent" }] } } as unknown as Pod;
  return pullCredentials({ get } as never, pod, image);
}

test.each([
  ["gcr.io/a/b:1", "gcr.io", true],
  ["gcr.io/a/b:1", "https://gcr.io/v2/", true],
  ["gcr.io/a/b:1", "gcr.io/a", true],
  ["gcr.io/a/b:1", "gcr.io/c", false],
  ["a.gcr.io/a@sha256:0", "*.gcr.io", true],
  ["a.b.gcr.io/a", "*.gcr.io", false],
  ["localhost:5000/a", "localhost:5000", true],
  ["localhost:5000/a", "localhost:5001", false],
  ["busybox", "https://index.docker.io/v1/", true],
  ["user/image:2", "docker.io", true],
  ["gcr.io/a", "docker.io", false],
])("of %s and %s: %s", (image, server, isShown) => {
  expect(shown(image, { [server]: { username: "u", password: "p" } })).toEqual(isShown ? ["u"] : []);
});

test("the most particular goes first; what is told in one word is taken apart, and who is not there is said", () => {
  const auths = { "gcr.io": { username: "all" }, "gcr.io/a": { auth: base64("one:pass:word") } };
  expect(shown("gcr.io/a/b", auths)).toEqual(["one", "all"]);
  const former = credentialsOf("gcr.io/a", {
    ".dockercfg": base64(JSON.stringify({ "gcr.io": { auth: base64("one:pass:word"), identitytoken: "t" } })),
  });
  expect(former).toEqual({
    credentials: [{ username: "one", password: "pass:word", serverAddress: "gcr.io", identityToken: "t", registryToken: "" }],
    missing: ["absent"],
  });
  expect(credentialsOf("gcr.io/a", { ".dockerconfigjson": "!" }).credentials).toEqual([]);
});
