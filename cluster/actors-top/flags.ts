import { parseArgs } from "node:util";
import { usageOf, WrongUsage } from "../command-line/wrong-usage.ts";
import { SORTS, type Sort } from "./summary.ts";

/** What `troupe actors` was asked for. */
export interface ActorsFlags {
  readonly data: string;
  /** One table, also on a terminal. */
  readonly once: boolean;
  /** One line of JSON in place of the table. */
  readonly json: boolean;
  /** Of this kind only. */
  readonly kind: string | undefined;
  readonly sort: Sort;
  /** Between two looks. */
  readonly interval_ms: number;
}

const INTERVAL_MIN_S = 0.1;
const INTERVAL_MAX_S = 3_600;
const MS_PER_S = 1_000;

/** Parses the flags of `troupe actors`. Throws WrongUsage. */
export function parseActorsFlags(args: readonly string[]): ActorsFlags {
  const { values } = usageOf("npm run troupe -- help", () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        data: { type: "string", default: ".troupe" },
        once: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        kind: { type: "string" },
        sort: { type: "string", default: "messages" },
        interval: { type: "string", default: "1" },
      },
    }),
  );
  const { data, once, json, kind, sort, interval } = values;
  if (!isSort(sort)) throw new WrongUsage(`--sort ${sort} is none of ${Object.keys(SORTS).join(", ")}`);
  const interval_s = Number(interval);
  if (!(interval_s >= INTERVAL_MIN_S && interval_s <= INTERVAL_MAX_S))
    throw new WrongUsage(`--interval ${interval} is not a number of seconds from ${INTERVAL_MIN_S} to ${INTERVAL_MAX_S}`);
  return { data: data || ".troupe", once, json, kind, sort, interval_ms: interval_s * MS_PER_S };
}

function isSort(name: string): name is Sort {
  return Object.hasOwn(SORTS, name);
}
