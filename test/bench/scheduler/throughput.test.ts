import { describe, expect, it } from "vitest";
import { Throughput } from "../../../bench/scheduler/throughput.ts";

describe("throughput as scheduler_perf counts it", () => {
  it.each<[string, readonly (readonly [scheduled: number, at_s: number])[], number | undefined]>([
    ["nothing before a second look", [[500, 1]], undefined],
    [
      "not what was scheduled until the first look that finds some",
      [
        [0, 1],
        [900, 2],
        [1_000, 3],
        [1_300, 4],
      ],
      200,
    ],
    [
      "a second without any with the next that has some",
      [
        [10, 1],
        [10, 2],
        [10, 3],
        [310, 4],
        [510, 5],
      ],
      125,
    ],
    [
      "by the time that has passed",
      [
        [1, 1],
        [301, 2.5],
      ],
      200,
    ],
  ])("counts %s", (_, looks, average) => {
    const throughput = new Throughput();
    for (const [scheduled, at_s] of looks) throughput.look(scheduled, at_s * 1_000);
    expect(throughput.average).toBe(average);
  });
});
