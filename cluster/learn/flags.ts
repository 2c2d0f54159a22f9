import { DATA, type Flags, KUBECONFIG, parseOperands } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";

/** What `troupe learn` was asked for. */
export interface LearnFlags {
  readonly kubeconfig: string;
  readonly format: Format;
  /** The challenge, by its name or its number in the list; undefined where none was named. */
  readonly challenge: string | undefined;
  /** Of a hint: which one, from 1 on. */
  readonly number: number;
}

const FLAGS = { output: OUTPUT, kubeconfig: KUBECONFIG, data: DATA } as const;
export const LEARN_FLAGS: Flags = FLAGS;

/** `wants`: what the verb takes. Throws WrongUsage. */
export function parseLearnFlags(verb: string, args: readonly string[], wants: "nothing" | "challenge" | "hint"): LearnFlags {
  const { values, operands } = parseOperands(`learn${verb}`, FLAGS, args);
  const [challenge, number, ...more] = operands;
  const most = { nothing: 0, challenge: 1, hint: 2 }[wants];
  if (operands.length > most || more.length > 0)
    throw new WrongUsage(`troupe learn${verb} takes no ${operands[most]}; see troupe help learn${verb}`);
  if (challenge === undefined && (wants === "challenge" || wants === "hint"))
    throw new WrongUsage(`troupe learn${verb} wants a CHALLENGE, its name or its number; see troupe learn`);
  if (number !== undefined && !/^[1-9]\d?$/.test(number)) throw new WrongUsage(`${number} is not the number of a hint`);
  return {
    kubeconfig: values.kubeconfig ?? `${values.data || DATA.default}/kubeconfig`,
    format: formatOf(OUTPUT, values.output),
    challenge,
    number: Number(number ?? 1),
  };
}
