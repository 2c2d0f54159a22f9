import { expect, test } from "vitest";
import { kernelScenario, planOf, simulate, traceLine } from "../../../runtime/simulator/mod.ts";

async function traceOf(seed: number): Promise<string> {
  const run = await simulate(kernelScenario, planOf(seed, 120_000), { keep: true });
  return run.happened.map(traceLine).join("\n");
}

test("the same seed gives the same run, byte for byte; another seed another", async () => {
  const [first, again, other] = [await traceOf(11), await traceOf(11), await traceOf(12)];
  expect(first.length).toBeGreaterThan(100_000);
  expect(again === first, "the second run differs from the first").toBe(true);
  expect(other === first, "two seeds give one run").toBe(false);
});

test("nothing in a run looks at the machine's time or randomness", async () => {
  const seen: string[] = [];
  const real = { timeout: setTimeout, immediate: setImmediate, now: Date.now, performance: performance.now, random: Math.random };
  const forbidden = (name: string) => () => {
    seen.push(`${name} ${new Error(name).stack}`);
    return 0;
  };
  globalThis.setTimeout = forbidden("setTimeout") as unknown as typeof setTimeout;
  globalThis.setImmediate = forbidden("setImmediate") as unknown as typeof setImmediate;
  Date.now = forbidden("Date.now");
  performance.now = forbidden("performance.now");
  Math.random = forbidden("Math.random");
  try {
    const run = await simulate(kernelScenario, planOf(13, 60_000));
    expect(run.violation).toBeUndefined();
  } finally {
    globalThis.setTimeout = real.timeout;
    globalThis.setImmediate = real.immediate;
    Date.now = real.now;
    performance.now = real.performance;
    Math.random = real.random;
  }
  // Vitest's own timers may fire meanwhile.
  expect(seen.filter((line) => line.includes("/runtime/"))).toEqual([]);
});
