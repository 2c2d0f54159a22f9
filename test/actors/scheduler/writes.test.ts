import { describe, expect, it } from "vitest";
import { WRITES_IN_FLIGHT_MAX, Writes } from "../../../actors/scheduler/writes.ts";

describe("Writes", () => {
  it("has at most so many under way, and does the rest in order", async () => {
    const writes = new Writes();
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    for (let i = 0; i < WRITES_IN_FLIGHT_MAX + 3; i++) {
      writes.submit(() => {
        begun.push(i);
        return new Promise((resolve) => ends.push(resolve));
      });
    }
    expect([begun.length, writes.pending]).toEqual([WRITES_IN_FLIGHT_MAX, WRITES_IN_FLIGHT_MAX + 3]);
    ends[7]?.();
    ends[3]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect([begun.slice(WRITES_IN_FLIGHT_MAX), writes.pending]).toEqual([
      [WRITES_IN_FLIGHT_MAX, WRITES_IN_FLIGHT_MAX + 1],
      WRITES_IN_FLIGHT_MAX + 1,
    ]);
  });
});
