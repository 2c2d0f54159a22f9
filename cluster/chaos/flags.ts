import { parseArgs } from "node:util";
import { usageOf, WrongUsage, wholeNumber } from "../command-line/wrong-usage.ts";
import { FAULTS, type FaultName } from "./plan.ts";

/** What `troupe chaos` was asked for. */
export interface ChaosFlags {
  readonly data: string;
  readonly json: boolean;
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

const HELP = "npm run troupe -- help";
const SEED_MAX: number = 2 ** 31 - 1;
const ROUNDS_MAX = 1_000;
const DEADLINE_S_MAX = 86_400;
const MS_PER_S = 1_000;

/** Parses the flags of `troupe chaos`. Throws WrongUsage. `anySeed` is taken where none is named. */
export function parseChaosFlags(args: readonly string[], anySeed: number): ChaosFlags {
  const { values } = usageOf(HELP, () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        data: { type: "string", default: ".troupe" },
        output: { type: "string", short: "o", default: "table" },
        plan: { type: "string" },
        seed: { type: "string" },
        rounds: { type: "string", default: "6" },
        faults: { type: "string", default: FAULTS.join(",") },
        deadline: { type: "string", default: "600" },
        keep: { type: "boolean", default: false },
      },
    }),
  );
  const { output } = values;
  if (output !== "table" && output !== "json") throw new WrongUsage(`-o ${output} is none of table, json`);
  const faults = values.faults.split(",").map((name) => {
    const fault = FAULTS.find((each) => each === name);
    if (fault === undefined) throw new WrongUsage(`--faults ${name} is none of ${FAULTS.join(", ")}`);
    return fault;
  });
  return {
    data: values.data || ".troupe",
    json: output === "json",
    plan: values.plan,
    seed: wholeNumber("--seed", values.seed, 0, SEED_MAX) ?? anySeed,
    rounds: wholeNumber("--rounds", values.rounds, 1, ROUNDS_MAX) ?? 1,
    faults,
    deadline_ms: (wholeNumber("--deadline", values.deadline, 1, DEADLINE_S_MAX) ?? 1) * MS_PER_S,
    keep: values.keep,
  };
}
