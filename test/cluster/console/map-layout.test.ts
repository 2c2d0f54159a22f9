import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Direction, layOut, neighbour, nodeAt, ZONE_HEAD } from "../../../cluster/console/web/map/layout.ts";

interface Node {
  readonly name: string;
  readonly zone: string;
  x: number;
  y: number;
}

const nodes = (counts: readonly number[]): Node[] =>
  counts.flatMap((count, zone) => Array.from({ length: count }, (_, at) => ({ name: `node-${at}`, zone: `zone-${zone}`, x: -1, y: -1 })));

const areas = fc.record({ width: fc.integer({ min: 300, max: 2_000 }), height: fc.integer({ min: 250, max: 1_200 }) });

describe("the layout of the map", () => {
  test("has a place of its own for every node, inside the area, and finds it there", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }), areas, (counts, { width, height }) => {
        const all = nodes(counts);
        const layout = layOut(all, width, height);
        fc.pre(layout.cell >= 3);
        expect(new Set(all.map(({ x, y }) => `${x.toFixed(3)},${y.toFixed(3)}`)).size).toBe(all.length);
        for (const node of all) {
          expect(node.x).toBeGreaterThanOrEqual(0);
          expect(node.x + layout.cell).toBeLessThanOrEqual(width + 0.01);
          expect(node.y).toBeGreaterThanOrEqual(ZONE_HEAD);
          expect(node.y + layout.cell).toBeLessThanOrEqual(height + 0.01);
          expect(nodeAt(layout, node.x + layout.cell / 2, node.y + layout.cell / 2)).toBe(node);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("sorts names as people do, zone by zone", () => {
    const layout = layOut(nodes([12, 3]), 800, 600);
    expect(layout.zones.map(({ name }) => name)).toEqual(["zone-0", "zone-1"]);
    expect(layout.zones[0]?.nodes.map(({ name }) => name).slice(0, 4)).toEqual(["node-0", "node-1", "node-2", "node-3"]);
  });

  test("leads from node to node until the edge, and back", () => {
    const layout = layOut(nodes([50, 50]), 1_200, 260);
    const all = layout.zones.flatMap((zone) => zone.nodes);
    const xs = all.map(({ x }) => x);
    const first = all[0] as Node;
    const walk = (from: Node, direction: Direction): Node => {
      let at = from;
      for (let next = neighbour(layout, at, direction); next !== undefined; next = neighbour(layout, at, direction)) at = next;
      return at;
    };
    const last = walk(first, "right");
    expect(last.x).toBe(Math.max(...xs));
    expect(walk(last, "left").x).toBe(Math.min(...xs));
    expect(neighbour(layout, first, "up")).toBeUndefined();
  });
});
