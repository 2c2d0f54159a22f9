import { createPlacePool } from "../actors/mod.ts";
import {
  ANYWHERE,
  type ClassHandle,
  Draw,
  IndexCache,
  type Inventory,
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
import { classOf, facts, inventoryOf, needs, report, stopwatch, type Taken } from "./scheduler-fixtures.ts";

/** `node bench/scheduler-core.bench.ts`: the rate of decisions with the index and with the plain loop, one line of JSON per figure. */
const NODES = 5_000;
const BATCH_PODS = 1_024;
const OWN_CLASSES = 10_000;
/** How often a case is repeated from an empty cluster. */
const ROUNDS = 100;

function timeIndex(inventory: Inventory, classes: readonly PodClass[], pods: number): Taken {
  const indexes = new IndexCache();
  const random = new Draw(1);
  const numbers = new Int32Array(BATCH_PODS).map((_, i) => i % classes.length);
  const pins = new Int32Array(BATCH_PODS).fill(ANYWHERE);
  const taken = stopwatch();
  for (let done = 0; done < pods; done += BATCH_PODS) placeBatch(inventory.cluster, { classes, pods: numbers, pins }, indexes, random);
  return taken();
}

function timeLoop(inventory: Inventory, pods: PodClass, count: number): Taken {
  const random = new Draw(1);
  const taken = stopwatch();
  for (let i = 0; i < count; i++) {
    const slot = pickPlainly(inventory.cluster, pods, random);
    if (slot >= 0) inventory.cluster.add(slot, pods.usage, pods.marks);
  }
  return taken();
}

const say = (name: string, pods: number, taken: Taken, conditions = `${NODES} nodes, 1 thread`): void =>
  report("scheduler-core", name, pods, taken, conditions);

for (const name of ["cold", "warm"]) {
  const inventory = inventoryOf(NODES);
  const taken = timeIndex(inventory, [inventory.ready(classOf(inventory, 100))], 400 * BATCH_PODS);
  say("template pods", 400 * BATCH_PODS, taken, `${NODES} nodes, 1 thread, ${name}`);
}
{
  const inventory = inventoryOf(NODES);
  const classes = [100, 150, 200, 250, 300, 350, 400, 450].map((cpu_milli) => inventory.ready(classOf(inventory, cpu_milli)));
  say("pods of 8 templates in turn", 200 * BATCH_PODS, timeIndex(inventory, classes, 200 * BATCH_PODS));
}
{
  const inventory = inventoryOf(NODES);
  say("template pods, plain loop", 2_000, timeLoop(inventory, inventory.ready(classOf(inventory, 100)), 2_000));
}
{
  const inventory = inventoryOf(NODES);
  const indexes = new IndexCache();
  const random = new Draw(1);
  const pods = Int32Array.of(0);
  const pins = Int32Array.of(ANYWHERE);
  const taken = stopwatch();
  for (let i = 0; i < OWN_CLASSES; i++) {
    const own = inventory.ready(classOf(inventory, 100 + i));
    placeBatch(inventory.cluster, { classes: [own], pods, pins }, indexes, random);
  }
  say("each pod of its own class", OWN_CLASSES, taken());
}

/** Static scores that differ by node: the grid cannot bound them, so each class takes a pass, and the pool's threads split the passes. */
const preferring: PodFacts = {
  ...facts,
  preferredTerms: [{ weight: 1, term: { matchLabels: [{ key: "zone", operator: "In", values: ["z1"] }], matchFields: [] } }],
};
function classPreferring(inventory: Inventory, cpu_milli: number): ClassHandle {
  const usageKey = `${cpu_milli}`;
  return inventory.classOf({ staticKey: "preferring", facts: () => preferring, usageKey, needs: () => needs(cpu_milli), priority: 0 });
}
for (const threads of [1, 2]) {
  const inventory = inventoryOf(NODES);
  const pool = createPlacePool(threads);
  const pods = Int32Array.from({ length: BATCH_PODS }, (_, i) => i);
  const pins = new Int32Array(BATCH_PODS).fill(ANYWHERE);
  const rounds = 4;
  let taken = stopwatch();
  // The first two warm the threads up.
  for (let round = 0; round < rounds + 2; round++) {
    if (round === 2) taken = stopwatch();
    const classes = Array.from(pods, (number) => inventory.ready(classPreferring(inventory, 100 + number + round * BATCH_PODS)));
    await pool.run({ cluster: inventory.cluster.buffer, batch: { classes, pods, pins }, seed: 1 });
  }
  say("each pod of its own class, preferring a zone, through the pool", rounds * BATCH_PODS, taken(), `${NODES} nodes, pool of ${threads}`);
  await pool.close();
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
  say(`${name}, plain loop`, 300, timeLoop(looped, looped.ready(classOf(looped, 100), peerThere), 300));
  // By hostname a node takes one pod: half of the nodes are filled, and then again from empty.
  const pods = Math.floor(NODES / 2 / BATCH_PODS) * BATCH_PODS;
  let wall_ms = 0;
  let processor_ms = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const inventory = inventoryOf(NODES);
    const peer = inventory.peerOf(name, () => facts);
    inventory.kinship(peer);
    const taken = timeIndex(inventory, [inventory.ready(classOf(inventory, 100), peer)], pods);
    wall_ms += taken.wall_ms;
    processor_ms += taken.processor_ms;
  }
  const conditions = `${NODES} nodes, 1 thread, ${ROUNDS} times ${pods} pods from an empty cluster, index built included`;
  say(name, ROUNDS * pods, { wall_ms, processor_ms }, conditions);
}

/** A full cluster: each node has eight pods of four priorities; every pod that comes needs one of them to go. */
function preemptions(isIndexed: boolean, count: number): Taken {
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
  const taken = stopwatch();
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
  return taken();
}
const full = `${NODES} nodes with 8 pods each, 1 thread`;
say("preemption, every pod needs a victim, every node asked", 40, preemptions(false, 40), full);
say("preemption, every pod needs a victim", 30_000, preemptions(true, 30_000), `${full}, index built included`);
