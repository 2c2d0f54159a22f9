import { describe, expect, it } from "vitest";
import { ANYWHERE, Draw, IndexCache, Inventory, placeBatch, UNPLACED } from "../../scheduler-core/mod.ts";

const facts = { nodeName: "", tolerations: [], nodeSelector: {}, requiredTerms: undefined, preferredTerms: [], images: [] };
const needs = (cpu: number) => ({ requests: { cpu }, nonzero: { cpu_milli: cpu, memory_bytes: 0 }, ports: [] });

/** Nodes with so much cpu, of which so much is taken; pods in turn, each of this size and perhaps nominated to a node. Answers where they go. */
function placed(
  nodes: readonly (readonly [cpu: number, taken: number])[],
  pods: readonly (readonly [cpu: number, nominated?: number])[],
): number[] {
  const inventory = new Inventory(1);
  for (const [number, [cpu, taken]] of nodes.entries()) {
    const slot = inventory.setNode({ name: `n${number}`, unschedulable: false, labels: {}, taints: [], images: [] }, { cpu, pods: 10 });
    if (taken > 0)
      inventory.enter(
        slot,
        inventory.usageOf(`${taken}`, () => needs(taken)),
        undefined,
      );
  }
  const classes = pods.map(([cpu]) =>
    inventory.ready(inventory.classOf({ staticKey: "", facts: () => facts, usageKey: `${cpu}`, needs: () => needs(cpu), priority: 0 })),
  );
  const before = inventory.cluster.requested(0, 0);
  const batch = {
    classes,
    pods: Int32Array.from(pods.keys()),
    pins: new Int32Array(pods.length).fill(ANYWHERE),
    nominated: Int32Array.from(pods, ([, nominated = ANYWHERE]) => nominated),
  };
  const { slots } = placeBatch(inventory.cluster, batch, new IndexCache(), new Draw(1));
  const here = pods.reduce((sum, [cpu], i) => (slots[i] === 0 ? sum + cpu : sum), 0);
  expect(inventory.cluster.requested(0, 0)).toBe(before + here);
  return [...slots];
}

describe("nominated pods", () => {
  it("go where room was made for them, though another node is emptier", () => {
    expect(
      placed(
        [
          [4, 2],
          [4, 0],
        ],
        [[2]],
      ),
    ).toEqual([1]);
    expect(
      placed(
        [
          [4, 2],
          [4, 0],
        ],
        [[2, 0]],
      ),
    ).toEqual([0]);
  });

  it("go elsewhere when it is not there yet", () => {
    expect(
      placed(
        [
          [4, 3],
          [4, 0],
        ],
        [[2, 0]],
      ),
    ).toEqual([1]);
  });

  it("keep what there is of it from those after them while it is not enough", () => {
    expect(placed([[4, 3]], [[2, 0], [1]])).toEqual([UNPLACED, UNPLACED]);
    expect(placed([[4, 3]], [[2], [1]])).toEqual([UNPLACED, 0]);
  });
});
