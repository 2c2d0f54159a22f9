import { afterEach, beforeEach, expect, test } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import { serviceUnavailable } from "../../../actors/kinds/errors.ts";
import type { Lease, Namespace, Node, Pod, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import { HOLLOW_FORM } from "../../../actors/node/hollow/hollow-form.ts";
import { createHollowRuntime } from "../../../actors/node/hollow-runtime.ts";
import type { NodeMessage } from "../../../actors/node/messages.ts";
import { createNodeKind } from "../../../actors/node/node.ts";
import { MACHINE_LABEL } from "../../../actors/node/runtime.ts";
import { createPodKind, type PodMessage } from "../../../actors/pod/pod.ts";
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import {
  type Actor,
  type ActorKind,
  type Address,
  addressOf,
  type Message,
  type Sender,
  seededRandom,
  silentLogger,
  type VirtualClock,
  virtualClock,
} from "../../../runtime/mod.ts";
import { named } from "../registry/harness.ts";
import { startStore, type TestStore } from "../store/harness.ts";

const NOBODY: Sender = { answer: () => undefined, fail: () => undefined, cancelled: false };
const HEARTBEATS_MS = 30_000;
/** Longer than between two reports of a node. */
const REPORTS_MS = 301_000;
const NODE = "node-0";

let clock: VirtualClock;
let store: TestStore;
let registry: Registry;
/** What actors told others, to whom and what. */
let told: { readonly to: Address; readonly message: Message }[];
/** While it is true no write of theirs reaches the API. */
let cutOff: boolean;

beforeEach(async () => {
  clock = virtualClock();
  store = startStore({ log: new MemoryLog(), clock });
  registry = createRegistry({ view: store.replica, store: store.client, clock, random: seededRandom(3), kinds: new KindTable() });
  told = [];
  cutOff = false;
  await registry.create(NamespaceKind, named<Namespace>("d", undefined, { spec: {} }));
  await registry.create(ServiceAccountKind, named<ServiceAccount>("default", "d"));
  await registry.create(NamespaceKind, named<Namespace>("kube-node-lease", undefined, { spec: {} }));
});
afterEach(() => store.stop());

/** An actor of this kind that nobody hosts: the test hands it its messages and sees what it tells. */
async function begin<M extends Message>(kind: ActorKind<M>, key: string): Promise<Actor<M>> {
  const self = addressOf(kind.kind, key);
  let actor: Actor<M> | undefined;
  const later = (delay_ms: number, message: M) => clock.after(delay_ms, () => void actor?.receive(message, NOBODY));
  actor = await kind.activate(
    {
      self,
      epoch: 1,
      clock,
      random: seededRandom(5),
      log: silentLogger,
      after: later,
      atTurnEnd: (fire) => void clock.after(0, fire),
      watch: () => ({ cancel: () => undefined }),
      stop: () => undefined,
      tell: (to, message) => void (to === self ? later(0, message as unknown as M) : told.push({ to, message })),
      ask: () => Promise.reject(new Error("nobody is asked")),
    },
    key,
  );
  return actor;
}

/** The registry as an agent reaches it, or does not. */
function reached(): Registry {
  const unless =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      cutOff ? Promise.reject(serviceUnavailable("cut off")) : call(...args);
  const { create, modify, rewriteTogether } = registry;
  const cut = { create: unless(create), modify: unless(modify), rewriteTogether: unless(rewriteTogether), delete: unless(registry.delete) };
  return { ...registry, ...cut } as Registry;
}

const agent = (): Promise<Actor<NodeMessage>> =>
  begin(createNodeKind({ view: store.replica, registry: reached(), form: HOLLOW_FORM, usageOf: () => [] }), NODE);

/** `adopted` hears when it takes containers over. */
const podActor = (uid: string, adopted: () => void = () => undefined): Promise<Actor<PodMessage>> => {
  const random = seededRandom(7);
  const { replica: view, client } = store;
  const recorder = createEventRecorder({ view, store: client, clock, random, source: { component: "kubelet" } });
  const hollow = createHollowRuntime(clock, random);
  const adopt: typeof hollow.adopt = (pod, to) => {
    adopted();
    return hollow.adopt(pod, to);
  };
  return begin(createPodKind({ view, registry: reached(), recorder, runtime: { ...hollow, adopt } }), uid);
};

const renewed = (): string | undefined => store.replica.get<Lease>(`leases.coordination.k8s.io/kube-node-lease/${NODE}`)?.spec?.renewTime;
const readyOf = (conditions: readonly { readonly type: string; readonly status: string }[] | undefined): string | undefined =>
  conditions?.find(({ type }) => type === "Ready")?.status;
const nodeReady = (): string | undefined => readyOf(store.replica.get<Node>(`nodes/${NODE}`)?.status?.conditions);

/** A pod bound to the node, as the API has it. */
async function bound(name: string): Promise<Pod> {
  await registry.create(PodKind, named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "nginx" }] } }));
  await registry.bind("d", name, undefined, NODE);
  return store.replica.decode<Pod>(entryOf(name));
}
function entryOf(name: string) {
  const entry = store.replica.entry(`pods/d/${name}`);
  if (entry === undefined) throw new Error(`no pod ${name}`);
  return entry;
}
/** The address that the pod was told last that it has. */
function addressOfPod(uid: string): string | undefined {
  const syncs = told.filter(({ to, message }) => to === `pod/${uid}` && message.type === "sync");
  return (syncs.at(-1)?.message as Extract<PodMessage, { readonly type: "sync" }> | undefined)?.place.podIP;
}

test("an agent that cannot begin yet goes on elsewhere with what it was to play", async () => {
  cutOff = true;
  const first = await agent();
  const play: NodeMessage = { type: "play", index: 3 };
  await first.receive(play, NOBODY);
  expect(first.movesWith?.()).toEqual(play);
  const pods = [{ key: "pods/d/web", uid: "u", place: { hostIP: "172.16.1.3", podIP: "10.128.3.9" } }];
  const second = await agent();
  await second.receive({ ...play, pods }, NOBODY);
  await second.receive(play, NOBODY);
  expect(second.movesWith?.()).toEqual({ ...play, pods });
});

test("pods that an agent brought along hear that their node is gone, also when it could not begin before it heard of that itself", async () => {
  cutOff = true;
  const node = await agent();
  const pods = [{ key: "pods/d/web", uid: "u", place: { hostIP: "172.16.1.3", podIP: "10.128.3.9" } }];
  await node.receive({ type: "play", index: 3, pods }, NOBODY);
  await node.receive({ type: "removed" }, NOBODY);
  expect(told).toEqual([{ to: "pod/u", message: { type: "gone" } }]);
});

test("an agent that nobody has told that its Node is gone sees it with its next heartbeat", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  await node.receive({ type: "podsTold", keys: [] }, NOBODY);
  const { metadata } = await bound("web");
  await node.receive({ type: "pod", entry: entryOf("web") }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  const gone = { to: `pod/${metadata.uid}`, message: { type: "gone" } };
  expect(told).not.toContainEqual(gone);
  await registry.delete(NodeKind as unknown as Kind, undefined, NODE);
  await clock.run(HEARTBEATS_MS);
  expect(told).toContainEqual(gone);
});

test("an agent whose first report fails begins anew, and keeps reporting from then on", async () => {
  const node = await agent();
  await registry.create(NodeKind, named<Node>(NODE, undefined, { spec: { podCIDR: "10.128.0.0/24" } }));
  cutOff = true;
  await node.receive({ type: "play", index: 0 }, NOBODY);
  await clock.run(5_000);
  expect(renewed()).toBeUndefined();
  cutOff = false;
  await clock.run(5_000);
  const first = renewed();
  await clock.run(HEARTBEATS_MS);
  expect([first, renewed()]).toEqual([expect.any(String), expect.any(String)]);
  expect(renewed()).not.toBe(first);
  expect(told).toContainEqual({ to: "fleet/main", message: { type: "nodeReady", name: NODE, begun: true } });
});

test("what the node controller said of a node that was not heard of is put right with the next heartbeat", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  await registry.modify(
    NodeKind,
    undefined,
    NODE,
    (current) => ({
      ...current,
      status: { ...current.status, conditions: (current.status?.conditions ?? []).map((one) => ({ ...one, status: "Unknown" })) },
    }),
    { subresource: "status" },
  );
  expect(nodeReady()).toBe("Unknown");
  await clock.run(HEARTBEATS_MS);
  expect(nodeReady()).toBe("True");
});

test("that no pod can run is told with the next heartbeat, with why, and so is that they can again, and which images there are", async () => {
  let trouble: string | undefined = "container runtime is down";
  let images = [{ names: ["a:1"], sizeBytes: 5 }];
  const form = { ...HOLLOW_FORM, trouble: () => trouble, images: () => images };
  const node = await begin(createNodeKind({ view: store.replica, registry, form, usageOf: () => [] }), NODE);
  await node.receive({ type: "play", index: 0 }, NOBODY);
  const status = (): Node["status"] => store.replica.get<Node>(`nodes/${NODE}`)?.status;
  const ready = (): object | undefined => status()?.conditions?.find(({ type }) => type === "Ready");
  expect(ready()).toMatchObject({ status: "False", reason: "KubeletNotReady", message: "container runtime is down" });
  expect(status()?.images).toEqual([{ names: ["a:1"], sizeBytes: 5 }]);
  trouble = undefined;
  await clock.run(HEARTBEATS_MS);
  expect(ready()).toMatchObject({ status: "True", reason: "KubeletReady" });
  images = [];
  await clock.run(HEARTBEATS_MS);
  expect(status()?.images).toEqual([]);
});

test("an agent that begins anew gives no pod an address that another has, whichever it is told of first", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  const [fresh, running] = [await bound("fresh"), await bound("running")];
  const has = "10.128.0.2";
  await registry.modify(PodKind, "d", "running", (pod) => ({ ...pod, status: { ...pod.status, podIP: has } }), { subresource: "status" });
  for (const name of ["fresh", "running"]) await node.receive({ type: "pod", entry: entryOf(name) }, NOBODY);
  await node.receive({ type: "podsTold", keys: ["pods/d/fresh", "pods/d/running"] }, NOBODY);
  expect(addressOfPod(running.metadata.uid)).toBe(has);
  expect(addressOfPod(fresh.metadata.uid)).toMatch(/^10\.128\.0\.\d+$/);
  expect(addressOfPod(fresh.metadata.uid)).not.toBe(has);
});

test("an agent takes note of the address that a pod turns out to have, and gives it to nobody else", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  await node.receive({ type: "podsTold", keys: [] }, NOBODY);
  const { metadata } = await bound("web");
  await node.receive({ type: "pod", entry: entryOf("web") }, NOBODY);
  const has = "10.128.0.3";
  expect(addressOfPod(metadata.uid)).not.toBe(has);
  await registry.modify(PodKind, "d", "web", (pod) => ({ ...pod, status: { ...pod.status, podIP: has } }), { subresource: "status" });
  await node.receive({ type: "pod", entry: entryOf("web") }, NOBODY);
  expect(addressOfPod(metadata.uid)).toBe(has);
  const others = await Promise.all(["a", "b", "c"].map(bound));
  for (const name of ["a", "b", "c"]) await node.receive({ type: "pod", entry: entryOf(name) }, NOBODY);
  const given = others.map((other) => addressOfPod(other.metadata.uid));
  expect(new Set([has, ...given]).size).toBe(4);
});

test("what the agent before had given is kept, also when the fleet's word came first", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  const { metadata } = await bound("web");
  const place = { hostIP: "172.16.0.1", podIP: "10.128.0.9" };
  told = [];
  await node.receive({ type: "play", index: 0, pods: [{ key: "pods/d/web", uid: metadata.uid, place }] }, NOBODY);
  // Whether it is there still is for the fleet to say.
  expect(told).toContainEqual({ to: "fleet/main", message: { type: "nodeReady", name: NODE, begun: true } });
  await node.receive({ type: "pod", entry: entryOf("web") }, NOBODY);
  await node.receive({ type: "podsTold", keys: ["pods/d/web"] }, NOBODY);
  expect(told).toContainEqual({ to: `pod/${metadata.uid}`, message: expect.objectContaining({ type: "sync", place }) });
});

test("what was lost on the way to a pod's actor is told again with the node's next report", async () => {
  const node = await agent();
  await node.receive({ type: "play", index: 0 }, NOBODY);
  await node.receive({ type: "podsTold", keys: [] }, NOBODY);
  const { metadata } = await bound("web");
  await node.receive({ type: "pod", entry: entryOf("web") }, NOBODY);
  await registry.delete(PodKind, "d", "web");
  told = [];
  await clock.run(REPORTS_MS);
  expect(told).toContainEqual({
    to: `pod/${metadata.uid}`,
    message: expect.objectContaining({ type: "sync", entry: entryOf("web") }),
  });
});

test("a pod that cannot write tries again once a second, however often it is told of meanwhile", async () => {
  const { metadata } = await bound("web");
  const place = { hostIP: "172.16.1.0", podIP: "10.128.0.2" };
  const pod = await podActor(metadata.uid);
  cutOff = true;
  for (let time = 0; time < 20; time++) await pod.receive({ type: "sync", entry: entryOf("web"), place }, NOBODY);
  expect(clock.pending()).toBeLessThan(20);
  cutOff = false;
  await clock.run(HEARTBEATS_MS);
  expect(readyOf(store.replica.get<Pod>("pods/d/web")?.status?.conditions)).toBe("True");
});

test("a pod that runs already is taken over as it is, however old the news with which its actor begins", async () => {
  const { metadata } = await bound("web");
  const old = entryOf("web");
  const first = await podActor(metadata.uid);
  await first.receive({ type: "sync", entry: old, place: { hostIP: "172.16.1.0", podIP: "10.128.0.2" } }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  const running = store.replica.get<Pod>("pods/d/web")?.status;
  expect([running?.phase, running?.podIP]).toEqual(["Running", "10.128.0.2"]);
  await first.stopped?.();
  const phases: (string | undefined)[] = [];
  store.replica.watch("pods", store.replica.revision, ({ now }) => {
    if (now !== undefined) phases.push(store.replica.decode<Pod>(now).status?.phase);
  });
  const second = await podActor(metadata.uid);
  await second.receive({ type: "sync", entry: old, place: { hostIP: "172.16.1.0", podIP: "10.128.0.9" } }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  expect(phases).toEqual([]);
  expect(store.replica.get<Pod>("pods/d/web")?.status).toEqual(running);
});

test("the containers of a pod that is gone are not taken over by an actor that has not heard of it", async () => {
  const { metadata } = await bound("web");
  const first = await podActor(metadata.uid);
  await first.receive({ type: "sync", entry: entryOf("web"), place: { hostIP: "172.16.1.0", podIP: "10.128.0.2" } }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  const moved: PodMessage = { type: "sync", entry: entryOf("web"), place: { hostIP: "172.16.1.0", podIP: "10.128.0.2" } };
  let adopted = 0;
  await (await podActor(metadata.uid, () => adopted++)).receive(moved, NOBODY);
  expect(adopted).toBe(1);
  await registry.delete(PodKind as unknown as Kind, "d", "web", { gracePeriodSeconds: 0 });
  await (await podActor(metadata.uid, () => adopted++)).receive(moved, NOBODY);
  expect(adopted).toBe(1);
});

test("a pod of a silent node says nothing, where its actor moves to either, and tells what it has to when it may", async () => {
  const { metadata } = await bound("web");
  const place = { hostIP: "172.16.1.0", podIP: "10.128.0.2" };
  const first = await podActor(metadata.uid);
  await first.receive({ type: "sync", entry: entryOf("web"), place, silent: true }, NOBODY);
  const moved = first.movesWith?.();
  const second = await podActor(metadata.uid);
  await second.receive(moved ?? { type: "gone" }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  expect(store.replica.get<Pod>("pods/d/web")?.status?.startTime).toBeUndefined();
  await second.receive({ type: "sync", entry: entryOf("web"), place, silent: false }, NOBODY);
  await clock.run(HEARTBEATS_MS);
  expect(readyOf(store.replica.get<Pod>("pods/d/web")?.status?.conditions)).toBe("True");
});

test("a node whose pod range the cluster gives waits for it, and has the address and port of its machine", async () => {
  const door = { address: "192.0.2.7", port: 10_255 };
  const form = { ...HOLLOW_FORM, label: MACHINE_LABEL, addresses: { ...HOLLOW_FORM.addresses, podCidrOf: () => undefined }, door };
  const node = await begin(createNodeKind({ view: store.replica, registry: reached(), form, usageOf: () => [] }), NODE);
  await node.receive({ type: "play", index: 0 }, NOBODY);
  const seen = (): Node | undefined => store.replica.get<Node>(`nodes/${NODE}`);
  expect(seen()?.metadata.labels).toMatchObject({ [MACHINE_LABEL]: "hollow" });
  expect(seen()?.spec?.podCIDR).toBeUndefined();
  await clock.run(HEARTBEATS_MS);
  expect(renewed()).toBeUndefined();

  const given = { podCIDR: "10.130.0.0/24", podCIDRs: ["10.130.0.0/24"] };
  await registry.modify(NodeKind, undefined, NODE, (current) => ({ ...current, spec: { ...current.spec, ...given } }));
  await node.receive({ type: "play", index: 0 }, NOBODY);
  expect(nodeReady()).toBe("True");
  expect(seen()?.status).toMatchObject({
    addresses: [{ address: "192.0.2.7" }, { address: NODE }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_255 } },
  });
});
