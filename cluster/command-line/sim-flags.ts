import { type Flags, parseFlags } from "./flag.ts";
import { type Format, formatOf, OUTPUT } from "./output.ts";
import { WrongUsage, wholeNumber } from "./wrong-usage.ts";

const SCENARIOS = ["kernel"] as const;
export type Scenario = (typeof SCENARIOS)[number];

const SEEDS_MAX = 2 ** 31;
const MINUTES_MAX = 10_000;
const HOURS_MAX = 240;
const NODES_MAX = 1_000;
const HOSTS_MAX = 9;
const FAULT_EVERY_S = 240;
const FAULT_EVERY_S_MAX = 86_400;

interface Runs {
  readonly seed: number;
  readonly seeds: number;
  readonly trace: boolean;
  readonly format: Format;
}

/** What `troupe sim` was asked for. */
interface SimFlags extends Runs {
  readonly minutes: number;
  readonly scenario: Scenario;
}

/** What `troupe sim cluster` was asked for. */
interface SimClusterFlags extends Runs {
  readonly hours: number;
  readonly nodes: number;
  readonly hosts: number;
  /** From one fault to the next, on average. */
  readonly faultEvery_ms: number;
}

const SEEDS = {
  seed: { value: "N", default: "1", help: "the run to begin with; the same seed is the same run" },
  seeds: { value: "COUNT", default: "1", help: "so many runs, one seed after another" },
  output: OUTPUT,
} as const;
const SIM = {
  ...SEEDS,
  minutes: { value: "M", default: "10", help: "virtual minutes a run" },
  scenario: { value: "NAME", default: "kernel", choices: SCENARIOS, help: "what is run" },
  trace: { help: "print all that happens" },
} as const;
const CLUSTER = {
  ...SEEDS,
  hours: { value: "H", default: "24", help: "virtual hours a run" },
  nodes: { value: "N", default: "100", help: "hollow nodes" },
  hosts: { value: "N", default: "3", help: "hosts that the actors are spread over" },
  "fault-every": {
    value: "S",
    default: String(FAULT_EVERY_S),
    help: "seconds from one fault of hosts and network to the next, on average",
  },
  trace: { help: "print what people do, and what goes wrong with hosts and network" },
} as const;
export const SIM_FLAGS: Flags = SIM;
export const SIM_CLUSTER_FLAGS: Flags = CLUSTER;

/** Throws WrongUsage. */
export function parseSimFlags(args: readonly string[]): SimFlags {
  const values = parseFlags("sim", SIM, args);
  const scenario = SCENARIOS.find((name) => name === values.scenario);
  if (scenario === undefined) throw new WrongUsage(`--scenario ${values.scenario} is none of ${SCENARIOS.join(", ")}`);
  return {
    ...runs(values),
    minutes: wholeNumber("--minutes", values.minutes, 1, MINUTES_MAX) ?? 10,
    scenario,
  };
}

/** Throws WrongUsage. */
export function parseSimClusterFlags(args: readonly string[]): SimClusterFlags {
  const values = parseFlags("sim cluster", CLUSTER, args);
  return {
    ...runs(values),
    hours: wholeNumber("--hours", values.hours, 1, HOURS_MAX) ?? 24,
    nodes: wholeNumber("--nodes", values.nodes, 1, NODES_MAX) ?? 100,
    hosts: wholeNumber("--hosts", values.hosts, 1, HOSTS_MAX) ?? 3,
    faultEvery_ms: 1_000 * (wholeNumber("--fault-every", values["fault-every"], 1, FAULT_EVERY_S_MAX) ?? FAULT_EVERY_S),
  };
}

function runs(values: Readonly<Record<"seed" | "seeds" | "output", string>> & { readonly trace: boolean }): Runs {
  const format = formatOf(OUTPUT, values.output);
  if (values.trace && format !== "table") throw new WrongUsage(`--trace is for people: leave -o ${format} out`);
  return {
    trace: values.trace,
    format,
    seed: wholeNumber("--seed", values.seed, 0, SEEDS_MAX) ?? 1,
    seeds: wholeNumber("--seeds", values.seeds, 1, SEEDS_MAX) ?? 1,
  };
}
