import { DATA, type Flags, parseFlags } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage, wholeNumber } from "../command-line/wrong-usage.ts";
import { FAULTS, type FaultName } from "./plan.ts";

/** What `troupe chaos` was asked for. */
export interface ChaosFlags {
  readonly data: string;
  readonly format: Format;
  /** A file with a plan; undefined: one is drawn. */
  readonly plan: string | undefined;
  readonly seed: number;
  /** Of a plan that is drawn. */
  readonly rounds: number;
  readonly faults: readonly FaultName[];
  /** By then it ends, whatever is left of the plan. */
  readonly deadline_ms: number;
  /** Its namespace stays. */
  readonly keep: boolean;
}

const SEED_MAX: number = 2 ** 31 - 1;
const ROUNDS_MAX = 1_000;
const DEADLINE_S_MAX = 86_400;
const MS_PER_S = 1_000;

const FLAGS = {
  data: DATA,
  rounds: { value: "N", default: "6", help: "so many faults, drawn by --seed" },
  seed: { value: "N", help: "the same seed, the same faults and victims (another each time, if not given)" },
  faults: { value: "NAME[,NAME]", choices: FAULTS, help: "of which kinds (all, if not given)" },
  plan: { value: "FILE", help: "these faults instead (docs/operating.md)" },
  deadline: { value: "S", default: "600", help: "by then it ends" },
  keep: { help: "leave its namespace there" },
  output: OUTPUT,
} as const;
export const CHAOS_FLAGS: Flags = FLAGS;

/** Parses the flags of `troupe chaos`. Throws WrongUsage. `anySeed` is taken where none is named. */
export function parseChaosFlags(args: readonly string[], anySeed: number): ChaosFlags {
  const values = parseFlags("chaos", FLAGS, args);
  const faults = (values.faults?.split(",") ?? FAULTS).map((name) => {
    const fault = FAULTS.find((each) => each === name);
    if (fault === undefined) throw new WrongUsage(`--faults ${name} is none of ${FAULTS.join(", ")}`);
    return fault;
  });
  return {
    data: values.data || DATA.default,
    format: formatOf(OUTPUT, values.output),
    plan: values.plan,
    seed: wholeNumber("--seed", values.seed, 0, SEED_MAX) ?? anySeed,
    rounds: wholeNumber("--rounds", values.rounds, 1, ROUNDS_MAX) ?? 1,
    faults,
    deadline_ms: (wholeNumber("--deadline", values.deadline, 1, DEADLINE_S_MAX) ?? 1) * MS_PER_S,
    keep: values.keep,
  };
}
