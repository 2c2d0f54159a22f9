import { describe, expect, test } from "vitest";
import { taintEvictionController } from "../../../../actors/controllers/nodes/taint-eviction.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { Transcript } from "../transcript.ts";

const taint = (key: string, value?: string) => ({ key, effect: "NoExecute", ...(value === undefined ? {} : { value }) });
const node = (...taints: readonly object[]): object => ({ metadata: { name: "n" }, spec: { taints }, status: {} });
const pod = (tolerations: readonly object[], metadata: object = {}): object => ({
  metadata: { name: "p", ...metadata },
  spec: { nodeName: "n", containers: [], tolerations },
  status: { phase: "Running" },
});
const condition = {
  type: "DisruptionTarget",
  status: "True",
  reason: "DeletionByTaintManager",
  message: "Taint manager: deleting due to NoExecute taint",
  lastTransitionTime: "<now>",
};
const EVICTED = [
  "event Normal TaintManagerEviction Pod/p: Marking for deletion Pod d/p",
  `1: status Pod/p ${JSON.stringify({ conditions: [condition] })}`,
  "2: delete Pod/p",
];
const CANCELLED = "event Normal TaintManagerEviction Pod/p: Cancelling deletion of Pod d/p";
const forAWhile = (tolerationSeconds: number, key = "k") => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds });
const forever = (key = "k") => ({ key, operator: "Exists", effect: "NoExecute" });

describe("a pod on a node that evicts", () => {
  test.each([
    ["tolerates nothing", [taint("k")], [], EVICTED],
    ["tolerates it for ever", [taint("k")], [forever()], []],
    ["tolerates it for a while", [taint("k")], [forAWhile(60)], ["requeue 60000"]],
    ["tolerates it for no time", [taint("k")], [forAWhile(0)], EVICTED],
    ["tolerates it for less than no time", [taint("k")], [forAWhile(-5)], EVICTED],
    ["tolerates one of two", [taint("k"), taint("l")], [forever()], EVICTED],
    [
      "tolerates two, each for a while: the shorter counts",
      [taint("k"), taint("l")],
      [forAWhile(60), forAWhile(20, "l")],
      ["requeue 20000"],
    ],
    ["tolerates two, one for a while", [taint("k"), taint("l")], [forAWhile(60), forever("l")], ["requeue 60000"]],
    ["tolerates by value", [taint("k", "v")], [{ key: "k", operator: "Equal", value: "v", effect: "NoExecute" }], []],
    ["tolerates another value", [taint("k", "v")], [{ key: "k", operator: "Equal", value: "w", effect: "NoExecute" }], EVICTED],
    ["tolerates everything", [taint("k")], [{ operator: "Exists" }], []],
    ["tolerates another effect", [taint("k")], [{ key: "k", operator: "Exists", effect: "NoSchedule" }], EVICTED],
    ["is not meant by taints of other effects", [{ key: "k", effect: "NoSchedule" }], [], []],
  ])("%s", (_what, taints, tolerations, expected) => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(...taints)).put(PodKind, pod(tolerations));
    expect(transcript.decide()).toEqual(expected);
  });

  test("that was there before the taint came is evicted when its time is over", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node()).put(PodKind, pod([forAWhile(60)]));
    expect(transcript.decide()).toEqual([]);
    expect(transcript.put(NodeKind, node(taint("k"))).decide()).toEqual(["requeue 60000"]);
    // Another change of the node does not make its time longer.
    expect(
      transcript
        .after(40_000)
        .put(NodeKind, node(taint("k"), { key: "l", effect: "NoSchedule" }))
        .decide(),
    ).toEqual(["requeue 20000"]);
    expect(transcript.after(20_000).look("pods/d/p")).toEqual(EVICTED);
  });

  test("is let off when the taint goes in time, and its time begins anew with the next", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k"))).put(PodKind, pod([forAWhile(60)]));
    transcript.decide();
    expect(transcript.after(50_000).put(NodeKind, node()).decide()).toEqual([CANCELLED]);
    expect(
      transcript
        .after(50_000)
        .put(NodeKind, node(taint("k")))
        .decide(),
    ).toEqual(["requeue 60000"]);
  });

  test("another pod of its name has its own time", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k"))).put(PodKind, pod([forAWhile(60)]));
    transcript.decide();
    transcript
      .after(50_000)
      .remove(PodKind, "p")
      .put(PodKind, pod([forAWhile(60)], { uid: "another" }));
    expect(transcript.decide()).toEqual(["requeue 60000"]);
  });

  test("is let off when it goes by itself in time, and not told so once it has to go", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k"))).put(PodKind, pod([forAWhile(60)]));
    transcript.decide();
    expect(transcript.remove(PodKind, "p").decide()).toEqual([CANCELLED]);
    transcript.put(PodKind, pod([]));
    expect(transcript.decide()).toEqual(EVICTED);
    expect(transcript.remove(PodKind, "p").decide()).toEqual([]);
  });

  test("keeps its time when a taint comes that it tolerates for a shorter one, and has none with one that it does not tolerate", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k")));
    transcript.put(PodKind, pod([forAWhile(60), forAWhile(5, "l")])).decide();
    expect(
      transcript
        .after(10_000)
        .put(NodeKind, node(taint("k"), taint("l")))
        .decide(),
    ).toEqual(["requeue 50000"]);
    expect(transcript.put(NodeKind, node(taint("k"), taint("m"))).decide()).toEqual([CANCELLED, ...EVICTED]);
  });

  test("goes when it is due although its node is gone by then", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k"))).put(PodKind, pod([forAWhile(60)]));
    transcript.decide();
    expect(transcript.remove(NodeKind, "n").decide()).toEqual([]);
    expect(transcript.after(20_000).look("pods/d/p")).toEqual(["requeue 40000"]);
    expect(transcript.after(40_000).look("pods/d/p")).toEqual(EVICTED);
  });

  test("and is going already is told once", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k")));
    expect(transcript.put(PodKind, pod([], { deletionTimestamp: "2026-01-01T12:00:00Z" })).decide()).toEqual(EVICTED);
    expect(transcript.put(PodKind, pod([], { deletionTimestamp: "2026-01-01T12:00:01Z" })).decide()).toEqual([]);
  });

  test("is tried again when it could not be deleted", () => {
    const transcript = new Transcript(taintEvictionController()).put(NodeKind, node(taint("k"))).put(PodKind, pod([]));
    transcript.decide();
    transcript.afterRefusal("pods/d/p", []);
    expect(transcript.look("pods/d/p")).toEqual(EVICTED);
  });
});
