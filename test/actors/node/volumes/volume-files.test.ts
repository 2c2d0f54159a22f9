import { expect, test } from "vitest";
import type { Pod, Volume } from "../../../../actors/kinds/generated/types.ts";
import { referencesOf, volumeFiles } from "../../../../actors/node/volumes/volume-files.ts";

const OBJECTS: Readonly<Record<string, object>> = {
  "configmaps/d/conf": { data: { a: "one", b: "two" }, binaryData: { c: Buffer.from([0, 255]).toString("base64") } },
  "secrets/d/keys": { data: { key: Buffer.from("secret").toString("base64") } },
};

interface Case {
  readonly says: string;
  readonly volume: object;
  readonly security?: object;
  /** `path mode content`, or what is wrong. */
  readonly is: readonly string[] | string;
}

const CASES: readonly Case[] = [
  { says: "all keys", volume: { configMap: { name: "conf" } }, is: ["a 644 one", "b 644 two", "c 644 \0\xff"] },
  {
    says: "modes",
    volume: {
      configMap: {
        name: "conf",
        defaultMode: 0o400,
        items: [
          { key: "a", path: "x/y" },
          { key: "b", path: "z", mode: 0o755 },
        ],
      },
    },
    is: ["x/y 400 one", "z 755 two"],
  },
  { says: "a secret", volume: { secret: { secretName: "keys", defaultMode: 0o600 } }, is: ["key 600 secret"] },
  {
    says: "what is missing",
    volume: { configMap: { name: "no" } },
    is: 'MountVolume.SetUp failed for volume "v" : configmap "no" not found',
  },
  {
    says: "a secret that is missing",
    volume: { secret: { secretName: "no" } },
    is: 'MountVolume.SetUp failed for volume "v" : secret "no" not found',
  },
  { says: "optional and missing", volume: { secret: { secretName: "no", optional: true } }, is: [] },
  {
    says: "a missing key",
    volume: { configMap: { name: "conf", items: [{ key: "q", path: "q" }] } },
    is: 'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: q',
  },
  {
    says: "a missing key of a secret",
    volume: { secret: { secretName: "keys", items: [{ key: "q", path: "q" }] } },
    is: 'MountVolume.SetUp failed for volume "v" : references non-existent secret key: q',
  },
  {
    says: "an optional key",
    volume: {
      configMap: {
        name: "conf",
        optional: true,
        items: [
          { key: "q", path: "q" },
          { key: "a", path: "a" },
        ],
      },
    },
    is: ["a 644 one"],
  },
  {
    says: "two things missing",
    volume: { projected: { sources: [{ configMap: { name: "no" } }, { secret: { name: "nor" } }] } },
    is: 'MountVolume.SetUp failed for volume "v" : [configmap "no" not found, secret "nor" not found]',
  },
  {
    says: "a path that leads out",
    volume: { configMap: { name: "conf", items: [{ key: "a", path: "../a" }] } },
    is: `MountVolume.SetUp failed for volume "v" : invalid path: must not contain '..': ../a`,
  },
  {
    says: "later sources go before",
    volume: {
      projected: {
        sources: [
          { configMap: { name: "conf", items: [{ key: "a", path: "f" }] } },
          { secret: { name: "keys", items: [{ key: "key", path: "f" }] } },
        ],
      },
    },
    is: ["f 644 secret"],
  },
  {
    says: "the pod about itself",
    volume: {
      downwardAPI: {
        items: [
          { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
          { path: "note", fieldRef: { fieldPath: "metadata.annotations['note']" }, mode: 0o444 },
          { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu", divisor: "1m" } },
        ],
      },
    },
    is: ['labels 644 app="web"\ntier="a\\"b"', "note 444 hello", "cpu 644 250"],
  },
  {
    says: "a token",
    volume: { projected: { sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 600, audience: "vault" } }] } },
    is: ["token 644 vault for 600"],
  },
  {
    says: "a token of a pod with a group",
    security: { fsGroup: 7 },
    volume: { projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    is: ["token 600 API for 3600"],
  },
  {
    says: "a token of a pod with a user",
    security: { runAsUser: 7 },
    volume: { projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    is: ["token 600 API for 3600 of 7"],
  },
];

function podWith(volume: object, securityContext: object = {}): Pod {
  return {
    metadata: { name: "p", namespace: "d", uid: "u", labels: { tier: 'a"b', app: "web" }, annotations: { note: "hello" } },
    spec: { securityContext, volumes: [{ name: "v", ...volume }], containers: [{ name: "c", resources: { limits: { cpu: "250m" } } }] },
  } as unknown as Pod;
}

test.each(CASES)("$says", ({ volume, security, is }) => {
  const pod = podWith(volume, security);
  const view = { get: (key: string) => OBJECTS[key] as never };
  const made = (): readonly string[] =>
    [
      ...(volumeFiles(
        { view, pod, token: ({ audience, seconds }) => `${audience ?? "API"} for ${seconds}` },
        pod.spec.volumes?.[0] as Volume,
      ) ?? []),
    ].map(
      ([path, { content, mode, owner }]) =>
        `${path} ${mode.toString(8)} ${content.toString("latin1")}${owner === undefined ? "" : ` of ${owner}`}`,
    );
  if (typeof is === "string") expect(made).toThrow(is);
  else expect(made()).toEqual(is);
});

test("what a pod shows, each object once", () => {
  const pod = podWith({
    projected: { sources: [{ configMap: { name: "conf" } }, { secret: { name: "keys" } }, { configMap: { name: "conf" } }] },
  });
  expect([...referencesOf(pod)]).toEqual(["configmaps/d/conf", "secrets/d/keys"]);
});
