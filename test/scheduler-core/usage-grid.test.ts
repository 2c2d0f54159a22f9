import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ANYWHERE,
  bestNodes,
  Draw,
  IndexCache,
  Inventory,
  type Needs,
  type PodFacts,
  placeBatch,
  type SchedulingProfile,
} from "../../scheduler-core/mod.ts";
import { isGridded, UsageGrid } from "../../scheduler-core/usage-grid.ts";
import { everyDraw } from "./every-draw.ts";

const MIB = 1024 ** 2;
const NODES = 24;

/** Round amounts, where scores lie on whole numbers, and crooked ones; none at all, which counts as a little. */
const cpu = fc.oneof(fc.constantFrom(0, 100, 250, 320), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 1_500 }));
const memory = fc
  .oneof(fc.constantFrom(0, 64, 128, 200), fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 900 }))
  .map((mib) => mib * MIB);
const capacity = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ cpu: 4_000, memory: 2_048 * MIB }) },
  {
    weight: 1,
    arbitrary: fc.record({
      cpu: fc.constantFrom(0, 1_000, 3_200, 4_000, 3_999),
      memory: fc.constantFrom(0, 1_024, 2_048, 2_047).map((mib) => mib * MIB),
    }),
  },
);
const node = fc.nat(NODES - 1);
const special = fc.integer({ min: 0, max: 9 }).map((number) => (number === 0 ? "port" : number === 1 ? "gpu" : "none"));
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("place" as const), cpu, memory, anywhere: fc.boolean(), node, special, prefers: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("free" as const), pod: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("node" as const), node, capacity, cordoned: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), node }) },
);
const profile: fc.Arbitrary<SchedulingProfile> = fc.record({
  key: fc.constant("p"),
  filtersOff: fc.constant(new Set<string>()),
  weights: fc.record({ NodeResourcesFit: fc.nat(3), NodeResourcesBalancedAllocation: fc.nat(3) }),
  scoring: fc.constant(undefined),
});
const facts: PodFacts = {
  nodeName: "",
  tolerations: [{ key: "soft", operator: "Exists", value: "", effect: "" }],
  nodeSelector: {},
  requiredTerms: undefined,
  preferredTerms: [],
  images: [],
};

/** To pods that prefer a zone, and do not like a taint that others tolerate, nodes are of six kinds. */
const soft = { key: "soft", value: "", effect: "PreferNoSchedule" } as const;
const preferring: PodFacts = {
  ...facts,
  tolerations: [],
  preferredTerms: [{ weight: 7, term: { matchLabels: [{ key: "zone", operator: "In", values: ["z1"] }], matchFields: [] } }],
};

describe("UsageGrid", () => {
  it("offers exactly the nodes that the plain loop finds best, to classes never seen before", () => {
    fc.assert(
      fc.property(
        fc.array(capacity, { minLength: NODES, maxLength: NODES }),
        fc.array(step, { minLength: 20, maxLength: 150 }),
        profile,
        (capacities, steps, profile) => {
          const inventory = new Inventory(1);
          const grids = { plain: new UsageGrid(), preferring: new UsageGrid() };
          const setNode = (number: number, { cpu, memory }: { cpu: number; memory: number }, unschedulable: boolean): void =>
            void inventory.setNode(
              { name: `n${number}`, unschedulable, labels: { zone: `z${number % 3}` }, taints: number % 4 === 0 ? [soft] : [], images: [] },
              { cpu, memory, pods: number % 3 === 0 ? 1 : 8, "example.com/gpu": number % 2 },
            );
          capacities.forEach((capacity, number) => void setNode(number, capacity, false));
          let placed: { readonly node: string; readonly usage: ReturnType<Inventory["usageOf"]> }[] = [];
          for (const now of steps) {
            if (now.do === "node") {
              if (inventory.slotOf(`n${now.node}`) === undefined) placed = placed.filter(({ node }) => node !== `n${now.node}`);
              setNode(now.node, now.capacity, now.cordoned);
            } else if (now.do === "remove") {
              inventory.removeNode(`n${now.node}`);
              placed = placed.filter(({ node }) => node !== `n${now.node}`);
            } else if (now.do === "free") {
              const [gone] = placed.splice(now.pod, 1);
              if (gone !== undefined) inventory.cluster.remove(inventory.slotOf(gone.node) ?? -1, gone.usage);
            } else {
              const needs: Needs = {
                requests: { cpu: now.cpu, memory: now.memory, "example.com/gpu": now.special === "gpu" ? 1 : 0 },
                nonzero: { cpu_milli: now.cpu || 100, memory_bytes: now.memory || 200 * MIB },
                ports: now.special === "port" ? [{ protocol: "TCP", ip: "0.0.0.0", port: 80 }] : [],
              };
              const usageKey = `${now.cpu}/${now.memory}/${now.special}`;
              const handle = inventory.classOf({
                staticKey: now.prefers ? "preferring" : "plain",
                facts: () => (now.prefers ? preferring : facts),
                ...{ usageKey, needs: () => needs, priority: 0, profile },
              });
              const pods = inventory.ready(handle);
              expect(isGridded(pods)).toBe(true);
              const { cluster } = inventory;
              const drawn = everyDraw((random) => grids[now.prefers ? "preferring" : "plain"].pick(cluster, pods, random));
              expect(drawn).toEqual(bestNodes(cluster, pods));
              // Some are put where no scheduler would, so that nodes are overdrawn too.
              const slot = now.anywhere ? inventory.slotOf(`n${now.node}`) : drawn[0];
              if (slot === undefined) continue;
              cluster.add(slot, pods.usage);
              placed.push({ node: inventory.nameOf(slot), usage: pods.usage });
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is laid for a static class when the second of its classes comes, and agrees from the first on", () => {
    const inventory = new Inventory(1);
    for (let node = 0; node < NODES; node++) {
      const labels = { zone: `z${node % 3}` };
      inventory.setNode(
        { name: `n${node}`, unschedulable: false, labels, taints: node % 4 === 0 ? [soft] : [], images: [] },
        { cpu: 4_000, pods: 20 },
      );
    }
    const indexes = new IndexCache();
    for (let cpu = 1; cpu <= 40; cpu++) {
      const needs: Needs = { requests: { cpu }, nonzero: { cpu_milli: cpu, memory_bytes: 0 }, ports: [] };
      const statics = { staticKey: "preferring", facts: () => preferring };
      const pods = inventory.ready(inventory.classOf({ ...statics, usageKey: `${cpu}`, needs: () => needs, priority: 0 }));
      const best = bestNodes(inventory.cluster, pods);
      const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE) };
      expect(best).toContain(placeBatch(inventory.cluster, batch, indexes, new Draw(cpu)).slots[0]);
    }
  });
});
