import { afterEach } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { Event, Namespace, Node, Pod, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { createPlacePool } from "../../../actors/scheduler/place-pool.ts";
import { createSchedulerKind, type PlacePool, type SchedulerOptions } from "../../../actors/scheduler/scheduler.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import type { View } from "../../../actors/store/view.ts";
import { seededRandom, systemClock } from "../../../runtime/mod.ts";
import { named } from "../registry/harness.ts";
import { startStore, type TestStore } from "../store/harness.ts";

/** A scheduler shard with everything that it stands on: store, registry, Events, and a pool of one worker thread. */
export interface TestScheduler {
  readonly store: TestStore;
  readonly view: View;
  readonly registry: Registry;
  start(): void;
  setNode(name: string, allocatable?: Record<string, string>, more?: { labels?: Record<string, string>; spec?: object }): Promise<void>;
  createPod(name: string, spec?: object, metadata?: object): Promise<void>;
  setPhase(name: string, phase: string): Promise<void>;
  pod(name: string): Pod | undefined;
  /** `reason: message` of all Events about the pod, in order. */
  events(name: string): string[];
  /** Resolves when the view shows it. */
  eventually(shown: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

const NAMESPACE = "d";

/** Ways to get between the shard and what it stands on, to let things go wrong. */
export interface Faults {
  registry?(registry: Registry): Registry;
  pool?(pool: PlacePool): PlacePool;
}

type Settings = Pick<SchedulerOptions, "configuration" | "shards" | "askExtender">;

export async function startScheduler(faults: Faults = {}, settings: Settings = {}): Promise<TestScheduler> {
  const store = startStore({ log: new MemoryLog() });
  const { replica: view, client, host } = store;
  const clock = systemClock();
  const random = seededRandom(5);
  const kinds = new KindTable([...BUILT_IN_KINDS.filter(({ kind }) => kind !== "Pod"), PodKind as unknown as Kind]);
  const registry = createRegistry({ view, store: client, clock, random, kinds });
  const recorder = createEventRecorder({ view, store: client, clock, random, source: { component: "default-scheduler" } });
  const threads = createPlacePool();
  // A pool that is closed under a task loses its answer loudly.
  const tasks = new Set<Promise<unknown>>();
  const pool: PlacePool = {
    run: (task) => {
      const running = threads.run(task);
      tasks.add(running);
      const end = (): void => void tasks.delete(running);
      running.then(end, end);
      return running;
    },
  };
  await registry.create(NamespaceKind, named<Namespace>(NAMESPACE, undefined, { spec: {} }));
  await registry.create(ServiceAccountKind, named<ServiceAccount>("default", NAMESPACE));
  const faulty = { registry: faults.registry?.(registry) ?? registry, pool: faults.pool?.(pool) ?? pool };
  host.register(createSchedulerKind({ view, recorder, ...faulty, ...settings }));

  const pod = (name: string): Pod | undefined => view.get<Pod>(`pods/${NAMESPACE}/${name}`);
  const eventually = (shown: () => boolean): Promise<void> => {
    if (shown()) return Promise.resolve();
    return new Promise((resolve) => {
      const subscription = view.afterBatch(() => {
        if (!shown()) return;
        subscription.cancel();
        resolve();
      });
    });
  };
  return {
    store,
    view,
    registry,
    start: () => {
      for (let shard = 0; shard < (settings.shards ?? 1); shard++) host.messenger.tell(`scheduler/${shard}`, { type: "start" });
    },
    setNode: async (name, allocatable = {}, { labels = {}, spec = {} } = {}) => {
      const node = {
        metadata: { name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z", labels },
        spec,
        status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110", ...allocatable } },
      } as unknown as Node;
      const key = `nodes/${name}`;
      const before = view.entry(key);
      const text = encodeObject(node);
      const mutation =
        before === undefined ? ({ op: "create", key, text } as const) : ({ op: "update", key, text, expect: before.revision } as const);
      const outcome = await client.propose({ request: random.uuid(), mutations: [mutation] });
      if (outcome.committed) await view.until(outcome.revision);
    },
    createPod: async (name, spec = {}, metadata = {}) => {
      const full = { containers: [{ name: "c", image: "nginx", resources: { requests: { cpu: "1" } } }], ...structuredClone(spec) };
      await registry.create(PodKind, named<Pod>(name, NAMESPACE, { metadata, spec: full }));
    },
    setPhase: async (name, phase) => {
      await registry.modify(PodKind, NAMESPACE, name, (now) => ({ ...now, status: { ...now.status, phase } }) as Pod, {
        subresource: "status",
      });
    },
    pod,
    events: (name) =>
      view
        .list("events", NAMESPACE)
        .map((entry) => view.decode<Event>(entry))
        .filter((event) => event.involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
    eventually,
    stop: async () => {
      await store.stop();
      await Promise.allSettled(tasks);
      await threads.close();
    },
  };
}

/** Makes a PodGroup. */
export async function setGroup({ store, view }: TestScheduler, name: string, minMember: number, more: object = {}): Promise<void> {
  const key = `podgroups.scheduling.x-k8s.io/${NAMESPACE}/${name}`;
  const metadata = { name, namespace: NAMESPACE, uid: name, creationTimestamp: "2026-01-01T00:00:00Z" };
  const text = encodeObject({ metadata, spec: { minMember, ...more } } as unknown as KubeObject);
  const outcome = await store.client.propose({ request: `group ${name}`, mutations: [{ op: "create", key, text }] });
  if (outcome.committed) await view.until(outcome.revision);
}

/** The metadata of a pod that is in a group. */
export function member(group: string): object {
  return { labels: { "scheduling.x-k8s.io/pod-group": group } };
}

/** The same for the tests of a `describe`: whatever was started last is stopped after each. */
export function schedulerOfEachTest(): typeof startScheduler {
  let running: TestScheduler | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  return async (...options) => {
    running = await startScheduler(...options);
    return running;
  };
}
