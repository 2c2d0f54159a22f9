import { describe, expect, it } from "vitest";
import { eventMessage, unschedulableMessage, VICTIMS_ARE_LEAVING, withUnschedulable } from "../../../actors/scheduler/messages.ts";
import type { Preemption } from "../../../scheduler-core/mod.ts";
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
  ])("%# %s", (diagnosis, preemptionPolicy, message) => {
    expect(unschedulableMessage(diagnosis, COLUMNS, preemptionPolicy)).toBe(message);
  });

  const tried = { slot: undefined, victims: [], rejections: new Map<number, number>(), unhelpful: 0, victimless: 0 };
  it.each<[Preemption<unknown> | typeof VICTIMS_ARE_LEAVING, string]>([
    [{ ...tried, slot: 0, victims: ["a"] }, ""],
    [
      { ...tried, rejections: new Map([[INSUFFICIENT, 2]]), unhelpful: 1 },
      " no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 Insufficient cpu.",
    ],
    [VICTIMS_ARE_LEAVING, " no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node."],
  ])("after preemption was tried: %# %s", (outcome, end) => {
    const diagnosis = { nodes: 3, reasons: new Map([[INSUFFICIENT, 3]]), ...NONE, preemptible: 2, unhelpful: 1 };
    expect(unschedulableMessage(diagnosis, COLUMNS, undefined, outcome)).toBe(`0/3 nodes are available: 3 Insufficient cpu.${end}`);
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
