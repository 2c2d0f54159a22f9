import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ANYWHERE,
  Draw,
  IndexCache,
  Inventory,
  type Occupant,
  PreemptionIndexes,
  type PreemptionRequest,
  preempt,
  preemptTogether,
  UNPLACED,
} from "../../scheduler-core/mod.ts";

const NODE_CPU = 8;
const PRIORITY = 100;

interface Old {
  readonly cpu: number;
  readonly priority: number;
  readonly budgets: readonly number[];
}

const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
const needs = (cpu: number) => ({ requests: { cpu }, nonzero: { cpu_milli: cpu, memory_bytes: 0 }, ports: [] });

/** Nodes with these pods, and room for members of these sizes made among them, where that is possible. */
function tried(
  nodes: readonly (readonly Old[])[],
  sizes: readonly number[],
  wanted: number,
  isIndexed: boolean,
  allowed: readonly number[] = [],
) {
  const inventory = new Inventory(1);
  const there = nodes.map((pods, number): Occupant<string>[] => {
    const slot = inventory.setNode(
      { name: `n${number}`, unschedulable: false, labels: {}, taints: [], images: [] },
      { cpu: NODE_CPU, pods: 20 },
    );
    return pods.map(({ cpu, priority, budgets }, place) => {
      const usage = inventory.usageOf(`${cpu}`, () => needs(cpu));
      inventory.cluster.add(slot, usage);
      inventory.cluster.lowestPriority[slot] = Math.min(inventory.cluster.lowestPriority[slot] as number, priority);
      return { owner: `${number}/${place}`, usage, priority, started_ms: place, marks: new Int32Array(0), budgets };
    });
  });
  const members = sizes.map((cpu) => {
    const handle = inventory.classOf({
      staticKey: "",
      facts: () => facts,
      usageKey: `${cpu}`,
      needs: () => needs(cpu),
      priority: PRIORITY,
    });
    return { pods: inventory.ready(handle), pin: ANYWHERE, mayPreempt: true };
  });
  const { cluster } = inventory;
  const before = cluster.rows.slice();
  const indexes = new PreemptionIndexes<string>();
  indexes.begin("");
  const found = preemptTogether<string>(cluster, {
    ...{ members, wanted, allowed, random: new Draw(3), indexes: new IndexCache() },
    occupants: (slot) => there[slot] ?? [],
    find: (request: PreemptionRequest<string>) => (isIndexed ? indexes.preempt(cluster, request) : preempt(cluster, request)),
  });
  expect(cluster.rows).toEqual(before);
  if (found?.kind === "question") throw new Error("nobody is to be asked");
  return found;
}

const old = (cpu: number, priority: number): Old => ({ cpu, priority, budgets: [] });

describe("preemption for a group", () => {
  const node = fc.array(
    fc.record({ cpu: fc.integer({ min: 1, max: 4 }), priority: fc.constantFrom(0, 50, 100, 200), budgets: fc.constant([]) }),
    {
      maxLength: 6,
    },
  );
  /** No node is given more than it has. */
  const nodes = fc.array(
    node.map((pods) => pods.filter((_, i) => pods.slice(0, i + 1).reduce((sum, { cpu }) => sum + cpu, 0) <= NODE_CPU)),
    { minLength: 1, maxLength: 6 },
  );

  it("finds room for a group of equal pods exactly where there is some to be made, for all together", () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 }), fc.boolean(), (there, cpu, wanted, isIndexed) => {
        const found = tried(there, new Array(wanted).fill(cpu), wanted, isIndexed);
        const kept = (pods: readonly Old[]): number =>
          pods.filter(({ priority }) => priority >= PRIORITY).reduce((sum, pod) => sum + pod.cpu, 0);
        const places = there.reduce((sum, pods) => sum + Math.floor((NODE_CPU - kept(pods)) / cpu), 0);
        expect(found !== undefined).toBe(places >= wanted);
      }),
    );
  });

  it("of unequal pods, all that are wanted fit where it says when its victims are gone, and nobody as important goes", () => {
    fc.assert(
      fc.property(
        nodes,
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (there, sizes, isIndexed) => {
          const wanted = Math.ceil(sizes.length / 2);
          const found = tried(there, sizes, wanted, isIndexed);
          if (found === undefined) return;
          const left = there.map((pods) => NODE_CPU - pods.reduce((sum, { cpu }) => sum + cpu, 0));
          expect(new Set(found.victims.map(({ owner }) => owner)).size).toBe(found.victims.length);
          for (const { slot, owner } of found.victims) {
            const victim = there[slot]?.[Number(owner.slice(owner.indexOf("/") + 1))] as Old;
            expect(victim.priority).toBeLessThan(PRIORITY);
            left[slot] = (left[slot] as number) + victim.cpu;
          }
          found.slots.forEach((slot, i) => {
            if (slot !== UNPLACED) left[slot] = (left[slot] as number) - (sizes[i] as number);
          });
          expect(Math.min(...left)).toBeGreaterThanOrEqual(0);
          expect(found.slots.filter((slot) => slot !== UNPLACED).length).toBe(wanted);
        },
      ),
    );
  });

  it("ends nobody where there is room, and no more than it needs where there is not", () => {
    const found = tried([[old(8, 10)], [], [old(4, 0), old(4, 50)]], [4, 4, 4], 3, true);
    expect(found?.victims.map(({ owner }) => owner)).toEqual(["2/0"]);
    expect([...(found?.slots ?? [])].sort()).toEqual([1, 1, 2]);
  });

  it("counts what each member takes of a disruption budget", () => {
    const guarded = (priority: number): Old => ({ cpu: 8, priority, budgets: [0] });
    const found = tried([[guarded(0)], [guarded(0)], [old(8, 50)]], [8, 8], 2, true, [1]);
    expect(found?.victims.map(({ owner }) => owner).sort()).toEqual([expect.stringMatching(/^[01]\/0$/), "2/0"]);
  });
});
