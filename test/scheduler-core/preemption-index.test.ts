import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ANYWHERE,
  Cluster,
  Draw,
  Inventory,
  type Occupant,
  type Preemption,
  PreemptionIndexes,
  type PreemptionRequest,
  preempt,
} from "../../scheduler-core/mod.ts";
import { everyDraw } from "./every-draw.ts";

/** A pod on a node; its start and budgets are asked for anew each time, as the preemptor does. */
interface Old {
  readonly cpu: number;
  readonly priority: number;
  readonly port: boolean;
  started_ms: number | undefined;
  readonly budgets: readonly number[];
}

const old: fc.Arbitrary<Old> = fc.record({
  cpu: fc.integer({ min: 1, max: 3 }),
  priority: fc.constantFrom(0, 0, 0, 1, 3),
  port: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
  started_ms: fc.option(fc.nat(3), { nil: undefined, freq: 1 }),
  budgets: fc.subarray([0, 1], { maxLength: 1 }),
});
const NODES = 4;
const node = fc.nat(NODES - 1);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("enter" as const), node, pod: old }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), node, pod: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("node" as const), node, cpu: fc.integer({ min: 1, max: 8 }), cordoned: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), node }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("allow" as const), allowed: fc.tuple(fc.nat(2), fc.nat(2)) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("start" as const), node, pod: fc.nat(5), at_ms: fc.nat(3) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("preempt" as const),
      cpu: fc.integer({ min: 3, max: 4 }),
      port: fc.integer({ min: 0, max: 3 }).map((number) => number === 0),
    }),
  },
);

const needs = (cpu: number, port: boolean) => ({
  requests: { cpu },
  nonzero: { cpu_milli: cpu, memory_bytes: 0 },
  ports: port ? [{ protocol: "TCP", ip: "0.0.0.0", port: 80 }] : [],
});
/** A copy, for who removes pods and puts them back: that tells an index to ask again. */
function copyOf({ buffer }: Cluster): Cluster {
  const copy = new SharedArrayBuffer(buffer.byteLength);
  new Uint8Array(copy).set(new Uint8Array(buffer));
  return Cluster.over(copy);
}

const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };

class World {
  readonly inventory: Inventory = new Inventory(1);
  readonly #there: Old[][] = [];
  readonly #indexes = new PreemptionIndexes<Old>();
  allowed: readonly number[] = [1, 1];

  constructor() {
    for (let number = 0; number < NODES; number++) this.setNode(number, 4, false);
  }

  setNode(number: number, cpu: number, unschedulable: boolean): void {
    const isNew = this.inventory.slotOf(`n${number}`) === undefined;
    const slot = this.inventory.setNode({ name: `n${number}`, unschedulable, labels: {}, taints: [], images: [] }, { cpu, pods: 5 });
    if (isNew) this.#there[slot] = [];
  }

  enter(number: number, pod: Old): void {
    const slot = this.inventory.slotOf(`n${number}`);
    if (slot === undefined) return;
    this.#on(slot).push({ ...pod });
    this.inventory.enter(slot, this.#usage(pod), undefined);
    this.#setLowest(slot);
  }

  leave(number: number, pod: number): void {
    const slot = this.inventory.slotOf(`n${number}`);
    const [gone] = slot === undefined ? [] : this.#on(slot).splice(pod, 1);
    if (slot === undefined || gone === undefined) return;
    this.inventory.leave(slot, this.#usage(gone), undefined);
    this.#setLowest(slot);
  }

  /** A start becomes known: nothing in the arrays tells. */
  start(number: number, pod: number, at_ms: number): void {
    const there = this.#on(this.inventory.slotOf(`n${number}`) ?? -1)[pod];
    if (there !== undefined) there.started_ms ??= at_ms;
  }

  /** Compares the index with asking every node. */
  check(cpu: number, port: boolean): void {
    const { inventory } = this;
    const usageKey = `${cpu}/${port}`;
    const handle = inventory.classOf({ staticKey: "", facts: () => facts, usageKey, needs: () => needs(cpu, port), priority: 3 });
    const pods = inventory.ready(handle);
    const request = (pin: number, random: Draw): PreemptionRequest<Old> => ({
      ...{ pods, pin, random, allowed: this.allowed, candidates: { percent: 100, least: 1_000 } },
      occupants: (slot) => this.#on(slot).map((owner) => this.#occupant(owner)),
    });
    this.#indexes.begin("two");
    const before = inventory.cluster.changes;
    const found = new Map<number, Preemption<Old>>();
    const drawn = everyDraw((random) => {
      const outcome = this.#indexes.preempt(inventory.cluster, request(ANYWHERE, random));
      if (outcome.slot !== undefined) found.set(outcome.slot, outcome);
      return outcome.slot ?? -1;
    });
    expect(inventory.cluster.changes).toBe(before);
    // Asked from each node on, the plain way finds each of the best nodes first once.
    const plain = new Map<number, Preemption<Old>>();
    for (let from = 0; from < inventory.cluster.nodes; from++) {
      const outcome = preempt(copyOf(inventory.cluster), request(ANYWHERE, { below: () => from } as unknown as Draw));
      if (outcome.slot !== undefined) plain.set(outcome.slot, outcome);
      else expect(this.#indexes.preempt(inventory.cluster, request(ANYWHERE, new Draw(1)))).toEqual(outcome);
    }
    expect(drawn).toEqual([...plain.keys()].sort((a, b) => a - b));
    for (const [slot, { victims }] of plain) expect(found.get(slot)?.victims).toEqual(victims);
  }

  #on(slot: number): Old[] {
    return this.#there[slot] ?? [];
  }

  #occupant(owner: Old): Occupant<Old> {
    const { priority, started_ms, budgets } = owner;
    return { owner, priority, started_ms, budgets, usage: this.#usage(owner), marks: new Int32Array(0) };
  }

  #usage({ cpu, port }: Old) {
    return this.inventory.usageOf(`${cpu}/${port}`, () => needs(cpu, port));
  }

  #setLowest(slot: number): void {
    this.inventory.cluster.lowestPriority[slot] = Math.min(0x7fffffff, ...this.#on(slot).map(({ priority }) => priority));
  }
}

describe("PreemptionIndexes", () => {
  it("finds the victims that asking every node finds, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), (steps) => {
        const world = new World();
        for (const now of steps) {
          if (now.do === "enter") world.enter(now.node, now.pod);
          else if (now.do === "leave") world.leave(now.node, now.pod);
          else if (now.do === "node") world.setNode(now.node, now.cpu, now.cordoned);
          else if (now.do === "remove") world.inventory.removeNode(`n${now.node}`);
          else if (now.do === "allow") world.allowed = now.allowed;
          else if (now.do === "start") world.start(now.node, now.pod, now.at_ms);
          else world.check(now.cpu, now.port);
        }
      }),
      { numRuns: 300 },
    );
  });
});
