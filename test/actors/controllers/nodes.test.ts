import { afterEach, expect, test } from "vitest";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { LeaseKind } from "../../../actors/kinds/coordination/lease.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Deployment, Lease, Node, Pod, Taint } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { microTimestamp } from "../../../actors/registry/timestamps.ts";
import { isReady, named, readyPods, startCluster, type TestCluster, template } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const node = (name = "n0"): Node | undefined => cluster?.view.get<Node>(`nodes/${name}`);
const ready = (name = "n0") => node(name)?.status?.conditions?.find(({ type }) => type === "Ready");
const taints = (name = "n0"): string[] => (node(name)?.spec.taints ?? []).map(({ key, effect }: Taint) => `${key}:${effect}`).sort();
const podsOn = (name: string): Pod[] => (cluster?.all<Pod>("pods", "d") ?? []).filter(({ spec }) => spec.nodeName === name);

/** Renews the leases of these nodes every ten seconds. */
function beat(names: ReadonlySet<string>): void {
  const { registry, clock } = cluster as TestCluster;
  const renewTime = microTimestamp(clock.now_ms());
  for (const name of names) {
    void registry
      .modify(LeaseKind, "kube-node-lease", name, (lease) => ({ ...lease, spec: { ...lease.spec, renewTime } }))
      .catch(() => registry.create(LeaseKind, named<Lease>(name, "kube-node-lease", { spec: { renewTime } })))
      .catch(() => undefined);
  }
  clock.after(10_000, () => beat(names));
}

async function startWithBeats(nodes: number): Promise<Set<string>> {
  cluster = await startCluster({ nodes });
  const { NamespaceKind } = await import("../../../actors/kinds/core/namespace.ts");
  await cluster.registry.create(NamespaceKind, named("kube-node-lease", undefined, { spec: {} }));
  const beating = new Set(Array.from({ length: nodes }, (_, i) => `n${i}`));
  beat(beating);
  return beating;
}

test("a node that falls silent is declared lost, tainted, its pods not ready, and forgiven when it is back", async () => {
  const beating = await startWithBeats(2);
  const { registry, until, events, clock } = cluster as TestCluster;
  for (const name of ["a", "b"]) {
    const spec = { containers: [{ name: "c", image: "i" }], tolerations: [{ operator: "Exists" }] };
    await registry.create(PodKind, named<Pod>(name, "d", { spec }));
  }
  await until("ready", () => readyPods(cluster as TestCluster) === 2);
  await clock.run(120_000);
  expect(ready()?.status).toBe("True");
  expect(taints()).toEqual([]);
  beating.delete("n0");
  const silent_ms = clock.now_ms();
  await until("lost", () => ready()?.status === "Unknown");
  expect(clock.now_ms() - silent_ms).toBeGreaterThan(30_000);
  expect(clock.now_ms() - silent_ms).toBeLessThan(60_000);
  expect(ready()?.reason).toBe("NodeStatusUnknown");
  expect(ready()?.message).toBe("Kubelet stopped posting node status.");
  await until("tainted", () => taints().length > 0);
  expect(taints()).toEqual(["node.kubernetes.io/unreachable:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"]);
  expect(ready("n1")?.status).toBe("True");
  await until("pods not ready", () => podsOn("n0").every((pod) => !isReady(pod)));
  expect(podsOn("n1").every(isReady)).toBe(true);
  expect(events).toContain("Normal NodeNotReady Node/n0: Node n0 status is now: NodeNotReady");
  const conditions = (node()?.status?.conditions ?? []).map((condition) => ({
    ...condition,
    status: condition.type === "Ready" ? "True" : "False",
  }));
  await registry.modify(NodeKind, undefined, "n0", (current) => ({ ...current, status: { ...current.status, conditions } }), {
    subresource: "status",
  });
  await until("forgiven", () => taints().length === 0);
});

test("a node that was never heard of is given a minute", async () => {
  cluster = await startCluster({ nodes: 0 });
  await cluster.registry.create(NodeKind, named<Node>("mute", undefined, { spec: {} }));
  await cluster.clock.run(55_000);
  expect(ready("mute")).toBeUndefined();
  await cluster.until("lost", () => ready("mute") !== undefined, 20_000);
  expect(ready("mute")?.reason).toBe("NodeStatusNeverUpdated");
  expect(ready("mute")?.message).toBe("Kubelet never posted node status.");
});

test("conditions and cordons are taints", async () => {
  cluster = await startCluster({ nodes: 1 });
  const { registry, until } = cluster;
  await registry.modify(NodeKind, undefined, "n0", (current) => ({
    ...current,
    spec: { unschedulable: true, taints: [{ key: "mine", effect: "NoSchedule" }] },
  }));
  await until("cordoned", () => taints().length === 2);
  expect(taints()).toEqual(["mine:NoSchedule", "node.kubernetes.io/unschedulable:NoSchedule"]);
  const pressure = { type: "DiskPressure", status: "True" };
  await registry.modify(
    NodeKind,
    undefined,
    "n0",
    (current) => ({ ...current, status: { ...current.status, conditions: [...(current.status?.conditions ?? []), pressure] } }),
    { subresource: "status" },
  );
  await until("pressed", () => taints().includes("node.kubernetes.io/disk-pressure:NoSchedule"));
  await registry.modify(NodeKind, undefined, "n0", ({ spec: { unschedulable: _was, ...spec }, ...current }) => ({ ...current, spec }));
  await until("uncordoned", () => taints().join() === "mine:NoSchedule,node.kubernetes.io/disk-pressure:NoSchedule");
});

test("NoExecute evicts at once, after tolerationSeconds, or never", async () => {
  cluster = await startCluster({ nodes: 1 });
  const { registry, until, view, clock, events } = cluster;
  const toleration = { key: "maintenance", operator: "Exists", effect: "NoExecute" };
  for (const [name, tolerations] of [
    ["at-once", []],
    ["later", [{ ...toleration, tolerationSeconds: 20 }]],
    ["never", [toleration]],
  ] as const) {
    await registry.create(PodKind, named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "i" }], tolerations } }));
  }
  await until("ready", () => readyPods(cluster as TestCluster) === 3);
  const taint = (list: Taint[]) =>
    registry.modify(NodeKind, undefined, "n0", (current) => ({ ...current, spec: { ...current.spec, taints: list } }));
  await taint([{ key: "maintenance", effect: "NoExecute" }]);
  await until("at once", () => view.entry("pods/d/at-once") === undefined, 1_000);
  expect(events).toContain("Normal TaintManagerEviction Pod/at-once: Marking for deletion Pod d/at-once");
  await clock.run(10_000);
  await taint([]);
  await until("spared", () => events.includes("Normal TaintManagerEviction Pod/later: Cancelling deletion of Pod d/later"));
  await taint([{ key: "maintenance", effect: "NoExecute" }]);
  await clock.run(18_000);
  expect(view.entry("pods/d/later")).toBeDefined();
  await until("later", () => view.entry("pods/d/later") === undefined, 5_000);
  expect(view.entry("pods/d/never")).toBeDefined();
});

test("the pods of a node that is deleted are replaced elsewhere and collected", async () => {
  cluster = await startCluster({ nodes: 2 });
  const { registry, until, clock } = cluster;
  const spec = { replicas: 4, selector: { matchLabels: { app: "x" } }, template: template("img:1") };
  await registry.create(DeploymentKind, named<Deployment>("web", "d", { spec }));
  await until("ready", () => readyPods(cluster as TestCluster) === 4);
  expect(podsOn("n0")).toHaveLength(2);
  await registry.delete(NodeKind as unknown as Kind, undefined, "n0");
  const start_ms = clock.now_ms();
  await until(
    "collected",
    () => podsOn("n0").filter(({ status }) => status?.phase === "Running" && status.conditions?.length === 2).length === 0,
  );
  expect(clock.now_ms() - start_ms).toBeGreaterThan(39_000);
});
