import { afterEach, expect, test } from "vitest";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { ConfigMap, Deployment, Namespace, Pod } from "../../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import type { OwnerReference } from "../../../../actors/kinds/object.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "../harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const ANY_CONFIG_MAP = ConfigMapKind as unknown as Kind;

async function config(
  name: string,
  ownerReferences: readonly Partial<OwnerReference>[] = [],
  namespace = "d",
  finalizers?: string[],
): Promise<OwnerReference> {
  const metadata = { ownerReferences, ...(finalizers === undefined ? {} : { finalizers }) };
  const entry = await cluster?.registry.create(ConfigMapKind, named<ConfigMap>(name, namespace, { metadata }));
  const uid = entry === undefined ? "" : (cluster?.view.decode(entry).metadata.uid ?? "");
  return { apiVersion: "v1", kind: "ConfigMap", name, uid };
}

function names(): string[] {
  return (cluster?.all<ConfigMap>("configmaps", "d") ?? [])
    .map(({ metadata }) => metadata.name)
    .filter((name) => name !== "kube-root-ca.crt");
}

async function startDeployment(): Promise<TestCluster> {
  cluster = await startCluster();
  const spec = { replicas: 3, selector: { matchLabels: { app: "x" } }, template: template("img:1") };
  await cluster.registry.create(DeploymentKind, named<Deployment>("web", "d", { spec }));
  await cluster.until("ready", () => readyPods(cluster as TestCluster) === 3);
  return cluster;
}

const count = (resource: string): number => cluster?.view.list(resource, "d").length ?? 0;

test("background: dependents follow", async () => {
  const { registry, until } = await startDeployment();
  await registry.delete(DeploymentKind as unknown as Kind, "d", "web", { propagationPolicy: "Background" });
  expect(count("deployments.apps")).toBe(0);
  await until("all gone", () => count("replicasets.apps") === 0 && count("pods") === 0);
});

test("foreground: the owner waits for the last of its dependents", async () => {
  const { registry, until, view, kubelet } = await startDeployment();
  kubelet.stop_ms = 3_000;
  let waited = true;
  view.watch("deployments.apps", view.revision, ({ now }) => {
    if (now === undefined) waited = count("replicasets.apps") === 0 && count("pods") === 0;
  });
  await registry.delete(DeploymentKind as unknown as Kind, "d", "web", { propagationPolicy: "Foreground" });
  expect(count("deployments.apps")).toBe(1);
  await until("all gone", () => count("deployments.apps") === 0);
  expect(waited).toBe(true);
});

test("orphan: dependents forget their owner and stay", async () => {
  const { registry, until, all, clock } = await startDeployment();
  await registry.delete(DeploymentKind as unknown as Kind, "d", "web", { propagationPolicy: "Orphan" });
  await until("owner gone", () => count("deployments.apps") === 0);
  await clock.run(1_000);
  expect(all("replicasets.apps", "d").map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined]);
  expect(readyPods(cluster as TestCluster)).toBe(3);
});

test("who has an owner left stays and forgets the others; who has none left goes; who is not garbage is never touched", async () => {
  cluster = await startCluster({ controllers: ["garbage-collector"] });
  const { registry, until, view, clock } = cluster;
  const first = await config("first");
  const second = await config("second");
  await config("of-both", [first, second]);
  await config("of-first", [first]);
  await config("of-an-impostor", [{ ...first, uid: "11111111-1111-1111-1111-111111111111" }]);
  await config("of-nobody-known", [{ ...first, apiVersion: "example.com/v1", kind: "Unknown" }]);
  await config("free");
  await until("impostor's goes", () => !names().includes("of-an-impostor"));
  await registry.delete(ANY_CONFIG_MAP, "d", "first");
  await until("first's goes", () => !names().includes("of-first"));
  await until("reference goes", () => view.get("configmaps/d/of-both")?.metadata.ownerReferences?.length === 1);
  await clock.run(2_000);
  expect(names().sort()).toEqual(["free", "of-both", "of-nobody-known", "second"]);
});

test("an owner of another namespace is none, and a finalizer holds what is garbage", async () => {
  cluster = await startCluster({ controllers: ["garbage-collector"] });
  const { registry, until, view } = cluster;
  await registry.create(NamespaceKind, named<Namespace>("e", undefined, { spec: {} }));
  const elsewhere = await config("owner", [], "e");
  await config("lost", [elsewhere]);
  await config("held", [elsewhere], "d", ["example.com/hold"]);
  await until("lost goes", () => !names().includes("lost"));
  await until("held is marked", () => view.get("configmaps/d/held")?.metadata.deletionTimestamp !== undefined);
  const told = (name: string): RegExp => new RegExp(`^Warning OwnerRefInvalidNamespace ConfigMap/${name}: ownerRef .* in namespace "d"$`);
  expect(cluster.events.toSorted()).toEqual([expect.stringMatching(told("held")), expect.stringMatching(told("lost"))]);
});

test("two that own each other and block each other both go in the foreground", async () => {
  cluster = await startCluster({ controllers: ["garbage-collector"] });
  const { registry, until } = cluster;
  const a = await config("a");
  const b = await config("b", [{ ...a, blockOwnerDeletion: true }]);
  await registry.modify(ConfigMapKind, "d", "a", (current) => ({
    ...current,
    metadata: { ...current.metadata, ownerReferences: [{ ...b, blockOwnerDeletion: true }] },
  }));
  await registry.delete(ANY_CONFIG_MAP, "d", "a", { propagationPolicy: "Foreground" });
  await until("both gone", () => names().length === 0);
});

test("pods that nobody owns, and pods whose owners live, are never looked at", async () => {
  cluster = await startCluster({ controllers: ["garbage-collector", "service-account"] });
  const { registry, counters, clock } = cluster;
  const owner = await config("owner");
  for (let i = 0; i < 50; i++) {
    const ownerReferences = i % 2 === 0 ? [] : [owner];
    await registry.create(
      PodKind,
      named<Pod>(`p${i}`, "d", { metadata: { ownerReferences }, spec: { containers: [{ name: "c", image: "i" }] } }),
    );
  }
  await clock.run(1_000);
  expect(readyPods(cluster)).toBe(50);
  const { rounds, changes } = await counters("garbage-collector");
  expect(changes).toBeGreaterThan(150);
  expect(rounds).toBe(0);
});
