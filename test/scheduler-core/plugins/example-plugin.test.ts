import { afterAll, describe, expect, it, vi } from "vitest";
import { coolRacks } from "../../../examples/scheduler-plugin/cool-racks.ts";
import type { Inventory } from "../../../scheduler-core/mod.ts";

/** The line in the list that the book asks for. */
vi.mock("../../../scheduler-core/plugins/plugins.ts", async (original) => {
  const { PLUGINS } = await original<typeof import("../../../scheduler-core/plugins/plugins.ts")>();
  const example = await import("../../../examples/scheduler-plugin/cool-racks.ts");
  return { PLUGINS: [...PLUGINS, example.coolRacks] };
});

// Others have read the core without the line, in the same worker, and go on without it.
vi.resetModules();
const core = await import("../../../scheduler-core/mod.ts");
const { ANYWHERE, Draw, explain, IndexCache, placeBatch } = core;
afterAll(() => vi.resetModules());

const FACTS = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };

function racks(celsius: readonly (string | undefined)[]): {
  inventory: Inventory;
  place: () => string;
  totals: () => Record<string, number>;
} {
  const inventory = new core.Inventory(1);
  celsius.forEach((degrees, number) => {
    const labels: Record<string, string> = degrees === undefined ? {} : { "example.com/rack-celsius": degrees };
    inventory.setNode({ name: `n${number}`, unschedulable: false, labels, taints: [], images: [] }, { cpu: 4000, memory: 8000, pods: 2 });
  });
  const needs = { requests: { cpu: 10 }, nonzero: { cpu_milli: 10, memory_bytes: 10 }, ports: [] };
  const handle = inventory.classOf({ staticKey: "", facts: () => FACTS, usageKey: "", needs: () => needs, priority: 0 });
  return {
    inventory,
    place: () => {
      const batch = { classes: [inventory.ready(handle)], pods: Int32Array.of(0), pins: Int32Array.of(ANYWHERE) };
      return inventory.nameOf(placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(1)).slots[0] ?? -1);
    },
    totals: () => {
      const pods = inventory.ready(handle);
      const answers = explain(inventory.cluster, pods);
      return Object.fromEntries(
        answers.map((answer) => [inventory.nameOf(answer.slot), answer.feasible ? (answer.scores.CoolRacks ?? -1) : -1]),
      );
    },
  };
}

describe("the example of a plugin", () => {
  it("is one of the plugins: its score counts with its weight, normalised over the nodes", () => {
    expect(racks(["40", "20", undefined]).totals()).toEqual({ n0: 0, n1: coolRacks.weight * 50, n2: coolRacks.weight * 13 });
  });

  it("decides where pods go, by the index as by asking every node", () => {
    const { place } = racks(["30", "18", "25", undefined]);
    expect([place(), place(), place()]).toEqual(["n1", "n1", "n2"]);
  });
});
