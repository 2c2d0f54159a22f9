import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClassIndex } from "../../scheduler-core/class-index.ts";
import { FirstLook } from "../../scheduler-core/first-look.ts";
import { LocalScores } from "../../scheduler-core/local-scores.ts";
import { type Looks, lookAt } from "../../scheduler-core/looks.ts";
import {
  ANYWHERE,
  bestNodes,
  type ClassHandle,
  type Cluster,
  DEFAULT_PROFILE,
  Draw,
  Inventory,
  type Needs,
  type PodFacts,
  prepareLooks,
  type SchedulingProfile,
  shareOf,
  takeLooks,
} from "../../scheduler-core/mod.ts";
import { survey } from "../../scheduler-core/survey.ts";
import { isGridded, UsageGrid } from "../../scheduler-core/usage-grid.ts";
import { everyDraw } from "./every-draw.ts";

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

/** Packs: the grid has no bounds for that, so such classes are looked at. */
const PACKING: SchedulingProfile = {
  ...DEFAULT_PROFILE,
  key: "packing",
  scoring: {
    fit: { strategy: "MostAllocated", columns: Int32Array.of(0, 1), weights: Int32Array.of(1, 1), shape: [] },
    balanced: undefined,
  },
};

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
    ...(number === 2 || number === 3 ? { profile: PACKING } : {}),
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
        const grid = new UsageGrid();
        let looks: Looks | undefined;
        let placed: { node: string; handle: ClassHandle }[] = [];
        for (const now of steps) {
          // Nodes come and go between batches only.
          if (now.do === "node" || now.do === "remove") looks = undefined;
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
            // What others ask for may make the arrays wider, so they come first.
            looks ??= lookAtAll(inventory);
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
            const look = lookAt(looks, now.podClass);
            expect(look === undefined).toBe(isGridded(pods));
            const once = (random: Draw): number =>
              look === undefined ? grid.pick(cluster, pods, random) : look.pick(cluster, pods, random);
            expect(everyDraw(once)).toEqual(best);
            const own = (random: Draw): number =>
              FirstLook.take(cluster, pods, new Int32Array(cluster.capacity)).pick(cluster, pods, random);
            if (pods.relations === undefined) expect(everyDraw(own)).toEqual(best);
            const drawn = everyDraw((random) => (indexes.get(handle.id) as ClassIndex).pick(random));
            expect(drawn).toEqual(best);
            const slot = drawn[random.below(drawn.length)];
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

/** Looks at all classes, as other threads would before a batch. */
function lookAtAll(inventory: Inventory): Looks {
  const classes = [0, 1, 2, 3, 4].map((number) => inventory.ready(handleOf(inventory, number)));
  const batch = { classes, pods: Int32Array.from(classes.keys()), pins: new Int32Array(classes.length).fill(ANYWHERE) };
  const looks = prepareLooks(inventory.cluster, batch, () => false);
  if (looks === undefined) throw new Error("no looks");
  for (const share of [0, 1]) takeLooks(inventory.cluster, shareOf(batch, looks, share, 2));
  return looks;
}

function expectNoOvercommit(cluster: Cluster, slot: number): void {
  for (let column = 0; column < cluster.columns; column++) {
    expect(cluster.requested(slot, column)).toBeLessThanOrEqual(cluster.allocatable(slot, column));
  }
}
