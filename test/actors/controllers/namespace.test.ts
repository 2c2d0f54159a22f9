import { afterEach, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import type { ConfigMap, Deployment, Namespace } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { CA, named, readyPods, startCluster, type TestCluster, template } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const ANY_NAMESPACE = NamespaceKind as unknown as Kind;

test("a namespace gets its ServiceAccount and its CA, and gets them again", async () => {
  cluster = await startCluster();
  const { registry, until, view } = cluster;
  await until("CA", () => view.entry("configmaps/d/kube-root-ca.crt") !== undefined);
  expect(view.get<ConfigMap>("configmaps/d/kube-root-ca.crt")?.data).toEqual({ "ca.crt": CA });
  for (const [kind, name] of [
    ["serviceaccounts", "default"],
    ["configmaps", "kube-root-ca.crt"],
  ] as const) {
    const key = `${kind}/d/${name}`;
    const uid = view.get(key)?.metadata.uid;
    const found = (await import("../../../actors/kinds/kinds.ts")).BUILT_IN_KINDS.find(({ plural }) => plural === kind);
    await registry.delete(found as Kind, "d", name);
    await until(`${name} again`, () => view.entry(key) !== undefined && view.get(key)?.metadata.uid !== uid);
  }
  await registry.modify(ConfigMapKind, "d", "kube-root-ca.crt", (current) => ({ ...current, data: { "ca.crt": "forged" } }));
  await until("CA mended", () => view.get<ConfigMap>("configmaps/d/kube-root-ca.crt")?.data?.["ca.crt"] === CA);
});

test("a namespace that is deleted empties itself, pods first and with their grace, and goes", async () => {
  cluster = await startCluster();
  const { registry, until, view, kubelet } = cluster;
  const spec = { replicas: 3, selector: { matchLabels: { app: "x" } }, template: template("img:1") };
  await registry.create(DeploymentKind, named<Deployment>("web", "d", { spec }));
  await registry.create(ConfigMapKind, named<ConfigMap>("c", "d"));
  await until("ready", () => readyPods(cluster as TestCluster) === 3);
  kubelet.stop_ms = 2_000;
  await registry.delete(ANY_NAMESPACE, undefined, "d");
  expect(view.get<Namespace>("namespaces/d")?.status?.phase).toBe("Terminating");
  let configOutlivesPods = true;
  view.watch("configmaps", view.revision, ({ now }) => {
    if (now === undefined) configOutlivesPods &&= view.list("pods", "d").length === 0;
  });
  await until("conditions", () => view.get<Namespace>("namespaces/d")?.status?.conditions !== undefined);
  await until("gone", () => view.entry("namespaces/d") === undefined);
  expect(configOutlivesPods).toBe(true);
  for (const resource of ["pods", "configmaps", "serviceaccounts", "deployments.apps", "replicasets.apps"])
    expect(view.list(resource, "d")).toEqual([]);
});

test("content with a finalizer holds its namespace, which says so", async () => {
  cluster = await startCluster();
  const { registry, until, view, clock, counters } = cluster;
  await registry.create(ConfigMapKind, named<ConfigMap>("held", "d", { metadata: { finalizers: ["example.com/hold"] } }));
  await registry.delete(ANY_NAMESPACE, undefined, "d");
  const said = (): (string | undefined)[] => view.get<Namespace>("namespaces/d")?.status?.conditions?.map(({ message }) => message) ?? [];
  await until("said", () =>
    said().includes("Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"),
  );
  await clock.run(5_000);
  const { rounds } = await counters("namespace");
  await clock.run(60_000);
  expect((await counters("namespace")).rounds).toBe(rounds);
  await registry.modify(ConfigMapKind, "d", "held", (current) => ({ ...current, metadata: { ...current.metadata, finalizers: [] } }));
  await until("gone", () => view.entry("namespaces/d") === undefined);
});
