import { describe, expect, it } from "vitest";
import { eventMessage, unschedulableMessage, withUnschedulable } from "../../../actors/scheduler/messages.ts";
import {
  INSUFFICIENT,
  NODE_AFFINITY,
  NOT_THE_PINNED_NODE,
  TOO_MANY_PODS,
  UNSCHEDULABLE_NODE,
  UNTOLERATED_TAINT,
} from "../../../scheduler-core/reason.ts";

const COLUMNS = ["cpu", "memory", "ephemeral-storage", "pods", "example.com/gpu"];
const NONE = { unhelpful: 0, victimless: 0, preemptible: 0 };

describe("unschedulableMessage", () => {
  it.each([
    [{ nodes: 0, reasons: new Map(), ...NONE }, undefined, "no nodes available to schedule pods"],
    [
      {
        nodes: 5,
        reasons: new Map([
          [INSUFFICIENT, 2],
          [UNTOLERATED_TAINT, 3],
        ]),
        ...NONE,
        unhelpful: 3,
        victimless: 2,
      },
      undefined,
      "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.",
    ],
    [
      {
        nodes: 10,
        reasons: new Map([
          [TOO_MANY_PODS, 1],
          [INSUFFICIENT, 2],
          [UNSCHEDULABLE_NODE, 2],
          [INSUFFICIENT + 4, 4],
          [INSUFFICIENT + 1, 4],
        ]),
        ...NONE,
        unhelpful: 10,
      },
      undefined,
      "0/10 nodes are available: 1 Too many pods, 2 Insufficient cpu, 2 node(s) were unschedulable, 4 Insufficient example.com/gpu, 4 Insufficient memory. no new claims to deallocate, preemption: 0/10 nodes are available: 10 Preemption is not helpful for scheduling.",
    ],
    // Sorted as text: 10 comes before 2.
    [
      {
        nodes: 12,
        reasons: new Map([
          [INSUFFICIENT, 2],
          [NODE_AFFINITY, 10],
        ]),
        ...NONE,
        unhelpful: 10,
        victimless: 2,
      },
      undefined,
      "0/12 nodes are available: 10 node(s) didn't match Pod's node affinity/selector, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/12 nodes are available: 10 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
    ],
    [
      {
        nodes: 3,
        reasons: new Map([
          [INSUFFICIENT, 1],
          [NOT_THE_PINNED_NODE, 2],
        ]),
        ...NONE,
        unhelpful: 2,
        victimless: 1,
      },
      "Never",
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    ],
    [
      { nodes: 1, reasons: new Map([[INSUFFICIENT, 1]]), ...NONE, preemptible: 1 },
      undefined,
      "0/1 nodes are available: 1 Insufficient cpu.",
    ],
  ])("%# %s", (diagnosis, preemptionPolicy, message) => {
    expect(unschedulableMessage(diagnosis, COLUMNS, preemptionPolicy)).toBe(message);
  });
});

describe("eventMessage", () => {
  it("is cut to what an Event holds", () => {
    expect(eventMessage("short")).toBe("short");
    expect(eventMessage("x".repeat(2_000))).toBe(`${"x".repeat(1_020)} ...`);
  });
});

describe("withUnschedulable", () => {
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "m", lastTransitionTime: "then" };
  const other = { type: "Ready", status: "False" };
  it.each([
    [undefined, [{ ...condition, observedGeneration: 1, lastTransitionTime: "now" }]],
    [[condition, other], undefined],
    [
      [other, { ...condition, message: "old" }],
      [other, { ...condition, observedGeneration: 1 }],
    ],
    [[{ ...condition, reason: "SchedulingGated" }], [{ ...condition, observedGeneration: 1 }]],
  ])("%# %j", (before, after) => {
    expect(withUnschedulable(before, "m", 1, "now")).toEqual(after);
  });
});
