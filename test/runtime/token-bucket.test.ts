import { expect, test } from "vitest";
import { TokenBucket } from "../../runtime/mod.ts";

test("so many at once, then as many as time brings, never more than at once", () => {
  const bucket = new TokenBucket(2, 10, 0);
  expect([0, 0, 0, 99, 100, 100].map((now_ms) => bucket.take(now_ms))).toEqual([true, true, false, false, true, false]);
  expect([60_000, 60_000, 60_000].map((now_ms) => bucket.take(now_ms))).toEqual([true, true, false]);
});

test("what is owed fills up first; to look takes nothing; a clock that is set back gives and takes nothing", () => {
  const bucket = new TokenBucket(1, 1, 10_000);
  for (let i = 0; i < 3; i++) bucket.owe(10_000);
  expect([9_000, 12_000, 12_999, 13_000, 13_000].map((now_ms) => bucket.has(now_ms))).toEqual([false, false, false, true, true]);
});
