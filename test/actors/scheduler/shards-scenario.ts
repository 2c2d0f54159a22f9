import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { Namespace, Node, Pod, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { createEventRecorder } from "../../../actors/registry/create-event-recorder.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { createSchedulerKind, type PlacePool } from "../../../actors/scheduler/scheduler.ts";
import { SCHEDULER_KIND } from "../../../actors/scheduler/shard.ts";
import { ShardKeeper } from "../../../actors/scheduler/shard-keeper.ts";
import { createStoreClient } from "../../../actors/store/client.ts";
import { follow, sleep } from "../../../actors/store/follow.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { WRITER_ADDRESS, WRITER_KIND, writerKind } from "../../../actors/store/writer.ts";
import { type ActorKind, type Message, type Messenger, seededRandom, silentLogger, systemClock } from "../../../runtime/mod.ts";
import type { Happened, Invariant, Scenario, ScenarioOf, Seat } from "../../../runtime/simulator/mod.ts";
import { Cluster, Draw, IndexCache, placeBatch } from "../../../scheduler-core/mod.ts";
import { named } from "../registry/harness.ts";
import { startStore } from "../store/harness.ts";
import { SimulatedLog } from "../store/simulated-log.ts";

const NAMESPACE = "d";
const SHARDS = 2;
const NODES = 6;
const NODE_PODS = 8;
/** Pods come and go, each host's at most so many at a time: together they nearly fill the nodes. */
const PODS_AT_ONCE = 8;
const POD_EVERY_MS_MAX = 400;
const POD_LIVES_MS_MAX = 12_000;

/** How long it took from the answer that a pod was created to the answer that it was bound, at worst. */
export interface Delays {
  longest_ms: number;
  bound: number;
}

/** A log with a namespace and nodes, which a run begins with. */
export async function furnishedLog(): Promise<readonly Uint8Array[]> {
  const log = new MemoryLog();
  const store = startStore({ log });
  const registry = createRegistry({
    view: store.replica,
    store: store.client,
    clock: systemClock(),
    random: seededRandom(5),
    kinds: kindTable(),
  });
  await registry.create(NamespaceKind, named<Namespace>(NAMESPACE, undefined, { spec: {} }));
  await registry.create(ServiceAccountKind, named<ServiceAccount>("default", NAMESPACE));
  const allocatable = { cpu: "64", memory: "256Gi", pods: String(NODE_PODS) };
  for (let node = 0; node < NODES; node++) {
    const metadata = { name: `n${node}`, uid: `n${node}`, creationTimestamp: "2026-01-01T00:00:00Z" };
    const text = encodeObject({ metadata, spec: {}, status: { allocatable } } as unknown as Node);
    await store.client.propose({ request: `n${node}`, mutations: [{ op: "create", key: `nodes/n${node}`, text }] });
  }
  await store.stop();
  return log.all();
}

/**
 * Two shards over any number of hosts, each of which can hold both and the writer, while hosts are killed, paused and cut off: no node ever has more pods
 * than it takes, and in the end every pod that there is has a node. `delays` is filled while it runs.
 */
export function shardsScenario(furnished: readonly Uint8Array[], delays: Delays): ScenarioOf {
  return ({ hosts }): Scenario => {
    const shared = new MemoryLog();
    furnished.forEach((batch, sequence) => void shared.append(batch, sequence));
    const registries = new Map<Seat, Registry>();
    const replicas = new Map<string, Replica>();

    function kinds(seat: Seat): readonly ActorKind<Message>[] {
      const { clock, random } = seat;
      const log = new SimulatedLog(shared, seat);
      const view = new Replica({ clock, log: silentLogger });
      follow({ log, replica: view, clock, logger: silentLogger });
      replicas.set(seat.host, view);
      const messenger: Messenger = {
        tell: (to, message) => seat.messenger.tell(to, message),
        ask: (to, message, options) => seat.messenger.ask(to, message, options),
      };
      const store = createStoreClient({ messenger, clock, random, address: WRITER_ADDRESS, view });
      const registry = createRegistry({ view, store, clock, random, kinds: kindTable() });
      registries.set(seat, registry);
      const recorder = createEventRecorder({ view, store, clock, random, source: { component: "default-scheduler" } });
      const noting: Registry = {
        ...registry,
        bind: async (namespace, name, uid, node, options) => {
          const bound = await registry.bind(namespace, name, uid, node, options);
          seat.note("bound", name);
          return bound;
        },
      };
      return [
        writerKind({ log, replica: view }) as ActorKind<Message>,
        createSchedulerKind({ view, registry: noting, recorder, pool: pool(), shards: SHARDS }) as unknown as ActorKind<Message>,
      ];
    }

    function workload(seat: Seat): void {
      const { clock, random, messenger } = seat;
      const registry = registries.get(seat) as Registry;
      new ShardKeeper({ messenger, clock, log: silentLogger, shards: SHARDS }).begin();
      const live = async (name: string): Promise<void> => {
        const pod = named<Pod>(name, NAMESPACE, { spec: { containers: [{ name: "c", image: "i" }] } });
        // What nobody answered may have been created: it is there for good, as are those whose host ends.
        await registry.create(PodKind, pod);
        seat.note("created", name);
        await sleep(clock, random.below(POD_LIVES_MS_MAX));
        await registry.delete(PodKind as unknown as Kind, NAMESPACE, name, { gracePeriodSeconds: 0 });
      };
      let alive = 0;
      let number = 0;
      void (async () => {
        while (!seat.resting) {
          await sleep(clock, random.below(POD_EVERY_MS_MAX));
          if (alive >= PODS_AT_ONCE) continue;
          alive++;
          void live(`${seat.host}-${seat.life}-${number++}`).then(
            () => alive--,
            () => alive--,
          );
        }
      })();
    }

    return {
      hosts: Array.from({ length: hosts }, (_, index) => ({ host: `host-${index}`, kinds: [WRITER_KIND, SCHEDULER_KIND] })),
      kinds,
      workload,
      invariants: [measured(delays), held(() => newest(replicas))],
    };
  };
}

/** One thread, that of the simulation. */
function pool(): PlacePool {
  const indexes = new IndexCache();
  return { run: async ({ cluster, batch, seed }) => placeBatch(Cluster.over(cluster), batch, indexes, new Draw(seed)) };
}

function kindTable(): KindTable {
  return new KindTable([...BUILT_IN_KINDS.filter(({ kind }) => kind !== "Pod"), PodKind as unknown as Kind]);
}

function newest(replicas: ReadonlyMap<string, Replica>): Replica {
  return [...replicas.values()].reduce((a, b) => (b.revision > a.revision ? b : a));
}

function measured(delays: Delays): Invariant {
  const created = new Map<unknown, number>();
  return {
    name: "delays",
    saw(happened: Happened) {
      if (happened.what !== "note") return undefined;
      const { text, data, at_ms } = happened;
      if (text === "created") created.set(data, at_ms);
      const from_ms = created.get(data);
      if (text !== "bound" || from_ms === undefined) return undefined;
      delays.bound++;
      delays.longest_ms = Math.max(delays.longest_ms, at_ms - from_ms);
      return undefined;
    },
  };
}

function held(view: () => Replica): Invariant {
  return {
    name: "no node has more pods than it takes, and in the end no pod waits beside a free place",
    saw(happened) {
      return happened.what === "note" && happened.text === "bound" ? overcommitted(view()) : undefined;
    },
    atRest() {
      const replica = view();
      const pods = replica.list("pods").map((entry) => replica.decode<Pod>(entry));
      const waiting = pods.filter(({ spec }) => spec.nodeName === undefined).map(({ metadata }) => metadata.name);
      const free = NODES * NODE_PODS - (pods.length - waiting.length);
      return (
        overcommitted(replica) ?? (waiting.length > 0 && free > 0 ? `${free} places are free, and wait: ${waiting.join(", ")}` : undefined)
      );
    },
  };
}

function overcommitted(replica: Replica): string | undefined {
  const taken = new Map<string, number>();
  for (const entry of replica.list("pods")) {
    const { nodeName } = replica.decode<Pod>(entry).spec;
    if (nodeName !== undefined) taken.set(nodeName, (taken.get(nodeName) ?? 0) + 1);
  }
  for (const [node, pods] of taken) if (pods > NODE_PODS) return `${node} has ${pods} pods and takes ${NODE_PODS}`;
  return undefined;
}
