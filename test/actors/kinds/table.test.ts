import { expect, test } from "vitest";
import { formatLabels, humanDuration, since } from "../../../actors/kinds/table.ts";

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const Y = 365 * D;

test.each([
  [-5 * S, "<invalid>"],
  [-1 * S, "0s"],
  [0, "0s"],
  [119 * S, "119s"],
  [120 * S, "2m"],
  [3 * M + 12 * S, "3m12s"],
  [10 * M + 59 * S, "10m"],
  [179 * M, "179m"],
  [180 * M, "3h"],
  [7 * H + 5 * M, "7h5m"],
  [8 * H + 5 * M, "8h"],
  [47 * H, "47h"],
  [48 * H, "2d"],
  [2 * D + 4 * H, "2d4h"],
  [8 * D + 4 * H, "8d"],
  [729 * D, "729d"],
  [2 * Y, "2y"],
  [2 * Y + 3 * D, "2y3d"],
  [9 * Y + 3 * D, "9y"],
])("%d ms is %s", (duration_ms, printed) => {
  expect(humanDuration(duration_ms)).toBe(printed);
});

test("no time is unknown", () => {
  expect(since(undefined, 0)).toBe("<unknown>");
  expect(since("1970-01-01T00:00:00Z", 5000)).toBe("5s");
});

test("labels are sorted", () => {
  expect(formatLabels({ b: "2", a: "1" })).toBe("a=1,b=2");
  expect(formatLabels(undefined)).toBe("<none>");
});
