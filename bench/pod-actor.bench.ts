import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  createEventRecorder,
  createFleetKind,
  createHollowRuntime,
  createNodeKind,
  createPodKind,
  createRegistry,
  createStoreClient,
  type FleetMessage,
  follow,
  HOLLOW_FORM,
  KindTable,
  MemoryLog,
  NamespaceKind,
  PodKind,
  Replica,
  ServiceAccountKind,
  WRITER_ADDRESS,
  writerKind,
} from "../actors/mod.ts";
import { addressOf, Host, silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";
import { BenchFailure } from "./failure.ts";
import { printFigures } from "./figure.ts";

/**
 * `npm run bench -- pod-actor [--json]`: the memory that a running hollow pod's actor holds: what becomes free when the actors end and the objects stay.
 * With it goes what its node keeps of it; the nodes' own share is measured without pods and taken off.
 */
const NODES = 100;
const PODS = 10_000;
const IN_FLIGHT = 64;
/** The event recorder and the store's client let go of what they have sent. */
const REST_MS = 2_000;
const NEW = { uid: "", creationTimestamp: "" };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const clock = systemClock();
const random = systemRandom();

const nodesAlone = await heldByActors(0);
const withPods = await heldByActors(PODS);
printFigures(
  [
    {
      suite: "pod-actor",
      case: "at rest",
      metric: "heap of a pod's actor",
      value: (withPods - nodesAlone) / PODS,
      unit: "bytes",
      conditions: `${PODS} running pods on ${NODES} nodes, one thread, Node ${process.versions.node}`,
    },
  ],
  process.argv.includes("--json"),
);

/** Bytes of the heap that the actors of nodes and so many running pods hold. */
async function heldByActors(pods: number): Promise<number> {
  const log = new MemoryLog();
  const store = new Host({ name: "store", clock, random, log: silentLogger });
  const agents = new Host({ name: "agents", clock, random, log: silentLogger });
  const replica = new Replica({ clock, log: silentLogger, historyRevisions: 1_000 });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  const client = createStoreClient({ messenger: store.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  const registry = createRegistry({ view: replica, store: client, clock, random, kinds: new KindTable() });
  const recorder = createEventRecorder({ view: replica, store: client, clock, random, source: { component: "kubelet" } });
  const runtime = createHollowRuntime(clock, random);
  store.register(writerKind({ log, replica }));
  agents.register(createFleetKind({ view: replica, form: HOLLOW_FORM }));
  agents.register(createNodeKind({ view: replica, registry, form: HOLLOW_FORM, usageOf: () => [] }));
  agents.register(createPodKind({ view: replica, registry, recorder, runtime }));
  await follower.ready;
  for (const name of ["default", "kube-node-lease"]) {
    await registry.create(NamespaceKind, { metadata: { name, ...NEW }, spec: {}, status: {} });
  }
  await registry.create(ServiceAccountKind, { metadata: { name: "default", namespace: "default", ...NEW } });
  const start: FleetMessage = { type: "start", nodes: NODES };
  await agents.messenger.ask(addressOf("fleet", "main"), start);

  const { promise: allRun, resolve } = Promise.withResolvers<void>();
  let running = 0;
  const isRunning = (text: string | undefined): boolean => text?.includes('"phase":"Running"') === true;
  const subscription = replica.watch("pods", replica.revision, ({ now, before }) => {
    if (isRunning(now?.text) && !isRunning(before?.text) && ++running === pods) resolve();
  });
  let next = 0;
  const create = async (): Promise<void> => {
    while (next < pods) {
      const number = next++;
      await registry.create(PodKind, {
        metadata: { name: `pod-${number}`, namespace: "default", labels: { app: "actor" }, ...NEW },
        spec: { nodeName: `node-${number % NODES}`, containers: [{ name: "c", image: "nginx" }] },
      });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, create));
  if (pods > 0) await allRun;
  subscription.cancel();
  await delay(REST_MS);
  const held = heap();
  await agents.stop();
  await delay(REST_MS);
  const left = heap();
  if (replica.count("pods") !== pods) throw new BenchFailure(`${replica.count("pods")} of ${pods} pods are left`);
  await store.stop();
  follower.stop();
  return held - left;
}

function heap(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
