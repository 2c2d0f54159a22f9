import { performance } from "node:perf_hooks";
import { createPlacePool } from "../actors/mod.ts";
import {
  ANYWHERE,
  type ClassHandle,
  Draw,
  IndexCache,
  Inventory,
  type Needs,
  type Occupant,
  type PeerFacts,
  type PodClass,
  type PodFacts,
  PreemptionIndexes,
  type PreemptionRequest,
  pickPlainly,
  placeBatch,
  preempt,
  type Usage,
} from "../scheduler-core/mod.ts";

/** `node bench/scheduler-core.bench.ts`: the rate of decisions with the index and with the plain loop, one line of JSON per figure. */
const NODES = 5_000;
const BATCH_PODS = 1_024;
/** How often a case is repeated from an empty cluster. */
const ROUNDS = 20;
const GIB = 1024 ** 3;

const facts: PodFacts = {
  nodeName: "",
  tolerations: [],
  nodeSelector: {},
  requiredTerms: undefined,
  preferredTerms: [],
  images: ["nginx:latest"],
};

function needs(cpu_milli: number): Needs {
  return {
    requests: { cpu: cpu_milli, memory: GIB / 8 },
    nonzero: { cpu_milli, memory_bytes: GIB / 8 },
    ports: [],
  };
}

function inventoryOf(nodes: number): Inventory {
  const inventory = new Inventory(1);
  for (let i = 0; i < nodes; i++) {
    inventory.setNode(
      {
        name: `node-${i}`,
        unschedulable: false,
        labels: { zone: `z${i % 3}`, "kubernetes.io/hostname": `node-${i}` },
        taints: [],
        images: [],
      },
      { cpu: 32_000, memory: 128 * GIB, "ephemeral-storage": 100 * GIB, pods: 110 },
    );
  }
  return inventory;
}

function report(name: string, pods: number, took_ms: number, conditions: string): void {
  const figure = {
    suite: "scheduler-core",
    case: name,
    metric: "rate",
    value: Math.round((pods / took_ms) * 1000),
    unit: "pods/s",
    conditions,
  };
  console.log(JSON.stringify(figure));
}

function timeIndex(inventory: Inventory, classes: readonly PodClass[], pods: number): number {
  const indexes = new IndexCache();
  const random = new Draw(1);
  const numbers = new Int32Array(BATCH_PODS).map((_, i) => i % classes.length);
  const pins = new Int32Array(BATCH_PODS).fill(ANYWHERE);
  const start = performance.now();
  for (let done = 0; done < pods; done += BATCH_PODS) placeBatch(inventory.cluster, { classes, pods: numbers, pins }, indexes, random);
  return performance.now() - start;
}

function timeLoop(inventory: Inventory, pods: PodClass, count: number): number {
  const random = new Draw(1);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const slot = pickPlainly(inventory.cluster, pods, random);
    if (slot >= 0) inventory.cluster.add(slot, pods.usage, pods.marks);
  }
  return performance.now() - start;
}

function classOf(inventory: Inventory, cpu_milli: number): ClassHandle {
  return inventory.classOf({
    staticKey: "plain",
    facts: () => facts,
    usageKey: `${cpu_milli}`,
    needs: () => needs(cpu_milli),
    priority: 0,
  });
}

for (const name of ["cold", "warm"]) {
  const inventory = inventoryOf(NODES);
  const took_ms = timeIndex(inventory, [inventory.ready(classOf(inventory, 100))], 400 * BATCH_PODS);
  report("template pods", 400 * BATCH_PODS, took_ms, `${NODES} nodes, 1 thread, ${name}`);
}
{
  const inventory = inventoryOf(NODES);
  const classes = [100, 150, 200, 250, 300, 350, 400, 450].map((cpu_milli) => inventory.ready(classOf(inventory, cpu_milli)));
  report("pods of 8 templates in turn", 200 * BATCH_PODS, timeIndex(inventory, classes, 200 * BATCH_PODS), `${NODES} nodes, 1 thread`);
}
{
  const inventory = inventoryOf(NODES);
  const took_ms = timeLoop(inventory, inventory.ready(classOf(inventory, 100)), 2_000);
  report("template pods, plain loop", 2_000, took_ms, `${NODES} nodes, 1 thread`);
}
{
  const inventory = inventoryOf(NODES);
  const indexes = new IndexCache();
  const random = new Draw(1);
  const pods = Int32Array.of(0);
  const pins = Int32Array.of(ANYWHERE);
  const start = performance.now();
  for (let i = 0; i < 2_000; i++) {
    const own = inventory.ready(classOf(inventory, 100 + i));
    placeBatch(inventory.cluster, { classes: [own], pods, pins }, indexes, random);
  }
  report("each pod of its own class", 2_000, performance.now() - start, `${NODES} nodes, 1 thread`);
}

for (const threads of [1, 2]) {
  const inventory = inventoryOf(NODES);
  const pool = createPlacePool(threads);
  const pods = Int32Array.from({ length: BATCH_PODS }, (_, i) => i);
  const pins = new Int32Array(BATCH_PODS).fill(ANYWHERE);
  const rounds = 16;
  let took_ms = 0;
  let cpu_us = 0;
  // The first two warm the threads up.
  for (let round = -2; round < rounds; round++) {
    const start = performance.now();
    const before = process.cpuUsage();
    const classes = Array.from(pods, (number) => inventory.ready(classOf(inventory, 100 + number + (round + 2) * BATCH_PODS)));
    await pool.run({ cluster: inventory.cluster.buffer, batch: { classes, pods, pins }, seed: 1 });
    if (round < 0) continue;
    took_ms += performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    cpu_us += user + system;
  }
  await pool.close();
  const conditions = `${NODES} nodes, pool of ${threads}, ${Math.round(cpu_us / rounds / BATCH_PODS)} us of processor time a pod`;
  report("each pod of its own class, through the pool", rounds * BATCH_PODS, took_ms, conditions);
}

/** Pods of one template whose places depend on each other's. */
const alike: PeerFacts = {
  namespace: "default",
  labels: { app: "web" },
  isTerminating: false,
  affinity: [],
  antiAffinity: [],
  preferred: [],
  spread: [],
  spreadNeedsAllKeys: true,
};
const own = [{ key: "app", operator: "In", values: ["web"] }] as const;
const term = (topologyKey: string) => ({ topologyKey, selector: { namespaces: ["default"], namespaceLabels: undefined, labels: own } });
const rule = { maxSkew: 1, minDomains: 1, isHard: true, labels: own, honorsAffinity: true, honorsTaints: false };
const PEERS: readonly [string, PeerFacts][] = [
  ["topology spread over zones", { ...alike, spread: [{ ...rule, topologyKey: "zone" }] }],
  ["required pod anti-affinity by hostname", { ...alike, antiAffinity: [term("kubernetes.io/hostname")] }],
  ["required pod affinity by zone", { ...alike, affinity: [term("zone")] }],
  ["preferred pod affinity by zone", { ...alike, preferred: [{ weight: 1, term: term("zone") }] }],
];
for (const [name, facts] of PEERS) {
  const looped = inventoryOf(NODES);
  const peerThere = looped.peerOf(name, () => facts);
  looped.kinship(peerThere);
  report(`${name}, plain loop`, 300, timeLoop(looped, looped.ready(classOf(looped, 100), peerThere), 300), `${NODES} nodes, 1 thread`);
  // By hostname a node takes one pod: half of the nodes are filled, and then again from empty.
  const pods = Math.floor(NODES / 2 / BATCH_PODS) * BATCH_PODS;
  let took_ms = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const inventory = inventoryOf(NODES);
    const peer = inventory.peerOf(name, () => facts);
    inventory.kinship(peer);
    took_ms += timeIndex(inventory, [inventory.ready(classOf(inventory, 100), peer)], pods);
  }
  report(
    name,
    ROUNDS * pods,
    took_ms,
    `${NODES} nodes, 1 thread, ${ROUNDS} times ${pods} pods from an empty cluster, index built included`,
  );
}

/** A full cluster: each node has eight pods of four priorities; every pod that comes needs one of them to go. */
function preemptions(isIndexed: boolean, count: number): number {
  const inventory = inventoryOf(NODES);
  const small = inventory.usageOf("small", () => needs(4_000));
  const there: Occupant<number>[][] = [];
  let pods = 0;
  const occupant = (usage: Usage, priority: number): Occupant<number> => {
    return { owner: pods, usage, priority, started_ms: pods++, marks: new Int32Array(0), budgets: [] };
  };
  for (let slot = 0; slot < NODES; slot++) {
    there[slot] = Array.from({ length: 8 }, (_, i) => occupant(small, (i + slot) % 4));
    for (const { usage } of there[slot] ?? []) inventory.enter(slot, usage, undefined);
    inventory.cluster.lowestPriority[slot] = 0;
  }
  const handle = inventory.classOf({ staticKey: "plain", facts: () => facts, usageKey: "small", needs: () => needs(4_000), priority: 100 });
  const indexes = new PreemptionIndexes<number>();
  const random = new Draw(1);
  const request: PreemptionRequest<number> = {
    ...{ pods: inventory.ready(handle), pin: ANYWHERE, allowed: [], random, candidates: { percent: 100, least: NODES } },
    occupants: (slot) => there[slot] ?? [],
  };
  const start = performance.now();
  indexes.begin("");
  for (let i = 0; i < count; i++) {
    const { slot, victims } = isIndexed ? indexes.preempt(inventory.cluster, request) : preempt(inventory.cluster, request);
    const here = there[slot ?? -1];
    if (slot === undefined || here === undefined) throw new Error("no node can be made room on");
    const left = here.filter(({ owner }) => !victims.includes(owner));
    if (left.length !== here.length - 1) throw new Error("more than one had to go");
    inventory.leave(slot, small, undefined);
    inventory.enter(slot, small, undefined);
    there[slot] = [...left, occupant(small, 100)];
    inventory.cluster.lowestPriority[slot] = Math.min(...left.map(({ priority }) => priority));
  }
  return performance.now() - start;
}
report("preemption, every pod needs a victim, every node asked", 40, preemptions(false, 40), `${NODES} nodes with 8 pods each, 1 thread`);
report(
  "preemption, every pod needs a victim",
  30_000,
  preemptions(true, 30_000),
  `${NODES} nodes with 8 pods each, 1 thread, index built included`,
);
