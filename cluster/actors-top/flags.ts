import { DATA, type Flags, parseFlags } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";
import { SORTS, type Sort } from "./summary.ts";

/** What `troupe actors` was asked for. */
export interface ActorsFlags {
  readonly data: string;
  /** One table, also on a terminal. */
  readonly once: boolean;
  readonly format: Format;
  /** Of this kind only. */
  readonly kind: string | undefined;
  readonly sort: Sort;
  /** Between two looks. */
  readonly interval_ms: number;
}

const INTERVAL_MIN_S = 0.1;
const INTERVAL_MAX_S = 3_600;
const MS_PER_S = 1_000;

const FLAGS = {
  data: DATA,
  once: { help: "one table, also on a terminal" },
  output: OUTPUT,
  json: { help: "as -o json" },
  kind: { value: "K", help: "actors of this kind only" },
  sort: { value: "COLUMN", default: "messages", choices: Object.keys(SORTS), help: "the largest of it first" },
  interval: { value: "S", default: "1", help: "seconds between two looks, of which rates and times are" },
} as const;
export const ACTORS_FLAGS: Flags = FLAGS;

/** Parses the flags of `troupe actors`. Throws WrongUsage. */
export function parseActorsFlags(args: readonly string[]): ActorsFlags {
  const { data, once, output, json, kind, sort, interval } = parseFlags("actors", FLAGS, args);
  if (!isSort(sort)) throw new WrongUsage(`--sort ${sort} is none of ${Object.keys(SORTS).join(", ")}`);
  const interval_s = Number(interval);
  if (!(interval_s >= INTERVAL_MIN_S && interval_s <= INTERVAL_MAX_S))
    throw new WrongUsage(`--interval ${interval} is not a number of seconds from ${INTERVAL_MIN_S} to ${INTERVAL_MAX_S}`);
  return {
    data: data || DATA.default,
    once,
    format: json ? "json" : formatOf(OUTPUT, output),
    kind,
    sort,
    interval_ms: interval_s * MS_PER_S,
  };
}

function isSort(name: string): name is Sort {
  return Object.hasOwn(SORTS, name);
}
