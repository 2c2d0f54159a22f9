import { performance } from "node:perf_hooks";
import {
  BUILT_IN_KINDS,
  CONTROLLER_NAMES,
  createControllerKind,
  createEventRecorder,
  createFleetKind,
  createHollowRuntime,
  createNodeKind,
  createPlacePool,
  createPodKind,
  createRegistry,
  createSchedulerKind,
  createStoreClient,
  type EventRecorder,
  type FleetMessage,
  follow,
  HOLLOW_FORM,
  KindTable,
  MemoryLog,
  NamespaceKind,
  PodKind,
  Replica,
  WRITER_ADDRESS,
  writerKind,
} from "../actors/mod.ts";
import { addressOf, Host, silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";
import { printFigures } from "./figure.ts";

/**
 * `npm run bench -- cast [--json]`: the whole cast on one host over a log in memory: pods from creation through the registry to
 * Running. What is left of density when HTTP, TLS, the disk and the load driver are taken away; where to look with a profiler first.
 */
const NODES = 1_000;
const PODS = 10_000;
const IN_FLIGHT = 64;
const NODES_READY_MS = 60_000;
/** Filled in by the registry. */
const NEW = { uid: "", creationTimestamp: "" };

const json = process.argv.includes("--json");
const clock = systemClock();
const random = systemRandom();
const log = new MemoryLog();
const host = new Host({ name: "cast", clock, random, log: silentLogger });
const replica = new Replica({ clock, log: silentLogger, historyRevisions: 1_000 });
const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
const store = createStoreClient({ messenger: host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
const registry = createRegistry({ view: replica, store, clock, random, kinds: new KindTable() });
const recorderFor = (component: string): EventRecorder =>
  createEventRecorder({ view: replica, store, clock, random, source: { component } });
const pool = createPlacePool();
const runtime = createHollowRuntime(clock, random);

host.register(writerKind({ log, replica }));
host.register(createSchedulerKind({ view: replica, registry, recorder: recorderFor("default-scheduler"), pool }));
host.register(createControllerKind({ view: replica, registry, recorderFor, kinds: BUILT_IN_KINDS, caCertificate: "" }));
host.register(createFleetKind({ view: replica, form: HOLLOW_FORM }));
host.register(createNodeKind({ view: replica, registry, form: HOLLOW_FORM, usageOf: () => [] }));
host.register(createPodKind({ view: replica, registry, recorder: recorderFor("kubelet"), runtime }));

await follower.ready;
for (const name of ["default", "kube-node-lease"]) {
  await registry.create(NamespaceKind, { metadata: { name, ...NEW }, spec: {}, status: {} });
}
host.messenger.tell(addressOf("scheduler", "0"), { type: "start" });
for (const name of CONTROLLER_NAMES) host.messenger.tell(addressOf("controller", name), { type: "start" });
const start: FleetMessage = { type: "start", nodes: NODES };
await host.messenger.ask(addressOf("fleet", "main"), start, { deadline_ms: NODES_READY_MS });
const ACCOUNT = "serviceaccounts/default/default";
if (replica.entry(ACCOUNT) === undefined) {
  const account = Promise.withResolvers<void>();
  replica.watch("serviceaccounts", replica.revision, ({ now }) => now?.key === ACCOUNT && account.resolve());
  await account.promise;
}

for (const round of ["first", "second"]) {
  const cpu = process.cpuUsage();
  const began_ms = performance.now();
  await run(round);
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = (PODS / (performance.now() - began_ms)) * 1000;
  const conditions = `${PODS} pods, ${NODES} nodes, ${IN_FLIGHT} in flight, one thread, log in memory`;
  const named = { suite: "cast", case: `${round} round`, conditions };
  printFigures(
    [
      { ...named, metric: "running", value: perSecond, unit: "pods/s" },
      { ...named, metric: "processor time", value: (user + system) / PODS, unit: "us a pod" },
    ],
    json,
  );
}
await host.stop();
await pool.close();
follower.stop();

/** Creates the pods and resolves when all of them run. */
async function run(round: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let running = 0;
  const isRunning = (text: string | undefined): boolean => text?.includes('"phase":"Running"') === true;
  const subscription = replica.watch("pods", replica.revision, ({ now, before }) => {
    if (isRunning(now?.text) && !isRunning(before?.text) && ++running === PODS) resolve();
  });
  let next = 0;
  const create = async (): Promise<void> => {
    while (next < PODS) {
      await registry.create(PodKind, {
        metadata: { name: `${round}-${next++}`, namespace: "default", labels: { app: "cast" }, ...NEW },
        spec: { containers: [{ name: "c", image: "nginx", resources: { requests: { cpu: "100m", memory: "128Mi" } } }] },
      });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, create));
  await promise;
  subscription.cancel();
}
