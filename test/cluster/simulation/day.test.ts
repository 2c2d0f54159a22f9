import { expect, test } from "vitest";
import { type Day, liveDay } from "../../../cluster/simulation/day.ts";
import { dayPlanOf } from "../../../cluster/simulation/day-plan.ts";

/** Seeds 1 to this; TROUPE_SEEDS=1000 runs that many. */
const SEEDS = Number(process.env.TROUPE_SEEDS ?? 3);
const SHORT = { hours: 1, nodes: 20, hosts: 3 };

test("short days of small clusters break no promise", { timeout: 120_000 * SEEDS }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { run } = await liveDay(dayPlanOf(seed, SHORT));
    expect(run.violation, `npm run troupe -- sim cluster --seed ${seed} --hours ${SHORT.hours} --nodes ${SHORT.nodes}`).toBeUndefined();
  }
});

test("the same seed is the same day", { timeout: 120_000 }, async () => {
  const plan = dayPlanOf(7, { hours: 1, nodes: 5, hosts: 2 });
  const told = async (): Promise<string> => {
    const day: Day = await liveDay(plan);
    return JSON.stringify([day.run.steps, day.pods, day.ledger.revision, day.ledger.linesAbout([""], 200), [...day.troubles]]);
  };
  expect(await told()).toBe(await told());
});
