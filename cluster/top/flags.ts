import { DATA, type Flags, parseFlags } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";
import { type TopView, VIEWS } from "./state.ts";

/** What `troupe top` was asked for. */
export interface TopFlags {
  readonly data: string;
  readonly view: TopView;
  /** One look, also on a terminal. */
  readonly once: boolean;
  readonly format: Format;
  readonly interval_ms: number;
}

const INTERVAL_MIN_S = 0.1;
const INTERVAL_MAX_S = 3_600;
const MS_PER_S = 1_000;

const FLAGS = {
  view: { value: VIEWS.join("|"), default: "nodes", choices: VIEWS, help: "what is shown first" },
  once: { help: "one look, also on a terminal" },
  interval: { value: "S", default: "1", help: "seconds between two looks" },
  output: OUTPUT,
  data: DATA,
} as const;
export const TOP_FLAGS: Flags = FLAGS;

/** Throws WrongUsage. */
export function parseTopFlags(args: readonly string[]): TopFlags {
  const { view: named, once, interval, output, data } = parseFlags("top", FLAGS, args);
  const view = VIEWS.find((each) => each === named);
  if (view === undefined) throw new WrongUsage(`--view ${named} is none of ${VIEWS.join(", ")}`);
  const interval_s = Number(interval);
  if (!(interval_s >= INTERVAL_MIN_S && interval_s <= INTERVAL_MAX_S))
    throw new WrongUsage(`--interval ${interval} is not a number of seconds from ${INTERVAL_MIN_S} to ${INTERVAL_MAX_S}`);
  return { data: data || DATA.default, view, once, format: formatOf(OUTPUT, output), interval_ms: interval_s * MS_PER_S };
}
