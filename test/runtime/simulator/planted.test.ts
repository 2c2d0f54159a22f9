import { expect, test } from "vitest";
import type { PlantedFault } from "../../../runtime/planted-fault.ts";
import { kernelScenario, planOf, reportOf, shrink, simulate } from "../../../runtime/simulator/mod.ts";

/** Within so many seeds of so long a planted fault is found. */
const SEEDS_MAX = 5;
const DURATION_MS = 300_000;

/** Each planted fault, and the invariant that it breaks. */
const PLANTED: readonly (readonly [PlantedFault, string])[] = [
  ["lost-restart", "an actor that is to be restarted is, after its backoff and within its bounds"],
  ["dropped-frame-taken-for-delivered", "every tell is handled or accounted for"],
];

test.each(PLANTED)("%s is found within few seeds, shrunk, and named by the report", async (planted, invariant) => {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const plan = planOf(seed, DURATION_MS);
    const run = await simulate(kernelScenario, plan, { planted });
    if (run.violation === undefined) continue;
    expect(run.violation.invariant).toBe(invariant);
    const shrunk = await shrink(kernelScenario, run, { planted });
    expect(shrunk.run.violation?.invariant).toBe(invariant);
    expect(shrunk.run.plan.faults.length).toBeLessThan(plan.faults.length);
    expect(shrunk.run.plan.duration_ms).toBeLessThan(plan.duration_ms);
    const report = reportOf(run, shrunk);
    expect(report).toContain(`seed ${seed} breaks: ${invariant}`);
    expect(report).toContain(shrunk.run.violation?.text ?? "no violation");
    return;
  }
  expect.fail(`${planted} was not found within ${SEEDS_MAX} seeds`);
});
