import { afterEach, beforeEach, expect, test } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { ContainerStatus, Event, Lease, Namespace, Node, Pod, PodCondition } from "../../../actors/kinds/generated/types.ts";
import { createFleetKind } from "../../../actors/node/fleet.ts";
import { FLEET_ADDRESS } from "../../../actors/node/fleet-address.ts";
import { HOLLOW_FORM } from "../../../actors/node/hollow/hollow-form.ts";
import { createHollowRuntime } from "../../../actors/node/hollow-runtime.ts";
import type { FleetMessage } from "../../../actors/node/messages.ts";
import { createNodeKind } from "../../../actors/node/node.ts";
import { createPodKind } from "../../../actors/pod/pod.ts";
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { type Address, addressOf, systemClock, systemRandom } from "../../../runtime/mod.ts";
import { named, startRegistry, type TestRegistry } from "../registry/harness.ts";

let t: TestRegistry;
/** So many of the next writes of pods' actors are refused, as by a store that is away. */
let refused = 0;

/** The fleet, nodes and pods as a running cluster has them, on the real clock: hollow containers start within 50 ms. */
beforeEach(async () => {
  t = await startRegistry();
  const { registry, store } = t;
  const { replica: view, client, host } = store;
  const clock = systemClock();
  const random = systemRandom();
  const runtime = createHollowRuntime(clock, random);
  const recorder = createEventRecorder({ view, store: client, clock, random, source: { component: "kubelet" } });
  await registry.create(NamespaceKind, named<Namespace>("kube-node-lease", undefined, { spec: {} }));
  host.register(createFleetKind({ view, form: HOLLOW_FORM }));
  host.register(createNodeKind({ view, registry, form: HOLLOW_FORM, usageOf: () => [] }));
  refused = 0;
  const modify: Registry["modify"] = (...args) => (refused-- > 0 ? Promise.reject(new Error("away")) : registry.modify(...args));
  host.register(createPodKind({ view, registry: { ...registry, modify }, recorder, runtime }));
  const start: FleetMessage = { type: "start", nodes: 2 };
  expect(await host.messenger.ask("fleet/main", start)).toEqual({ ready: 2 });
});
afterEach(() => t.stop());

const podOf = (name: string): Pod | undefined => t.store.replica.get<Pod>(`pods/d/${name}`);

/** Resolves when the view shows it, after some change of the resource. */
function seen(resource: string, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const subscription = t.store.replica.watch(resource, t.store.replica.revision, () => {
      if (!holds()) return;
      subscription.cancel();
      resolve();
    });
  });
}

async function bound(name: string, spec: object = {}): Promise<void> {
  await t.registry.create(PodKind, named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "nginx" }], ...spec } }));
  await t.registry.bind("d", name, undefined, "node-0");
}
const isReady = (name: string): boolean =>
  podOf(name)?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

test("nodes register with a range each, report Ready and hold a lease", () => {
  const nodes = t.store.replica.list("nodes").map((entry) => t.store.replica.decode<Node>(entry));
  expect(nodes.map(({ metadata, spec }) => [metadata.name, spec?.podCIDR])).toEqual([
    ["node-0", "10.128.0.0/24"],
    ["node-1", "10.128.1.0/24"],
  ]);
  for (const { status } of nodes) expect(status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  expect(t.store.replica.get<Lease>("leases.coordination.k8s.io/kube-node-lease/node-1")?.spec?.holderIdentity).toBe("node-1");
});

/** What a watcher sees of the pods' first containers. */
function statesSeen(): (string | undefined)[] {
  const states: (string | undefined)[] = [];
  t.store.replica.watch("pods", t.store.replica.revision, ({ now }) => {
    if (now === undefined) return;
    const { status } = t.store.replica.decode<Pod>(now);
    const state = status?.containerStatuses?.[0]?.state;
    states.push(state?.waiting?.reason ?? (state?.running === undefined ? status?.phase : "Running"));
  });
  return states;
}

test("a bound pod is created, runs with an address of its node, says so, and goes in its grace period", async () => {
  const states = statesSeen();
  await bound("web");
  await seen("pods", () => isReady("web"));
  expect(states).toEqual(["Pending", "Pending", "ContainerCreating", "Running"]);
  expect(podOf("web")?.status?.podIP).toMatch(/^10\.128\.0\.\d+$/);
  await seen("events", () => t.store.replica.count("events") > 0);
  const events = t.store.replica.list("events", "d").map((entry) => t.store.replica.decode<Event>(entry));
  expect(events.map(({ reason, message }) => [reason, message])).toEqual([["Started", "Started container c"]]);

  const { removed } = await t.registry.delete(PodKind, "d", "web");
  expect(removed).toBe(false);
  await seen("pods", () => podOf("web") === undefined);
});

test("what happens while nothing can be told is told as it is then: running, or ended, in the order in which it happened", async () => {
  const states = statesSeen();
  refused = 2;
  await bound("web");
  await seen("pods", () => isReady("web"));
  expect(states).toEqual(["Pending", "Pending", "Running"]);
  const { conditions, startTime } = podOf("web")?.status ?? {};
  expect(conditions?.map(({ type, status }) => [type, status])).toEqual([
    ["PodReadyToStartContainers", "True"],
    ["Initialized", "True"],
    ["Ready", "True"],
    ["ContainersReady", "True"],
    ["PodScheduled", "True"],
  ]);
  expect(startTime).toBeDefined();
  refused = 1;
  await bound("once", { restartPolicy: "Never" });
  await seen("pods", () => podOf("once")?.status?.phase === "Succeeded");
  expect(podOf("once")?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(states.slice(3)).toEqual(["Pending", "Pending", "Running", "Succeeded"]);
  refused = 1;
  await bound("gone");
  await t.registry.delete(PodKind, "d", "gone");
  await seen("pods", () => podOf("gone") === undefined);
});

test("pods in the host's network have the node's address, others one each", async () => {
  await Promise.all([bound("a"), bound("b"), bound("host", { hostNetwork: true })]);
  await seen("pods", () => ["a", "b", "host"].every(isReady));
  const addresses = ["a", "b", "host"].map((name) => podOf(name)?.status?.podIP);
  expect(new Set(addresses).size).toBe(3);
  expect(addresses[2]).toBe(podOf("host")?.status?.hostIP);
});

test("a pod with a readiness gate is Ready when its condition is set", async () => {
  await bound("gated", { readinessGates: [{ conditionType: "example.com/gate" }] });
  await seen("pods", () => podOf("gated")?.status?.phase === "Running");
  expect(isReady("gated")).toBe(false);
  await t.registry.modify(
    PodKind,
    "d",
    "gated",
    (pod) => ({
      ...pod,
      status: { ...pod.status, conditions: [...(pod.status?.conditions ?? []), { type: "example.com/gate", status: "True" }] },
    }),
    { subresource: "status" },
  );
  await seen("pods", () => isReady("gated"));
});

test("a pod of the same name that comes after is another pod, with an actor of its own", async () => {
  await bound("web");
  await seen("pods", () => isReady("web"));
  const uid = podOf("web")?.metadata.uid;
  await t.registry.delete(PodKind, "d", "web", { gracePeriodSeconds: 0 });
  await bound("web");
  await seen("pods", () => isReady("web"));
  expect(podOf("web")?.metadata.uid).not.toBe(uid);
});

test("a pod that is meant to end does, as its annotations say", async () => {
  await bound("job", { restartPolicy: "OnFailure" });
  await seen("pods", () => podOf("job")?.status?.phase === "Succeeded");
  expect(podOf("job")?.status?.containerStatuses?.[0]).toMatchObject({
    ready: false,
    state: { terminated: { exitCode: 0, reason: "Completed" } },
  });
  expect(podOf("job")?.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ status: "False", reason: "PodCompleted" });

  const annotations = { "troupe.dev/hollow-run-seconds": "0.01", "troupe.dev/hollow-exit-code": "3" };
  const metadata = { name: "fails", namespace: "d", annotations } as unknown as Pod["metadata"];
  await t.registry.create(PodKind, { metadata, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } as Pod);
  await t.registry.bind("d", "fails", undefined, "node-0");
  await seen("pods", () => podOf("fails")?.status?.phase === "Failed");
  expect(podOf("fails")?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect((await t.registry.delete(PodKind, "d", "fails")).removed).toBe(true);
});

/** A change through one of the doors of a pod's spec. */
function changed(name: string, subresource: "resize" | "ephemeralcontainers", spec: object): Promise<unknown> {
  return t.registry.patch(PodKind, "d", name, { type: "strategic", body: { spec } }, { subresource });
}
const containerOf = (name: string): ContainerStatus | undefined => podOf(name)?.status?.containerStatuses?.[0];

test("a resize is granted, restarts what its policy says, and waits or is refused where the node has no room", async () => {
  const containers = [
    {
      name: "c",
      image: "i",
      resources: { requests: { cpu: "1", memory: "1Gi" } },
      resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }],
    },
  ];
  await bound("web", { containers });
  await seen("pods", () => isReady("web"));
  expect(containerOf("web")).toMatchObject({ allocatedResources: { cpu: "1" }, resources: { requests: { cpu: "1", memory: "1Gi" } } });

  await changed("web", "resize", { containers: [{ name: "c", resources: { requests: { cpu: "2" } } }] });
  await seen("pods", () => containerOf("web")?.allocatedResources?.cpu === "2");
  expect(containerOf("web")?.restartCount).toBe(0);
  expect(podOf("web")?.status?.observedGeneration).toBe(2);

  await changed("web", "resize", { containers: [{ name: "c", resources: { requests: { memory: "2Gi" } } }] });
  await seen("pods", () => containerOf("web")?.restartCount === 1);
  expect(containerOf("web")).toMatchObject({ allocatedResources: { memory: "2Gi" }, lastState: { terminated: { exitCode: 0 } } });

  const pending = (): PodCondition | undefined => podOf("web")?.status?.conditions?.find(({ type }) => type === "PodResizePending");
  await changed("web", "resize", { containers: [{ name: "c", resources: { requests: { cpu: "33" } } }] });
  await seen("pods", () => pending()?.reason === "Infeasible");
  expect(pending()?.message).toBe("Node didn't have enough capacity: cpu, requested: 33000, capacity: 32000");
  expect(containerOf("web")?.allocatedResources?.cpu).toBe("2");

  await bound("other", { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "20" } } }] });
  await changed("web", "resize", { containers: [{ name: "c", resources: { requests: { cpu: "16" } } }] });
  await seen("pods", () => pending()?.reason === "Deferred");
  await t.registry.delete(PodKind, "d", "other", { gracePeriodSeconds: 0 });
  await seen("pods", () => containerOf("web")?.allocatedResources?.cpu === "16");
  expect(pending()).toBeUndefined();
});

test("a container of another image is started anew; one that is put in to look around runs beside", async () => {
  await bound("web");
  await seen("pods", () => isReady("web"));
  await t.registry.patch(PodKind, "d", "web", { type: "strategic", body: { spec: { containers: [{ name: "c", image: "nginx:2" }] } } });
  await seen("pods", () => containerOf("web")?.image === "nginx:2");
  expect(containerOf("web")).toMatchObject({ restartCount: 1, state: { running: {} }, lastState: { terminated: { reason: "Completed" } } });

  await changed("web", "ephemeralcontainers", { ephemeralContainers: [{ name: "look", image: "busybox", targetContainerName: "c" }] });
  await seen("pods", () => podOf("web")?.status?.ephemeralContainerStatuses?.[0]?.state?.running !== undefined);
  expect(isReady("web")).toBe(true);
});

test("a node whose object is removed falls silent: its pods' actors end with it", async () => {
  await bound("web");
  await seen("pods", () => isReady("web"));
  expect(t.store.host.addresses("pod")).toEqual([`pod/${podOf("web")?.metadata.uid}`]);
  await t.registry.delete(NodeKind, undefined, "node-0");
  await expect.poll(() => t.store.host.addresses("pod")).toEqual([]);
  expect(t.store.host.addresses("node")).toEqual(["node/node-1"]);
});

/** Longer than what a node or a fleet waits before it tries again. */
const POLL = { timeout: 20_000 };

/** What no member of the union allows: it crashes the handler. */
function crash(address: Address, type: string): void {
  t.store.host.messenger.tell(address, { type });
}

test("a pod whose actor crashes gets another, which takes its containers over and ends them in time", async () => {
  await bound("web");
  await seen("pods", () => isReady("web"));
  const address = addressOf("pod", podOf("web")?.metadata.uid ?? "");
  crash(address, "sync");
  const { host } = t.store;
  await expect.poll(() => host.counters().kinds.pod, POLL).toMatchObject({ crashes: 1, activations: 2, active: 1 });
  await t.registry.delete(PodKind, "d", "web");
  await seen("pods", () => podOf("web") === undefined);
  await expect.poll(() => host.counters().kinds.pod?.active, POLL).toBe(0);
});

test("a node whose agent crashes is played again, with its range and its pods", async () => {
  await bound("before");
  await seen("pods", () => isReady("before"));
  crash("node/node-0", "pod");
  const { host } = t.store;
  await bound("meanwhile");
  await seen("pods", () => isReady("meanwhile"));
  expect(host.counters().kinds.node).toMatchObject({ crashes: 1, active: 2 });
  await expect.poll(() => host.addresses("pod").length, POLL).toBe(2);
  await t.registry.delete(PodKind, "d", "before");
  await seen("pods", () => podOf("before") === undefined);
  expect(podOf("meanwhile")?.status?.podIP).toMatch(/^10\.128\.0\.\d+$/);
});

test("a fleet that crashes goes on with the nodes there are", async () => {
  crash(FLEET_ADDRESS, "stagesChanged");
  const { host } = t.store;
  await expect.poll(() => host.counters().kinds.fleet, POLL).toMatchObject({ crashes: 1, restarts: 1, activations: 2 });
  await bound("web");
  await seen("pods", () => isReady("web"));
  await t.registry.delete(NodeKind, undefined, "node-1");
  await expect.poll(() => host.addresses("node"), POLL).toEqual(["node/node-0"]);
  expect(host.counters().kinds.node).toMatchObject({ activations: 2, crashes: 0 });
});
