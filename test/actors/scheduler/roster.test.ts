import { describe, expect, it } from "vitest";
import { Roster } from "../../../actors/scheduler/roster.ts";
import { Inventory, NO_PRIORITY } from "../../../scheduler-core/mod.ts";

const CPU = 0;

function setUp() {
  const inventory = new Inventory(1);
  const roster = new Roster(inventory);
  const open = (name: string): number =>
    inventory.setNode({ name, unschedulable: false, labels: {}, taints: [], images: [] }, { cpu: 4_000, memory: 100, pods: 10 });
  const tenant = (cpu_milli: number, priority: number) => {
    const needs = { requests: { cpu: cpu_milli }, nonzero: { cpu_milli, memory_bytes: 0 }, ports: [] };
    return { usage: inventory.usageOf(`${cpu_milli}`, () => needs), priority };
  };
  const stateOf = (slot: number) => [inventory.cluster.requested(slot, CPU), inventory.cluster.lowestPriority[slot]];
  return { inventory, roster, open, tenant, stateOf };
}

describe("Roster", () => {
  it("counts who comes and who leaves, and the lowest priority", () => {
    const { roster, open, tenant, stateOf } = setUp();
    const slot = open("n1");
    const [low, high] = [tenant(100, 1), tenant(200, 9)];
    roster.enter(high, "n1");
    roster.enter(low, "n1");
    expect(stateOf(slot)).toEqual([300, 1]);
    expect(roster.leave(low, "n1")).toBe(slot);
    expect(stateOf(slot)).toEqual([200, 9]);
    expect([roster.leave(low, "n1"), roster.leave(high, "n1"), roster.leave(high, "n1")]).toEqual([undefined, slot, undefined]);
    expect(stateOf(slot)).toEqual([0, NO_PRIORITY]);
  });

  it("does not count twice what a worker has counted", () => {
    const { inventory, roster, open, tenant, stateOf } = setUp();
    const slot = open("n1");
    const assumed = tenant(100, 1);
    inventory.cluster.add(slot, assumed.usage);
    roster.enter(assumed, "n1", true);
    expect(stateOf(slot)).toEqual([100, 1]);
  });

  it("remembers pods of a node that is not there yet, or was there before", () => {
    const { inventory, roster, open, tenant, stateOf } = setUp();
    roster.enter(tenant(100, 5), "n1");
    const slot = open("n1");
    roster.opened("n1", slot);
    expect(stateOf(slot)).toEqual([100, 5]);
    inventory.removeNode("n1");
    open("n2");
    const again = open("n1");
    roster.opened("n1", again);
    expect([again === slot, ...stateOf(slot), ...stateOf(again)]).toEqual([false, 0, NO_PRIORITY, 100, 5]);
  });
});
