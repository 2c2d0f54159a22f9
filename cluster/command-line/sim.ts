import { kernelScenario, planOf, reportOf, type ScenarioOf, shrink, simulate, traceLine } from "../../runtime/simulator/mod.ts";
import { DONE, FAILED } from "./command.ts";
import { printed } from "./output.ts";
import { parseSimFlags, type Scenario } from "./sim-flags.ts";
import { typed } from "./typed.ts";

const SCENARIOS: Readonly<Record<Scenario, ScenarioOf>> = { kernel: kernelScenario };

/** Failing seeds that are named; the first is also reported in full. */
const FAILED_SHOWN_MAX = 20;

/** `troupe sim`: runs seeds one after another. The exit code: 0 all held, 1 something was broken. */
export async function runSim(args: readonly string[]): Promise<number> {
  const { seed: first, seeds, minutes, scenario, trace, format } = parseSimFlags(args);
  const scenarioOf = SCENARIOS[scenario];
  const started_ms = performance.now();
  let steps = 0;
  const broken: { seed: number; invariant: string; text: string }[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const run = await simulate(scenarioOf, planOf(seed, minutes * 60_000), { keep: trace });
    steps += run.steps;
    if (trace) for (const happened of run.happened) process.stdout.write(`${traceLine(happened)}\n`);
    if (run.violation === undefined) continue;
    broken.push({ seed, invariant: run.violation.invariant, text: run.violation.text });
    if (format !== "table") continue;
    if (broken.length === 1)
      process.stdout.write(`${reportOf(run, await shrink(scenarioOf, run))}again: ${typed(`sim --seed ${seed} --minutes ${minutes}`)}\n`);
    else if (broken.length <= FAILED_SHOWN_MAX)
      process.stdout.write(`seed ${seed} breaks: ${run.violation.invariant}\n  ${run.violation.text}\n`);
  }
  const took_s = (performance.now() - started_ms) / 1_000;
  const what = `${seeds} ${seeds === 1 ? "seed" : "seeds"} of ${minutes} virtual minutes, ${steps} steps, ${took_s.toFixed(1)} s`;
  const line = broken.length === 0 ? `all held: ${what}` : `${broken.length} broken of ${what}`;
  process.stdout.write(await printed(format, { seeds, minutes, steps, took_s, broken }, () => [line]));
  return broken.length === 0 ? DONE : FAILED;
}
