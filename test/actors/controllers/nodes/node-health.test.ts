import { describe, expect, test } from "vitest";
import { Heartbeats, NODE_MONITOR_GRACE_MS } from "../../../../actors/controllers/nodes/node-health.ts";
import type { Node } from "../../../../actors/kinds/generated/types.ts";
import type { ObjectText } from "../../../../actors/kinds/text.ts";
import type { Entry } from "../../../../actors/store/view.ts";

const PERIOD_MS = 5_000;
const NOON_MS = 1_700_000_000_000;

const node: Node = { metadata: { name: "n", uid: "u", creationTimestamp: "" }, spec: {}, status: {} };

/** A lease that was renewed at this time, as it is stored. */
function lease(renewTime: string): Entry {
  return {
    key: "leases.coordination.k8s.io/kube-node-lease/n",
    revision: 1,
    text: `"name":"n"},"spec":{"renewTime":"${renewTime}"}}` as ObjectText,
  };
}

/** Looks once a period from `from_ms` on, and gives the last silence. */
function look(heartbeats: Heartbeats, beat: string, from_ms: number, looks: number): number {
  const entry = lease(beat);
  let silence_ms = 0;
  for (let i = 0; i < looks; i++) silence_ms = heartbeats.silence_ms("n", node, entry, from_ms + i * PERIOD_MS);
  return silence_ms;
}

describe("Heartbeats", () => {
  test("a heartbeat of long ago is heard when it is first seen: a start after a long pause finds no node lost", () => {
    expect(look(new Heartbeats(), "2001-01-01T00:00:00.000000Z", NOON_MS, 1)).toBe(0);
  });

  test("silence grows from look to look, and ends with a new heartbeat", () => {
    const heartbeats = new Heartbeats();
    expect(look(heartbeats, "a", NOON_MS, 10)).toBe(9 * PERIOD_MS);
    expect(look(heartbeats, "b", NOON_MS + 10 * PERIOD_MS, 1)).toBe(0);
  });

  test("a lease that was written again and names the same time is no heartbeat", () => {
    const heartbeats = new Heartbeats();
    look(heartbeats, "a", NOON_MS, 1);
    expect(look(heartbeats, "a", NOON_MS + PERIOD_MS, 1)).toBe(PERIOD_MS);
  });

  test("time in which nobody looked is no silence", () => {
    const heartbeats = new Heartbeats();
    look(heartbeats, "a", NOON_MS, 2);
    const suspended_ms = 8 * 3_600_000;
    const woken_ms = NOON_MS + PERIOD_MS + suspended_ms;
    expect(look(heartbeats, "a", woken_ms, 1)).toBe(PERIOD_MS);
    expect(look(heartbeats, "a", woken_ms, 20)).toBeGreaterThan(NODE_MONITOR_GRACE_MS);
  });
});
