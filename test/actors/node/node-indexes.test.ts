import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOLLOW_ADDRESSES, HOLLOW_NODES_MAX } from "../../../actors/node/cidr.ts";
import { NodeIndexes } from "../../../actors/node/node-indexes.ts";

describe("the indexes of nodes", () => {
  test("follow the range, else the number, else come from the far end", () => {
    const indexes = new NodeIndexes(HOLLOW_ADDRESSES);
    expect(indexes.take("edge", HOLLOW_ADDRESSES.podCidrOf(5))).toBe(5);
    expect(indexes.take("node-3", undefined)).toBe(3);
    expect(indexes.take("node-5", undefined)).toBe(HOLLOW_NODES_MAX - 1);
    expect(indexes.take("node-03", undefined)).toBe(HOLLOW_NODES_MAX - 2);
    expect(indexes.take("node-99999", "192.168.0.0/24")).toBe(HOLLOW_NODES_MAX - 3);
    expect(indexes.take("edge", undefined)).toBe(5);
    indexes.release("node-5");
    expect(indexes.take("late", undefined)).toBe(HOLLOW_NODES_MAX - 1);
  });

  test("are never shared, whoever comes and goes", () => {
    const name = fc.oneof(
      fc.nat({ max: 9 }).map((n) => `node-${n}`),
      fc.constantFrom("a", "b", "c"),
    );
    const range = fc.option(fc.nat({ max: 9 }).map(HOLLOW_ADDRESSES.podCidrOf), { nil: undefined });
    const step = fc.record({ name, range, leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const indexes = new NodeIndexes(HOLLOW_ADDRESSES);
        const held = new Map<string, number>();
        for (const { name: node, range: cidr, leaves } of steps) {
          if (leaves) {
            indexes.release(node);
            held.delete(node);
            continue;
          }
          const index = indexes.take(node, cidr);
          if (index === undefined) return expect.fail("none left");
          expect(held.get(node) ?? index).toBe(index);
          held.set(node, index);
          expect(new Set(held.values()).size).toBe(held.size);
        }
      }),
    );
  });

  test("run out", () => {
    const indexes = new NodeIndexes(HOLLOW_ADDRESSES);
    for (let number = 0; number < HOLLOW_NODES_MAX; number++) indexes.take(`n${number}`, undefined);
    expect(indexes.take("one-more", undefined)).toBeUndefined();
    indexes.release("n7");
    expect(indexes.take("one-more", undefined)).toBe(HOLLOW_NODES_MAX - 8);
  });
});
