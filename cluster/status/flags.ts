import { DATA, type Flags, parseFlags } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";

const FLAGS = { output: OUTPUT, data: DATA } as const;
export const STATUS_FLAGS: Flags = FLAGS;

/** What `troupe status` was asked for. Throws WrongUsage. */
export function parseStatusFlags(args: readonly string[]): { readonly data: string; readonly format: Format } {
  const { data, output } = parseFlags("status", FLAGS, args);
  return { data: data || DATA.default, format: formatOf(OUTPUT, output) };
}
