import { kernelScenario, planOf, reportOf, type ScenarioOf, shrink, simulate, traceLine } from "../../runtime/simulator/mod.ts";
import { parseSimFlags, type Scenario } from "./sim-flags.ts";
import { typed } from "./typed.ts";

const SCENARIOS: Readonly<Record<Scenario, ScenarioOf>> = { kernel: kernelScenario };

/** Failing seeds that are named; the first is also reported in full. */
const FAILED_SHOWN_MAX = 20;

/** `troupe sim`: runs seeds one after another. The exit code: 0 all held, 1 something was broken. */
export async function runSim(args: readonly string[]): Promise<number> {
  const { seed: first, seeds, minutes, scenario, trace } = parseSimFlags(args);
  const scenarioOf = SCENARIOS[scenario];
  const started_ms = performance.now();
  let steps = 0;
  let failed = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const run = await simulate(scenarioOf, planOf(seed, minutes * 60_000), { keep: trace });
    steps += run.steps;
    if (trace) for (const happened of run.happened) process.stdout.write(`${traceLine(happened)}\n`);
    if (run.violation === undefined) continue;
    failed += 1;
    if (failed === 1)
      process.stdout.write(`${reportOf(run, await shrink(scenarioOf, run))}again: ${typed(`sim --seed ${seed} --minutes ${minutes}`)}\n`);
    else if (failed <= FAILED_SHOWN_MAX) process.stdout.write(`seed ${seed} breaks: ${run.violation.invariant}\n  ${run.violation.text}\n`);
  }
  const took_s = (performance.now() - started_ms) / 1_000;
  const what = `${seeds} ${seeds === 1 ? "seed" : "seeds"} of ${minutes} virtual minutes, ${steps} steps, ${took_s.toFixed(1)} s`;
  console.log(failed === 0 ? `all held: ${what}` : `${failed} broken of ${what}`);
  return failed === 0 ? 0 : 1;
}
