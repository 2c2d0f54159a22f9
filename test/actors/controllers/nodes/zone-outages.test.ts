import { describe, expect, test } from "vitest";
import { ZoneOutages } from "../../../../actors/controllers/nodes/zone-outages.ts";
import type { Node } from "../../../../actors/kinds/generated/types.ts";
import { named } from "../harness.ts";

const NEVER = Number.POSITIVE_INFINITY;

function node(zone: string, labels: object = {}): Node {
  return named<Node>("n", undefined, { metadata: { labels: { "topology.kubernetes.io/zone": zone, ...labels } } });
}

/** So many nodes of a zone, of which the first ones are down. */
function fill(outages: ZoneOutages, zone: string, nodes: number, down: number): void {
  for (let i = 0; i < nodes; i++) outages.note(`${zone}${i}`, node(zone), i >= down);
}

/** How long each of a zone's nodes has to wait, one after the other at the same time. */
function waits(outages: ZoneOutages, zone: string, count: number, at_ms: number): number[] {
  return Array.from({ length: count }, (_, i) => outages.take(`${zone}${i}`, at_ms));
}

describe("how fast nodes of a zone are given up", () => {
  test.each([
    ["some are down: one in ten seconds", 10, 5, [0, 10_000]],
    ["two of three are down, which is no outage yet", 3, 2, [0, 10_000]],
    ["most of a small zone are down: none", 10, 6, [NEVER, NEVER]],
    ["at exactly the share that counts as an outage", 20, 11, [NEVER, NEVER]],
    ["just below it", 20, 10, [0, 10_000]],
    ["most of a zone of fifty are down: none", 50, 40, [NEVER, NEVER]],
    ["most of a larger zone are down: one in a hundred seconds", 51, 40, [0, 100_000]],
    ["all of a zone are down, others are not: as always", 10, 10, [0, 10_000]],
  ])("%s", (_what, nodes, down, expected) => {
    const outages = new ZoneOutages();
    fill(outages, "other", 5, 0);
    fill(outages, "z", nodes, down);
    expect(waits(outages, "z", 2, 1_000_000)).toEqual(expected);
  });

  test("a turn that was not its own is waited for, and zones do not wait for one another", () => {
    const outages = new ZoneOutages();
    fill(outages, "a", 10, 3);
    fill(outages, "b", 10, 3);
    expect(waits(outages, "a", 1, 0)).toEqual([0]);
    expect(waits(outages, "b", 2, 0)).toEqual([0, 10_000]);
    expect(waits(outages, "a", 1, 9_000)).toEqual([1_000]);
    expect(waits(outages, "a", 2, 10_000)).toEqual([0, 10_000]);
  });
});

describe("when nothing is ready anywhere", () => {
  test("nobody is given up, until one is ready again", () => {
    const outages = new ZoneOutages();
    fill(outages, "a", 3, 3);
    fill(outages, "b", 60, 60);
    expect(outages.allDown).toBe(true);
    expect([...waits(outages, "a", 1, 0), ...waits(outages, "b", 1, 0)]).toEqual([NEVER, NEVER]);
    outages.note("a0", node("a"), true);
    expect(outages.allDown).toBe(false);
    expect(waits(outages, "b", 1, 0)).toEqual([0]);
  });

  test("a cluster without nodes is none that is down", () => {
    expect(new ZoneOutages().allDown).toBe(false);
  });

  test("nodes that are gone, that moved to another zone, or that are to be left out, do not count", () => {
    const outages = new ZoneOutages();
    outages.note("left-out", node("a", { "node.kubernetes.io/exclude-disruption": "" }), true);
    outages.note("moves", node("a"), true);
    outages.note("goes", node("b"), true);
    outages.note("down", node("b"), false);
    expect(outages.allDown).toBe(false);
    outages.forget("goes");
    expect(outages.allDown).toBe(false);
    outages.note("moves", node("b"), false);
    expect(outages.allDown).toBe(true);
  });
});
