import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClassIndex } from "../../scheduler-core/class-index.ts";
import { LocalScores } from "../../scheduler-core/local-scores.ts";
import { bestNodes, type ClassHandle, type Cluster, Draw, Inventory, type Needs, type PodFacts } from "../../scheduler-core/mod.ts";
import { survey } from "../../scheduler-core/survey.ts";

const GIB = 1024 ** 3;

type Step =
  | { readonly do: "place"; readonly podClass: number }
  | { readonly do: "free"; readonly pod: number }
  | { readonly do: "node"; readonly node: number; readonly cpu: number; readonly zone: number; readonly taint: number }
  | { readonly do: "remove"; readonly node: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("place" as const), podClass: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("free" as const), pod: fc.nat(50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("node" as const),
      node: fc.nat(90),
      cpu: fc.integer({ min: 1, max: 8 }),
      zone: fc.nat(2),
      taint: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), node: fc.nat(90) }) },
);

const FACTS: readonly PodFacts[] = [0, 1, 2].map((variant) => ({
  nodeName: "",
  tolerations: variant === 1 ? [{ key: "soft", operator: "Exists", value: "", effect: "" }] : [],
  nodeSelector: {},
  requiredTerms: undefined,
  preferredTerms:
    variant === 2 ? [{ weight: 7, term: { matchLabels: [{ key: "zone", operator: "In", values: ["z1"] }], matchFields: [] } }] : [],
  images: ["app:v1"],
}));

function handleOf(inventory: Inventory, number: number): ClassHandle {
  const variant = number % FACTS.length;
  const needs: Needs = {
    requests: { cpu: 100 * (number + 1), memory: GIB / (number + 1) },
    nonzero: { cpu_milli: 100 * (number + 1), memory_bytes: GIB / (number + 1) },
    ports: number === 4 ? [{ protocol: "TCP", ip: "0.0.0.0", port: 80 }] : [],
  };
  return inventory.classOf({
    staticKey: `${variant}`,
    facts: () => FACTS[variant] as PodFacts,
    usageKey: JSON.stringify(needs),
    needs: () => needs,
    priority: 0,
  });
}

function setNode(inventory: Inventory, { node, cpu, zone, taint }: Extract<Step, { do: "node" }>): void {
  const taints =
    taint === 0
      ? []
      : ([{ key: taint === 1 ? "soft" : "other", value: "", effect: taint === 3 ? "NoSchedule" : "PreferNoSchedule" }] as const);
  inventory.setNode(
    {
      name: `n${node}`,
      unschedulable: false,
      labels: { zone: `z${zone}` },
      taints,
      images: zone === 2 ? [{ name: "app:v1", size_bytes: 500_000_000 }] : [],
    },
    { cpu: 1000 * cpu, memory: 4 * GIB, pods: 10 },
  );
}

describe("ClassIndex", () => {
  it("offers exactly the nodes that the plain loop finds best, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), fc.integer(), (steps, seed) => {
        const inventory = new Inventory(1);
        for (let node = 0; node < 8; node++) setNode(inventory, { do: "node", node, cpu: 2 + (node % 4), zone: node % 3, taint: node % 4 });
        const random = new Draw(seed);
        const indexes = new Map<number, ClassIndex>();
        const locals = new Map<number, LocalScores>();
        let placed: { node: string; handle: ClassHandle }[] = [];
        for (const now of steps) {
          if (now.do === "node") {
            if (inventory.slotOf(`n${now.node}`) === undefined) placed = placed.filter(({ node }) => node !== `n${now.node}`);
            setNode(inventory, now);
          } else if (now.do === "remove") {
            inventory.removeNode(`n${now.node}`);
            placed = placed.filter(({ node }) => node !== `n${now.node}`);
          } else if (now.do === "free") {
            const [gone] = placed.splice(now.pod, 1);
            if (gone !== undefined) inventory.cluster.remove(inventory.slotOf(gone.node) ?? -1, gone.handle.usage);
          } else {
            const handle = handleOf(inventory, now.podClass);
            const pods = inventory.ready(handle);
            const { cluster } = inventory;
            const index = indexes.get(handle.id);
            if (index === undefined) indexes.set(handle.id, new ClassIndex(cluster, pods));
            else index.repair(cluster, pods);
            const best = bestNodes(cluster, pods);
            const kept = locals.get(handle.id) ?? new LocalScores();
            locals.set(handle.id, kept);
            kept.repair(cluster, pods);
            expect(survey(cluster, pods, kept.scores)).toEqual(survey(cluster, pods));
            const drawn = draws(indexes.get(handle.id), random, best.length);
            expect([...drawn].sort((a, b) => a - b)).toEqual(best);
            const [slot] = drawn;
            if (slot === undefined) continue;
            cluster.add(slot, pods.usage);
            expectNoOvercommit(cluster, slot);
            placed.push({ node: inventory.nameOf(slot), handle });
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives each of the best nodes the same chance", () => {
    const inventory = new Inventory(1);
    for (let node = 0; node < 6; node++) setNode(inventory, { do: "node", node, cpu: 4, zone: node % 2, taint: 0 });
    const index = new ClassIndex(inventory.cluster, inventory.ready(handleOf(inventory, 0)));
    const random = new Draw(11);
    const counts = new Map<number, number>();
    for (let i = 0; i < 6_000; i++) {
      const slot = index.pick(random);
      counts.set(slot, (counts.get(slot) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

/** Draws until each of `expected` ties should long have come up. */
function draws(index: ClassIndex | undefined, random: Draw, expected: number): Set<number> {
  const drawn = new Set<number>();
  for (let i = 0; i < 40 * Math.max(1, expected); i++) {
    const slot = index?.pick(random) ?? -1;
    if (slot >= 0) drawn.add(slot);
  }
  return drawn;
}

function expectNoOvercommit(cluster: Cluster, slot: number): void {
  for (let column = 0; column < cluster.columns; column++) {
    expect(cluster.requested(slot, column)).toBeLessThanOrEqual(cluster.allocatable(slot, column));
  }
}
