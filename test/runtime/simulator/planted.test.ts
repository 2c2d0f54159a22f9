import { expect, test } from "vitest";
import type { PlantedFault } from "../../../runtime/planted-fault.ts";
import { kernelScenario, noTurnWithoutLease, planOf, reportOf, type ScenarioOf, shrink, simulate } from "../../../runtime/simulator/mod.ts";

/** Within so many seeds of so long a planted fault is found. */
const SEEDS_MAX = 10;
const DURATION_MS = 300_000;

/** That a host without a lease begins no turn is a means. What it is there for must be seen to fail, too. */
const withoutLeases: ScenarioOf = (size) => {
  const scenario = kernelScenario(size);
  const leases = noTurnWithoutLease().name;
  return { ...scenario, invariants: scenario.invariants.filter(({ name }) => name !== leases) };
};

/** Each planted fault, and the invariant that it breaks. */
const PLANTED: readonly (readonly [PlantedFault, ScenarioOf, string])[] = [
  ["no-fencing", kernelScenario, "no turn begins on a host whose lease has lapsed"],
  ["no-fencing", withoutLeases, "one activation of an address acts at a time, and their epochs grow"],
  ["lost-restart", kernelScenario, "an actor that is to be restarted is, after its backoff and within its bounds"],
  ["dropped-frame-taken-for-delivered", kernelScenario, "every tell is handled or accounted for"],
];

test.each(PLANTED)("%s is found within few seeds, shrunk, and named by the report", async (planted, scenarioOf, invariant) => {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const plan = planOf(seed, DURATION_MS);
    const run = await simulate(scenarioOf, plan, { planted });
    if (run.violation === undefined) continue;
    expect(run.violation.invariant).toBe(invariant);
    const shrunk = await shrink(scenarioOf, run, { planted });
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
