import { expect } from "vitest";
import type { MetricsSource } from "../../../actors/controllers/autoscaling/metrics-source.ts";
import type { ControllerCounters } from "../../../actors/controllers/controller-actor.ts";
import { CONTROLLER_NAMES, createControllerKind } from "../../../actors/controllers/controllers.ts";
import type { VolumeDirectories } from "../../../actors/controllers/volumes/volume-directories.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Namespace, Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import { pinOf } from "../../../actors/scheduler/facts.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import type { Replica } from "../../../actors/store/replica.ts";
import { seededRandom, type VirtualClock, virtualClock } from "../../../runtime/mod.ts";
import { startStore, type TestStore } from "../store/harness.ts";

export const CA = "-----BEGIN CERTIFICATE-----\n";

/** A cluster without doors: store, registry, all controllers, and something that plays scheduler and kubelets, on virtual time. */
export interface TestCluster {
  readonly clock: VirtualClock;
  readonly view: Replica;
  readonly registry: Registry;
  /** What is added to them the controllers hear of. */
  readonly kinds: KindTable;
  readonly store: TestStore;
  /** `type reason Kind/name: message` of every Event recorded. */
  readonly events: string[];
  readonly kubelet: Kubelet;
  all<T extends KubeObject>(resource: string, namespace?: string): T[];
  /** Lets time pass until it holds; fails when it does not within `within_ms` of virtual time. */
  until(what: string, holds: () => boolean, within_ms?: number): Promise<void>;
  counters(controller: string): Promise<ControllerCounters>;
  stop(): Promise<void>;
}

/** What the played nodes do with pods. */
export interface Kubelet {
  /** Milliseconds from bound to Running. */
  start_ms: number;
  /** Milliseconds from being told to stop to gone. */
  stop_ms: number;
  /** Whether this pod becomes ready. */
  becomesReady(pod: Pod): boolean;
  /** The exit code with which its container ends instead of running on; undefined: it runs. */
  exitCode(pod: Pod): number | undefined;
}

export interface ClusterOptions {
  readonly nodes?: number;
  /** All by default. */
  readonly controllers?: readonly string[];
  /** Where volumes are made on demand; nowhere by default. */
  readonly volumeDirectories?: VolumeDirectories;
  /** Where autoscalers ask; nobody by default. */
  readonly metrics?: MetricsSource;
}

export async function startCluster({
  nodes = 3,
  controllers = CONTROLLER_NAMES,
  metrics,
  volumeDirectories,
}: ClusterOptions = {}): Promise<TestCluster> {
  const clock = virtualClock();
  const store = startStore({ log: new MemoryLog(), clock });
  const view = store.replica;
  const kinds = new KindTable();
  const registry = createRegistry({ view, store: store.client, clock, random: seededRandom(3), kinds });
  const events: string[] = [];
  const recorderFor = () => ({
    event: (about: { kind: string; metadata: { name: string } }, type: string, reason: string, message: string) =>
      void events.push(`${type} ${reason} ${about.kind}/${about.metadata.name}: ${message}`),
  });
  const hearOfCustom = kinds.hearOfCustom.bind(kinds);
  const special = { ...(metrics === undefined ? {} : { metrics }), ...(volumeDirectories === undefined ? {} : { volumeDirectories }) };
  store.host.register(
    createControllerKind({ view, registry, recorderFor, kinds: BUILT_IN_KINDS, hearOfCustom, caCertificate: CA, ...special }),
  );
  const kubelet: Kubelet = { start_ms: 20, stop_ms: 20, becomesReady: () => true, exitCode: () => undefined };
  play(view, registry, clock, kubelet, nodes);
  await registry.create(NamespaceKind, named<Namespace>("d", undefined, { spec: {} }));
  for (let i = 0; i < nodes; i++) await registry.create(NodeKind, readyNode(`n${i}`, clock.now_ms()));
  for (const name of controllers) store.host.messenger.tell(`controller/${name}`, { type: "start" });
  const cluster: TestCluster = {
    clock,
    view,
    registry,
    kinds,
    store,
    events,
    kubelet,
    all: (resource, namespace) => view.list(resource, namespace).map((entry) => view.decode(entry)),
    async until(what, holds, within_ms = 60_000) {
      for (let passed_ms = 0; passed_ms <= within_ms; passed_ms += 10) {
        if (holds()) return;
        await clock.run(10);
      }
      expect.fail(`not within ${within_ms} ms of virtual time: ${what}`);
    },
    counters: async (controller) => {
      const asked = store.host.messenger.ask<ControllerCounters>(`controller/${controller}`, { type: "counters" });
      await clock.run(1);
      return asked;
    },
    stop: () => store.stop(),
  };
  if (controllers.includes("service-account"))
    await cluster.until("service account", () => view.entry("serviceaccounts/d/default") !== undefined);
  return cluster;
}

export function readyNode(name: string, now_ms: number): Node {
  const at = timestamp(now_ms);
  return named<Node>(name, undefined, {
    metadata: { labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "z0" } },
    spec: {},
    status: {
      capacity: { cpu: "32", pods: "110" },
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "ok", lastHeartbeatTime: at, lastTransitionTime: at }],
    },
  });
}

/** An object as a client sends it. */
export function named<T extends KubeObject>(name: string, namespace?: string, rest: object = {}): T {
  const { metadata, ...others } = rest as { metadata?: object };
  return { metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...metadata }, ...others } as unknown as T;
}

/** A template whose pods have this image. */
export function template(image: string, labels: Record<string, string> = { app: "x" }): { metadata: object; spec: Pod["spec"] } {
  return { metadata: { labels }, spec: { containers: [{ name: "c", image }] } };
}

/** Binds pods in turn, starts and stops them as `kubelet` says. */
function play(view: Replica, registry: Registry, clock: VirtualClock, kubelet: Kubelet, nodes: number): void {
  let turn = 0;
  const started = new Set<string>();
  const stopping = new Set<string>();
  const quietly = (promise: Promise<unknown>): void => void promise.catch(() => undefined);
  view.watch("pods", view.revision, ({ now }) => {
    if (now === undefined) return;
    const pod = view.decode<Pod>(now);
    const { name, namespace = "", uid, deletionTimestamp } = pod.metadata;
    if (pod.spec.nodeName === undefined) {
      if (nodes > 0 && deletionTimestamp === undefined) quietly(registry.bind(namespace, name, uid, pinOf(pod) ?? `n${turn++ % nodes}`));
    } else if (deletionTimestamp !== undefined) {
      if (stopping.has(uid)) return;
      stopping.add(uid);
      clock.after(kubelet.stop_ms, () =>
        quietly(registry.delete(PodKind as never, namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } })),
      );
    } else if (!started.has(uid)) {
      started.add(uid);
      clock.after(kubelet.start_ms, () =>
        quietly(
          registry.modify(PodKind, namespace, name, (current) => running(current, kubelet, clock.now_ms()), { subresource: "status" }),
        ),
      );
    }
  });
}

let addresses = 0;

function running(pod: Pod, kubelet: Kubelet, now_ms: number): Pod | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase !== "Pending") return undefined;
  const exitCode = kubelet.exitCode(pod);
  if (exitCode !== undefined) return ended(pod, exitCode, now_ms);
  const status = kubelet.becomesReady(pod) ? "True" : "False";
  const podIP = `10.1.${(addresses >> 8) & 255}.${addresses++ & 255}`;
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== "Ready");
  const ready = { type: "Ready", status, lastTransitionTime: timestamp(now_ms) };
  const startTime = timestamp(now_ms);
  return { ...pod, status: { ...pod.status, phase: "Running", startTime, podIP, podIPs: [{ ip: podIP }], conditions: [...others, ready] } };
}

function ended(pod: Pod, exitCode: number, now_ms: number): Pod {
  const at = timestamp(now_ms);
  const phase = exitCode === 0 ? "Succeeded" : "Failed";
  const containerStatuses = pod.spec.containers.map(({ name, image = "" }) => ({
    name,
    image,
    imageID: "",
    ready: false,
    restartCount: 0,
    state: { terminated: { exitCode, startedAt: at, finishedAt: at } },
  }));
  return { ...pod, status: { ...pod.status, phase, containerStatuses } };
}

/** Ready pods of one namespace now. */
export function readyPods(cluster: TestCluster, namespace = "d"): number {
  return cluster.all<Pod>("pods", namespace).filter(isReady).length;
}

export function isReady({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
}
