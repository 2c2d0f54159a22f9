import { parseArgs } from "node:util";
import { kernelScenario, planOf, reportOf, type ScenarioOf, shrink, simulate, traceLine } from "../../runtime/simulator/mod.ts";
import { usageOf, WrongUsage, wholeNumber } from "./wrong-usage.ts";

const SCENARIOS: Readonly<Record<string, ScenarioOf>> = { kernel: kernelScenario };

const SEEDS_MAX = 2 ** 31;
const MINUTES_MAX = 10_000;

/** Failing seeds that are named; the first is also reported in full. */
const FAILED_SHOWN_MAX = 20;

interface SimFlags {
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly scenarioOf: ScenarioOf;
  readonly trace: boolean;
}

/** `troupe sim`: runs seeds one after another. The exit code: 0 all held, 1 something was broken. */
export async function runSim(args: readonly string[]): Promise<number> {
  if (args[0] === "cluster") {
    // Only who wants a cluster pays for loading one.
    const { runSimCluster } = await import("./sim-cluster.ts");
    return runSimCluster(args.slice(1));
  }
  const { seed: first, seeds, minutes, scenarioOf, trace } = parseSimFlags(args);
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
      process.stdout.write(`${reportOf(run, await shrink(scenarioOf, run))}again: npm run sim -- --seed ${seed} --minutes ${minutes}\n`);
    else if (failed <= FAILED_SHOWN_MAX) process.stdout.write(`seed ${seed} breaks: ${run.violation.invariant}\n  ${run.violation.text}\n`);
  }
  const took_s = (performance.now() - started_ms) / 1_000;
  const what = `${seeds} ${seeds === 1 ? "seed" : "seeds"} of ${minutes} virtual minutes, ${steps} steps, ${took_s.toFixed(1)} s`;
  console.log(failed === 0 ? `all held: ${what}` : `${failed} broken of ${what}`);
  return failed === 0 ? 0 : 1;
}

function parseSimFlags(args: readonly string[]): SimFlags {
  const { values } = usageOf("npm run sim -- --help", () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        seed: { type: "string", default: "1" },
        seeds: { type: "string", default: "1" },
        minutes: { type: "string", default: "10" },
        scenario: { type: "string", default: "kernel" },
        trace: { type: "boolean", default: false },
      },
    }),
  );
  const scenarioOf = Object.hasOwn(SCENARIOS, values.scenario) ? SCENARIOS[values.scenario] : undefined;
  if (scenarioOf === undefined) throw new WrongUsage(`--scenario ${values.scenario} is none of ${Object.keys(SCENARIOS).join(", ")}`);
  return {
    seed: wholeNumber("--seed", values.seed, 0, SEEDS_MAX) ?? 1,
    seeds: wholeNumber("--seeds", values.seeds, 1, SEEDS_MAX) ?? 1,
    minutes: wholeNumber("--minutes", values.minutes, 1, MINUTES_MAX) ?? 10,
    scenarioOf,
    trace: values.trace,
  };
}
