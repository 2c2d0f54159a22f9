import fc from "fast-check";
import { expect, it } from "vitest";
import {
  ANYWHERE,
  bestNodes,
  Draw,
  IndexCache,
  Inventory,
  type Needs,
  type Peer,
  placeBatch,
  UNPLACED,
  type Usage,
  volumeLimit,
} from "../../scheduler-core/mod.ts";
import { ALONE } from "./plugins/neighbours.ts";

const NODES = 4;
const LIMIT = 2;
const DRIVER = "disk";

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("place" as const),
      claims: fc.uniqueArray(fc.nat(8), { maxLength: 3 }),
      exclusive: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("free" as const), pod: fc.nat(20) }) },
);

const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };

it("no node attaches more volumes than it may, claims for one pod have one, and the index agrees with asking every node", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const inventory = new Inventory(1);
      for (let node = 0; node < NODES; node++) {
        const about = { name: `n${node}`, unschedulable: false, labels: {}, taints: [], images: [] };
        inventory.setNode(about, { cpu: 100, pods: 10, [volumeLimit(DRIVER)]: LIMIT + 1 });
      }
      const indexes = new IndexCache();
      const there: {
        readonly slot: number;
        readonly usage: Usage;
        readonly peer: Peer;
        readonly claims: readonly number[];
        readonly exclusive: boolean;
      }[] = [];
      for (const [number, now] of steps.entries()) {
        if (now.do === "free") {
          const [gone] = there.splice(now.pod, 1);
          if (gone !== undefined) inventory.leave(gone.slot, gone.usage, gone.peer);
          continue;
        }
        const names = now.claims.map((claim) => `d/${now.exclusive ? "only" : "any"}-${claim}`);
        const volumes = names.map((volume) => ({ driver: DRIVER, volume }));
        const needs: Needs = { requests: { cpu: 1 }, nonzero: { cpu_milli: 1, memory_bytes: 0 }, ports: [], volumes };
        const key = JSON.stringify(names);
        const handle = inventory.classOf({ staticKey: "", facts: () => facts, usageKey: key, needs: () => needs, priority: 0 });
        const peer = inventory.peerOf(key, () => ({
          ...ALONE,
          claims: names,
          exclusiveClaims: now.exclusive ? names : [],
        }));
        const pods = inventory.ready(handle, peer);
        const best = bestNodes(inventory.cluster, pods);
        const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE) };
        const [slot = UNPLACED] = placeBatch(inventory.cluster, batch, indexes, new Draw(number + 1)).slots;
        if (best.length === 0) expect(slot).toBe(UNPLACED);
        else expect(best).toContain(slot);
        if (slot === UNPLACED) continue;
        inventory.enter(slot, handle.usage, peer, true);
        if (now.exclusive)
          for (const other of there) expect(other.exclusive && other.claims.some((claim) => now.claims.includes(claim))).toBe(false);
        there.push({ slot, usage: handle.usage, peer, claims: now.claims, exclusive: now.exclusive });
        const attached = there
          .filter((pod) => pod.slot === slot)
          .flatMap(({ claims, exclusive }) => claims.map((claim) => `${exclusive} ${claim}`));
        expect(new Set(attached).size).toBeLessThanOrEqual(LIMIT);
      }
    }),
    { numRuns: 200 },
  );
});
