import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readManifests, staticPodOf } from "../../../../actors/node/static-pods/manifests.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-manifests-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const manifest = (name: string, spec: object = {}): string =>
  JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c", image: "i" }], ...spec } });

test("a manifest becomes a pod of its node: its name, its UID, and what it bears", () => {
  const yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec:\n  containers:\n  - {name: c, image: nginx}\n";
  const { metadata, spec } = staticPodOf(yaml, "/m/web.yaml", "node-0");
  expect(metadata).toMatchObject({ name: "web-node-0", namespace: "default", labels: { app: "web" } });
  expect(metadata.annotations).toEqual({ "kubernetes.io/config.hash": metadata.uid, "kubernetes.io/config.source": "file" });
  expect(spec).toMatchObject({ nodeName: "node-0", tolerations: [{ operator: "Exists", effect: "NoExecute" }], restartPolicy: "Always" });
  expect(metadata.uid).toMatch(/^[0-9a-f]{32}$/);
  // Another content, another file and another node are each another pod; the same again is the same one.
  const uids = [
    staticPodOf(yaml, "/m/web.yaml", "node-0"),
    staticPodOf(yaml.replace("nginx", "nginx:2"), "/m/web.yaml", "node-0"),
    staticPodOf(yaml, "/m/other.yaml", "node-0"),
    staticPodOf(yaml, "/m/web.yaml", "node-1"),
  ].map((pod) => pod.metadata.uid);
  expect(uids[0]).toBe(metadata.uid);
  expect(new Set(uids).size).toBe(4);
});

test.each<[string, string, RegExp]>([
  ["no YAML", "{", /flow map|Flow map|end/],
  ["nothing", "", /Pod|json|object/i],
  ["another kind", JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "s" } }), /Service|Kind/],
  ["no name", manifest(""), /name is needed for the pod/],
  ["a wrong type", manifest("p", { containers: "c" }), /containers/],
  ["no containers", manifest("p", { containers: [] }), /^invalid pod: \[spec\.containers: Required value/],
  ["a service account", manifest("p", { serviceAccountName: "a" }), /^static pods may not reference serviceaccounts$/],
  ["a claim", manifest("p", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }), /persistentvolumeclaims$/],
  [
    "a variable of a config map",
    manifest("p", {
      containers: [{ name: "c", image: "i", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "m", key: "k" } } }] }],
    }),
    /reference configmaps$/,
  ],
  ["a secret", manifest("p", { volumes: [{ name: "v", secret: { secretName: "s" } }] }), /secrets \(via secret volumes\)$/],
])("%s is no static pod", (_name, text, why) => {
  expect(() => staticPodOf(text, "/m/p.yaml", "n")).toThrow(why);
});

test("of a directory all files count that do not begin with a dot; those that are none harm no others", async () => {
  writeFileSync(join(directory, "a.yaml"), manifest("a"));
  writeFileSync(join(directory, "b.json"), manifest("a"));
  writeFileSync(join(directory, "c"), "nonsense");
  writeFileSync(join(directory, ".hidden"), manifest("hidden"));
  mkdirSync(join(directory, "within"));
  const { pods, troubles } = await readManifests(directory, "n");
  expect(pods.map(({ metadata }) => metadata.name)).toEqual(["a-n"]);
  expect([...troubles.keys()].map((file) => file.slice(directory.length + 1))).toEqual(["b.json", "c", "within"]);
  expect(troubles.get(join(directory, "b.json"))).toContain("another file has a pod of the name");
  expect((await readManifests(join(directory, "a.yaml"), "n")).pods).toHaveLength(1);
  expect(await readManifests(join(directory, "absent"), "n")).toEqual({ pods: [], troubles: new Map() });
});
