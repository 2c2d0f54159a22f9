import { expect, test } from "vitest";
import { type Fault, planOf, type Scenario, type ScenarioOf, shrink, simulate } from "../../../runtime/simulator/mod.ts";

/** Breaks when a host is killed after a pause has ended, on three hosts or more. */
const fragile: ScenarioOf = ({ hosts }): Scenario => {
  let paused = false;
  return {
    hosts: Array.from({ length: hosts }, (_, index) => ({ host: `host-${index}`, kinds: [] })),
    kinds: () => [],
    workload: () => undefined,
    invariants: [
      {
        name: "fragile",
        saw({ what }) {
          if (what === "host goes on") paused = true;
          return what === "host ends" && paused && hosts >= 3 ? "broken" : undefined;
        },
      },
    ],
  };
};

test("a failing plan is cut to what is needed: two faults, three hosts, one actor", async () => {
  const kinds = (faults: readonly Fault[]) => faults.map(({ kind }) => kind);
  for (let seed = 1; seed <= 20; seed++) {
    const run = await simulate(fragile, planOf(seed, 600_000));
    if (run.violation === undefined) continue;
    expect(run.plan.faults.length).toBeGreaterThan(2);
    const { plan, violation } = (await shrink(fragile, run)).run;
    expect(violation?.text).toBe("broken");
    expect(plan.size).toEqual({ hosts: 3, actors: 1 });
    expect(kinds(plan.faults)[0]).toBe("pause");
    expect(["kill", "leave"]).toContain(kinds(plan.faults)[1]);
    expect(plan.faults).toHaveLength(2);
    return;
  }
  expect.fail("no seed pauses a host and then kills one");
});
