import { describe, expect, test } from "vitest";
import { nodeLifecycleController } from "../../../../actors/controllers/nodes/node-lifecycle.ts";
import { LeaseKind } from "../../../../actors/kinds/coordination/lease.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { START_MS, Transcript } from "../transcript.ts";

const PERIOD_MS = 5_000;
const UNREACHABLE = "node.kubernetes.io/unreachable";
const NOT_READY = "node.kubernetes.io/not-ready";

/** Beats that are new whenever they are written. */
let beats = 0;

function node(name: string, ready: string | undefined, spec: object = {}, zone = "z"): object {
  const condition = { type: "Ready", status: ready, lastHeartbeatTime: `beat ${beats++}`, lastTransitionTime: "2026-01-01T11:00:00Z" };
  return {
    metadata: { name, labels: { "topology.kubernetes.io/zone": zone, "troupe.dev/runtime": "none" } },
    spec,
    status: { conditions: ready === undefined ? [] : [condition] },
  };
}

const taints = (name: string, ...list: readonly (readonly [key: string, effect: string])[]): string =>
  `modify Node/${name} ${JSON.stringify({ spec: { taints: list.map(([key, effect]) => ({ key, effect, timeAdded: "<now>" })) } })}`;
const untainted = (name: string): string => `modify Node/${name} {"spec":{"taints":null}}`;
const notReady = (name: string): string => `event Normal NodeNotReady Node/${name}: Node ${name} status is now: NodeNotReady`;
const had = (...list: readonly (readonly [key: string, effect: string])[]): object => ({
  taints: list.map(([key, effect]) => ({ key, effect })),
});

/** With another node that is well, so that not all are down. */
function started(): Transcript {
  const transcript = new Transcript(nodeLifecycleController()).put(NodeKind, node("well", "True", {}, "other"));
  transcript.decide();
  return transcript;
}

describe("taints by the Ready condition", () => {
  test.each([
    ["True", {}, []],
    ["False", {}, [taints("n", [NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"])]],
    ["Unknown", {}, [taints("n", [UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"])]],
    ["True", had([UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"]), [untainted("n")]],
    ["True", had([NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"]), [untainted("n")]],
    // One is changed for the other at once, whatever the zone's rate.
    [
      "Unknown",
      had([NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"]),
      [taints("n", [UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"])],
    ],
    [
      "False",
      had([UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"]),
      [taints("n", [NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"])],
    ],
    // What a node comes with stays until it has said that it is ready.
    [undefined, had([NOT_READY, "NoSchedule"]), []],
  ])("%s with %j", (ready, spec, expected) => {
    expect(
      started()
        .put(NodeKind, node("n", ready, spec))
        .decide(),
    ).toEqual(expected);
  });

  test("as fast as the zone allows: new pods are kept away from all at once, and they are evicted from one in ten seconds", () => {
    const transcript = started();
    for (const name of ["a", "b", "c", "d", "e", "f"]) transcript.put(NodeKind, node(name, "True"));
    transcript.decide();
    for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name, "False"));
    expect(transcript.decide()).toEqual([
      taints("a", [NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"]),
      taints("b", [NOT_READY, "NoSchedule"]),
      "requeue 10000",
      taints("c", [NOT_READY, "NoSchedule"]),
      "requeue 10000",
    ]);
  });

  test("who begins where most of a zone is down evicts from none of its nodes, the first that it looks at included", () => {
    const transcript = new Transcript(nodeLifecycleController());
    for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name, "Unknown", had([UNREACHABLE, "NoSchedule"])));
    transcript.put(NodeKind, node("d", "True")).put(NodeKind, node("well", "True", {}, "other"));
    expect(transcript.decide()).toEqual([]);
  });

  test("nothing is evicted when no node is ready, and what was being evicted is let off", () => {
    const transcript = new Transcript(nodeLifecycleController());
    transcript.put(NodeKind, node("a", "True")).put(NodeKind, node("b", "True"));
    transcript.decide();
    transcript.put(NodeKind, node("a", "False"));
    expect(transcript.decide()).toEqual([taints("a", [NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"])]);
    transcript.put(NodeKind, node("a", "False", had([NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"])));
    transcript.put(NodeKind, node("b", "False"));
    expect(transcript.decide()).toEqual([taints("b", [NOT_READY, "NoSchedule"])]);
    expect(transcript.look("nodes/a")).toEqual([`modify Node/a {"spec":{"taints":[{"key":"${NOT_READY}","effect":"NoSchedule"}]}}`]);
  });
});

describe("heartbeats", () => {
  /** Looks once a period for so long, and gives what was decided in the last look. */
  function pass(transcript: Transcript, passed_ms: number): readonly string[] {
    let last: readonly string[] = [];
    for (let spent_ms = 0; spent_ms < passed_ms; spent_ms += PERIOD_MS) {
      transcript.put(NodeKind, node("well", "True", {}, "other"));
      last = transcript.after(PERIOD_MS).decide();
    }
    return last;
  }

  test("a node that is silent for longer than its grace is lost, with all that it said of itself, and its pods are not ready", () => {
    const transcript = started();
    const { metadata, spec, status } = node("n", "True") as { metadata: object; spec: object; status: { conditions: object[] } };
    const others = [
      { type: "MemoryPressure", status: "False" },
      { type: "NetworkUnavailable", status: "False" },
    ];
    transcript.put(NodeKind, { metadata, spec, status: { conditions: [...status.conditions, ...others] } });
    const ready = [{ type: "Ready", status: "True" }];
    transcript.put(PodKind, {
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", conditions: ready },
    });
    expect(transcript.decide()).toEqual([]);
    expect(pass(transcript, 50_000)).toEqual([]);
    const [lost, ...rest] = pass(transcript, PERIOD_MS);
    const { conditions } = JSON.parse((lost ?? "").slice("status Node/n ".length));
    expect(conditions.map(({ type, status: is, reason }: Record<string, string>) => [type, is, reason])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["MemoryPressure", "Unknown", "NodeStatusUnknown"],
      ["NetworkUnavailable", "False", undefined],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ]);
    expect(rest).toEqual([
      taints("n", [UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"]),
      'status Pod/p {"conditions":[{"type":"Ready","status":"False","lastTransitionTime":"<now>"}]}',
      "event Warning NodeNotReady Pod/p: Node is not ready",
      notReady("n"),
    ]);
  });

  test("what a node says of itself is not told to its pods, which have heard it from it", () => {
    const transcript = started();
    const conditions = [{ type: "Ready", status: "True" }];
    transcript.put(PodKind, {
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", conditions },
    });
    transcript.decide();
    const lines = transcript.put(NodeKind, node("n", "False")).decide();
    expect(lines).toEqual([taints("n", [NOT_READY, "NoSchedule"], [NOT_READY, "NoExecute"])]);
  });

  test("pods of a node of which somebody else says that it is lost are left as they are", () => {
    const transcript = started();
    const conditions = [{ type: "Ready", status: "True" }];
    transcript.put(PodKind, {
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", conditions },
    });
    const { metadata, spec } = node("n", "Unknown") as { metadata: object; spec: object };
    const lost = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown", lastHeartbeatTime: "beat" };
    const lines = transcript.put(NodeKind, { metadata, spec, status: { conditions: [lost] } }).decide();
    expect(lines).toEqual([taints("n", [UNREACHABLE, "NoSchedule"], [UNREACHABLE, "NoExecute"])]);
  });

  test("pods that could not be told are told again", () => {
    const transcript = started().put(NodeKind, node("n", "True"));
    const conditions = [{ type: "Ready", status: "True" }];
    transcript.put(PodKind, {
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", conditions },
    });
    transcript.decide();
    pass(transcript, 50_000 + PERIOD_MS);
    const { metadata, spec } = node("n", "Unknown") as { metadata: object; spec: object };
    const lost = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown", lastHeartbeatTime: "beat" };
    const lines = transcript.put(NodeKind, { metadata, spec, status: { conditions: [lost] } }).look("nodes/n");
    expect(lines).toContain("event Warning NodeNotReady Pod/p: Node is not ready");
    transcript.put(PodKind, { metadata: { name: "p" }, spec: { nodeName: "n", containers: [] }, status: { phase: "Running" } });
    expect(transcript.look("nodes/n").filter((line) => line.includes("Pod/p"))).toEqual([]);
  });

  test("a lease is a heartbeat too", () => {
    const transcript = started().put(NodeKind, node("n", "True"));
    for (let i = 0; i < 30; i++) {
      const renewTime = new Date(START_MS + i).toISOString();
      transcript.put(LeaseKind, { metadata: { name: "n", namespace: "kube-node-lease" }, spec: { renewTime } });
      expect(pass(transcript, 2 * PERIOD_MS)).toEqual([]);
    }
  });

  test("after a time in which no node was ready all are given their grace anew", () => {
    const transcript = new Transcript(nodeLifecycleController()).put(NodeKind, node("a", "True")).put(NodeKind, node("b", "True"));
    transcript.decide();
    for (let spent_ms = 0; spent_ms < 45_000; spent_ms += PERIOD_MS) transcript.after(PERIOD_MS).decide();
    transcript.put(NodeKind, node("a", "False")).put(NodeKind, node("b", "False"));
    transcript.decide();
    transcript.put(NodeKind, node("a", "True", had([NOT_READY, "NoSchedule"])));
    transcript.put(NodeKind, node("b", "True"));
    transcript.decide();
    for (let spent_ms = 0; spent_ms < 50_000; spent_ms += PERIOD_MS) {
      expect(
        transcript
          .after(PERIOD_MS)
          .decide()
          .filter((line) => line.startsWith("status")),
      ).toEqual([]);
    }
  });
});

test("labels of old follow those that came after them", () => {
  const labels = {
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "arm64",
    "beta.kubernetes.io/arch": "amd64",
    "troupe.dev/runtime": "none",
  };
  const { spec, status } = node("n", "True") as { spec: object; status: object };
  expect(
    started()
      .put(NodeKind, { metadata: { name: "n", labels }, spec, status })
      .decide(),
  ).toEqual(['modify Node/n {"metadata":{"labels":{"beta.kubernetes.io/arch":"arm64","beta.kubernetes.io/os":"linux"}}}']);
});

test("a node that others brought is told when it comes and when it goes", () => {
  const transcript = started();
  transcript.put(NodeKind, { metadata: { name: "real" }, spec: {}, status: { conditions: [{ type: "Ready", status: "True" }] } });
  expect(transcript.decide()).toEqual(["event Normal RegisteredNode Node/real: Node real event: Registered Node real in Controller"]);
  expect(transcript.decide()).toEqual([]);
  transcript.remove(NodeKind, "real");
  expect(transcript.decide()).toEqual(["event Normal RemovingNode Node/real: Node real event: Removing Node real from Controller"]);
});
