import { describe, expect, test } from "vitest";
import { percentile } from "../../../bench/driver/percentile.ts";
import { PodTimes } from "../../../bench/driver/pod-times.ts";

const ABOUT = { suite: "density", case: "basic", conditions: "none" };

test.each([
  [[], 0.5, undefined],
  [[7], 0.99, 7],
  [[3, 1, 2], 0.5, 2],
  [Array.from({ length: 100 }, (_, index) => 100 - index), 0.5, 50],
  [Array.from({ length: 100 }, (_, index) => 100 - index), 0.99, 99],
  [[1, 2], 0, 1],
  [[1, 2], 1, 2],
])("percentile of %j at %d", (samples, share, value) => {
  expect(percentile(samples, share)).toBe(value);
});

describe("the times of a run", () => {
  test("figures count from the first create, and the first sighting counts", () => {
    const times = new PodTimes(2, "p-");
    times.create(0, 1000, 1010);
    times.create(1, 1005, 1025);
    times.see({ name: "p-0", scheduled: true, running: false }, 1020);
    times.see({ name: "p-0", scheduled: true, running: true }, 1050);
    times.see({ name: "p-0", scheduled: true, running: true }, 9000);
    times.see({ name: "p-1", scheduled: true, running: true }, 1100);
    expect([times.created, times.scheduled, times.running]).toEqual([2, 2, 2]);
    expect(Object.fromEntries(times.figures(ABOUT).map(({ metric, value }) => [metric, value]))).toEqual({
      "create rate": 80,
      "scheduled rate": 20,
      "running rate": 20,
      "create call p50": 10,
      "create call p99": 20,
      "pod start-up p50": 50,
      "pod start-up p99": 95,
    });
  });

  test("a pod seen before its create was answered counts once", () => {
    const times = new PodTimes(1, "p-");
    times.see({ name: "p-0", scheduled: true, running: true }, 1003);
    times.create(0, 1000, 1010);
    expect(times.figures(ABOUT).find(({ metric }) => metric === "pod start-up p50")?.value).toBe(3);
  });

  test("of nothing there is no figure", () => {
    expect(new PodTimes(3, "p-").figures(ABOUT)).toEqual([]);
  });
});
