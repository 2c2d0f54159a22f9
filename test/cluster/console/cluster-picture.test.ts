import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { ClusterPicture } from "../../../cluster/console/feed/cluster-picture.ts";
import { CORDONED, type FeedLine, MEMORY_PRESSURE, NOT_READY } from "../../../cluster/console/web/map/feed-lines.ts";
import { MapModel } from "../../../cluster/console/web/map/model.ts";

const GI = 1024 ** 3;

function node(name: string, more: { unschedulable?: boolean; ready?: string; pressure?: boolean } = {}): Node {
  const conditions = [
    { type: "Ready", status: more.ready ?? "True" },
    { type: "MemoryPressure", status: more.pressure === true ? "True" : "False" },
  ];
  return {
    metadata: { name, labels: { "topology.kubernetes.io/zone": "a" } },
    spec: { unschedulable: more.unschedulable },
    status: { allocatable: { cpu: "8", memory: "16Gi", pods: "110" }, conditions },
  } as unknown as Node;
}

function pod(nodeName: string | undefined, phase: string, cpu = "500m", ready = true): Pod {
  return {
    metadata: { name: "p" },
    spec: { nodeName, containers: [{ name: "c", resources: { requests: { cpu, memory: "1Gi" } } }] },
    status: { phase, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  } as unknown as Pod;
}

const rowsOf = (lines: Iterable<FeedLine>, key: "nodes" | "use"): unknown[] =>
  [...lines].flatMap((line) => (key in line ? (line as unknown as Record<string, unknown[]>)[key] : [])) as unknown[];

describe("the picture of the cluster", () => {
  test("tells of nodes what they have and what is the matter", () => {
    const picture = new ClusterPicture();
    picture.takeNode("a", node("a"));
    picture.takeNode("b", node("b", { unschedulable: true, ready: "Unknown", pressure: true }));
    expect(rowsOf(picture.changes(), "nodes")).toEqual([
      [0, "a", "a", 0, 8_000, 16 * GI, 110],
      [1, "b", "a", NOT_READY | CORDONED | MEMORY_PRESSURE, 8_000, 16 * GI, 110],
    ]);
    // A heartbeat is no news.
    picture.takeNode("a", node("a"));
    expect(picture.changes()).toEqual([]);
  });

  test("sums up what is on a node; what is at its end takes nothing", () => {
    const picture = new ClusterPicture();
    picture.takeNode("a", node("a"));
    picture.takePod("1", pod("a", "Running"));
    picture.takePod("2", pod("a", "Running", "1", false));
    picture.takePod("3", pod("a", "Pending", "250m"));
    picture.takePod("4", pod("a", "Failed", "4"));
    picture.takePod("5", pod("a", "Succeeded", "4"));
    picture.takePod("6", pod(undefined, "Pending"));
    expect(rowsOf(picture.changes(), "use")).toEqual([[0, 1_750, 3 * GI, 1, 1, 1, 1]]);
    expect(picture.totals).toEqual({ running: 1, unready: 1, pending: 1, unscheduled: 1, failed: 1, succeeded: 1 });
  });

  test("pods may come before their node, and outlive it", () => {
    const picture = new ClusterPicture();
    picture.takePod("1", pod("late", "Running"));
    expect(rowsOf(picture.changes(), "use")).toEqual([]);
    picture.takeNode("late", node("late"));
    expect(rowsOf(picture.changes(), "use")).toEqual([[0, 500, GI, 1, 0, 0, 0]]);
    picture.takeNode("late", undefined);
    expect(picture.changes()).toEqual([{ gone: [0] }]);
    picture.takeNode("late", node("late"));
    expect(rowsOf(picture.changes(), "use")).toEqual([[0, 500, GI, 1, 0, 0, 0]]);
  });

  test("whoever follows it sees what whoever comes late sees, whatever happens", () => {
    const names = fc.constantFrom("a", "b", "c");
    const steps = fc.oneof(
      fc.record({ take: fc.constant("node" as const), name: names, there: fc.boolean() }),
      fc.record({
        take: fc.constant("pod" as const),
        key: fc.constantFrom("1", "2", "3", "4"),
        on: fc.option(names, { nil: undefined }),
        phase: fc.constantFrom("Pending", "Running", "Failed", "Succeeded"),
        there: fc.boolean(),
      }),
      fc.record({ take: fc.constant("tell" as const) }),
    );
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (happened) => {
        const picture = new ClusterPicture();
        const follower = new MapModel();
        for (const step of happened) {
          if (step.take === "node") picture.takeNode(step.name, step.there ? node(step.name) : undefined);
          else if (step.take === "pod") picture.takePod(step.key, step.there ? pod(step.on, step.phase) : undefined);
          else for (const line of picture.changes()) follower.take(line);
        }
        for (const line of picture.changes()) follower.take(line);
        const late = new MapModel();
        for (const line of picture.whole()) late.take(line);
        const seen = ({ nodes }: MapModel): unknown => [...nodes.values()].sort((one, other) => one.number - other.number);
        expect(seen(follower)).toEqual(seen(late));
      }),
    );
  });
});
