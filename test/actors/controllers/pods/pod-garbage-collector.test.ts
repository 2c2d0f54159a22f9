import { describe, expect, test } from "vitest";
import { podGarbageCollector } from "../../../../actors/controllers/pods/pod-garbage-collector.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { START_MS, Transcript } from "../transcript.ts";

const FORCED = '{"gracePeriodSeconds":0}';
const GOING = { deletionTimestamp: "2026-01-01T11:59:00Z", deletionGracePeriodSeconds: 30, finalizers: ["x"] };

function pod(name: string, nodeName: string | undefined, phase: string, metadata: object = {}, status: object = {}): object {
  return {
    metadata: { name, ...metadata },
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
    status: { ...status, phase },
  };
}

function node(name: string, ready: "True" | "False" | "Unknown", taints: readonly object[] = []): object {
  return { metadata: { name }, spec: { taints }, status: { conditions: [{ type: "Ready", status: ready }] } };
}

const OUT_OF_SERVICE = { key: "node.kubernetes.io/out-of-service", effect: "NoExecute", value: "nodeshutdown" };

describe("pods of nodes that do not exist", () => {
  const lost = () =>
    new Transcript(podGarbageCollector(0))
      .put(NodeKind, node("here", "True"))
      .put(PodKind, pod("kept", "here", "Running"))
      .put(PodKind, pod("ran", "gone", "Running"))
      .put(PodKind, pod("ended", "gone", "Succeeded"));

  test("are given the time in which the node may come back, then failed and deleted", () => {
    const transcript = lost();
    expect(transcript.decide()).toEqual(["requeue 40000"]);
    expect(transcript.after(39_999).look("nodes/gone")).toEqual(["requeue 1"]);
    expect(transcript.after(1).look("nodes/gone")).toEqual([
      '1: status Pod/ran {"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True","reason":"DeletionByPodGC","message":"PodGC: node no longer exists","lastTransitionTime":"<now>"}]}',
      `2: delete Pod/ran ${FORCED}`,
      `delete Pod/ended ${FORCED}`,
    ]);
  });

  test("stay when the node comes back, and their time begins anew when it goes again", () => {
    const transcript = lost();
    transcript.decide();
    transcript.after(30_000).put(NodeKind, node("gone", "True"));
    expect(transcript.after(20_000).decide()).toEqual([]);
    transcript.remove(NodeKind, "gone");
    expect(transcript.decide()).toEqual(["requeue 40000"]);
  });
});

describe("pods that are going", () => {
  test.each([
    ["of a node that is well", node("n", "True"), []],
    ["of a node that is down", node("n", "Unknown"), []],
    ["of a node that is out of service, but well", node("n", "True", [OUT_OF_SERVICE]), []],
    [
      "of a node that is down and out of service",
      node("n", "Unknown", [OUT_OF_SERVICE]),
      ['1: status Pod/p {"phase":"Failed"}', `2: delete Pod/p ${FORCED}`],
    ],
  ])("%s", (_what, on, expected) => {
    const transcript = new Transcript(podGarbageCollector(0)).put(PodKind, pod("p", "n", "Running", GOING)).put(NodeKind, on);
    transcript.decide();
    expect(transcript.after(20_000).look("pods/d/p")).toEqual(expected);
  });

  test("are left alone when they are not going, though the node is out of service", () => {
    const transcript = new Transcript(podGarbageCollector(0))
      .put(NodeKind, node("n", "False", [OUT_OF_SERVICE]))
      .put(PodKind, pod("p", "n", "Running"));
    expect(transcript.decide()).toEqual([]);
  });

  test("and never had a node are failed and deleted, once", () => {
    const transcript = new Transcript(podGarbageCollector(0)).put(PodKind, pod("p", undefined, "Pending", GOING));
    // Whoever holds it may be about to let it go.
    expect(transcript.decide()).toEqual(["requeue 20000"]);
    expect(transcript.after(20_000).look("pods/d/p")).toEqual(['1: status Pod/p {"phase":"Failed"}', `2: delete Pod/p ${FORCED}`]);
    transcript.put(PodKind, pod("p", undefined, "Failed", { ...GOING, deletionGracePeriodSeconds: 0 }));
    expect(transcript.decide()).toEqual([]);
  });
});

describe("pods that have ended", () => {
  const at = (minutes: number) => ({ creationTimestamp: new Date(START_MS + minutes * 60_000).toISOString() });
  const transcript = (threshold: number) =>
    new Transcript(podGarbageCollector(threshold))
      .put(NodeKind, node("n", "True"))
      .put(PodKind, pod("runs", "n", "Running", at(0)))
      .put(PodKind, pod("oldest", "n", "Succeeded", at(1)))
      .put(PodKind, pod("younger", "n", "Failed", at(2)))
      .put(PodKind, pod("evicted", "n", "Failed", at(3), { reason: "Evicted" }));

  test.each([
    [0, []],
    [3, []],
    [2, ["evicted"]],
    [1, ["evicted", "oldest"]],
  ])("of more than %i the evicted ones go first, then the oldest", (threshold, names) => {
    expect(transcript(threshold).decide()).toEqual(names.map((name) => `delete Pod/${name} ${FORCED}`));
  });
});
