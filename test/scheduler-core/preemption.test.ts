import { describe, expect, it } from "vitest";
import { ANYWHERE, Draw, Inventory, type Occupant, preempt, wordsOf } from "../../scheduler-core/mod.ts";

/** A pod on a node: what it takes, how important it is, when it began, which budgets protect it. */
interface Old {
  readonly name: string;
  readonly cpu: number;
  readonly priority?: number;
  readonly started_ms?: number;
  readonly budgets?: readonly number[];
}

const old = (name: string, cpu: number, more: Omit<Old, "name" | "cpu"> = {}): Old => ({ name, cpu, ...more });

/** Nodes of 4 cpus each; a pod of priority 100 comes. */
function chosen(nodes: readonly (readonly Old[])[], cpu: number, allowed: readonly number[] = []) {
  const inventory = new Inventory(1);
  const needs = (cpu: number) => ({ requests: { cpu }, nonzero: { cpu_milli: cpu, memory_bytes: 0 }, ports: [] });
  const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
  const there: Occupant<string>[][] = nodes.map((pods, number) => {
    const slot = inventory.setNode({ name: `n${number}`, unschedulable: false, labels: {}, taints: [], images: [] }, { cpu: 4, pods: 10 });
    return pods.map(({ name, cpu, priority = 0, started_ms, budgets = [] }) => {
      const usage = inventory.usageOf(`${cpu}`, () => needs(cpu));
      inventory.cluster.add(slot, usage);
      inventory.cluster.lowestPriority[slot] = Math.min(inventory.cluster.lowestPriority[slot] ?? 0, priority);
      return { owner: name, usage, priority, started_ms, marks: new Int32Array(0), budgets };
    });
  });
  const handle = inventory.classOf({ staticKey: "", facts: () => facts, usageKey: `${cpu}`, needs: () => needs(cpu), priority: 100 });
  const pods = inventory.ready(handle);
  const before = inventory.cluster.rows.slice();
  const occupants = (slot: number): Occupant<string>[] => there[slot] ?? [];
  const found = preempt(inventory.cluster, { pods, pin: ANYWHERE, occupants, allowed, random: new Draw(1) });
  expect(inventory.cluster.rows).toEqual(before);
  const words = Object.fromEntries([...found.rejections].map(([reason, count]) => [wordsOf(reason, inventory.columns.names), count]));
  return { slot: found.slot, victims: [...found.victims].sort(), unhelpful: found.unhelpful, victimless: found.victimless, words };
}

describe("preemption", () => {
  it.each<[string, readonly (readonly Old[])[], number, readonly string[]]>([
    ["takes no more than it needs", [[old("a", 2), old("b", 2)]], 2, ["a"]],
    ["spares the more important", [[old("a", 2), old("b", 2, { priority: 5 })]], 2, ["a"]],
    ["spares who runs longer", [[old("a", 2, { started_ms: 5 }), old("b", 2, { started_ms: 9 })]], 2, ["b"]],
    ["brings back the small that still fit", [[old("a", 3, { priority: 5 }), old("b", 1)]], 3, ["a"]],
    ["prefers the node whose most important victim is least", [[old("a", 4, { priority: 9 })], [old("b", 4, { priority: 3 })]], 4, ["b"]],
    [
      "then the lowest sum",
      [
        [old("a", 2, { priority: 9 }), old("b", 2, { priority: 8 })],
        [old("c", 2, { priority: 9 }), old("d", 2)],
      ],
      4,
      ["c", "d"],
    ],
    ["then the youngest", [[old("a", 4, { started_ms: 1 })], [old("b", 4, { started_ms: 2 })]], 4, ["b"]],
    ["touches nobody of its own priority", [[old("a", 4, { priority: 100 })], [old("b", 4, { priority: 99 })]], 4, ["b"]],
  ])("%s", (_, nodes, cpu, victims) => {
    expect(chosen(nodes, cpu).victims).toEqual(victims);
  });

  it("spares whom a budget protects, and the node where one must be broken", () => {
    const guarded = { budgets: [0] };
    expect(chosen([[old("a", 2, guarded), old("b", 2, { priority: 5 })]], 2, [0]).victims).toEqual(["b"]);
    expect(chosen([[old("a", 2, guarded), old("b", 2, { priority: 5 })]], 2, [1]).victims).toEqual(["a"]);
    expect(chosen([[old("a", 4, guarded)], [old("b", 4, { priority: 50 })]], 4, [0]).victims).toEqual(["b"]);
  });

  it("says why it helps nowhere", () => {
    const nodes = [[old("a", 4, { priority: 100 })], [old("b", 1, { priority: 100 }), old("c", 3)]];
    expect(chosen(nodes, 4)).toEqual({ slot: undefined, victims: [], unhelpful: 0, victimless: 1, words: { "Insufficient cpu": 1 } });
    expect(chosen(nodes, 5)).toEqual({ slot: undefined, victims: [], unhelpful: 2, victimless: 0, words: {} });
  });
});
