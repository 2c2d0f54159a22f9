import { durationMs } from "../../kinds/machinery/duration.ts";
import { parseQuantity, QuantityError } from "../../kinds/machinery/quantity.ts";

/** An amount of a resource, in cores or bytes, or as a share of what the container requests. */
export type Amount = { readonly of: "nothing"; readonly value: number } | { readonly of: "request"; readonly share: number };

/**
 * How the usage of one resource goes over time. Its text, in annotations of pods:
 *
 * - `250m`, `64Mi`, `40%`: constant.
 * - `sine(100m, 900m, 10m)`: up and down between the two amounts, once in ten minutes; the least at every whole period since 1970, or later by
 *   a fourth argument. So all pods of a workload go up and down together.
 * - `replay(load/web.csv)`: as recorded in the key `web.csv` of the ConfigMap `load` in the pod's namespace, from the pod's start on, see
 *   `Recording`; `replay(load/web.csv, 1h)` begins again every hour.
 */
export type UsageProfile =
  | { readonly form: "constant"; readonly amount: Amount }
  | { readonly form: "sine"; readonly least: Amount; readonly most: Amount; readonly period_ms: number; readonly delay_ms: number }
  | { readonly form: "replay"; readonly configMap: string; readonly key: string; readonly repeat_ms: number | undefined };

const NANO = 1e9;
const PERCENT = 100;

/** Distinct texts that are remembered; pods share those of their templates. */
const REMEMBERED_MAX = 1_024;
const remembered = new Map<string, UsageProfile | undefined>();

/** Undefined: the text is no profile. */
export function parseProfile(text: string): UsageProfile | undefined {
  if (remembered.has(text)) return remembered.get(text);
  const profile = readProfile(text.trim());
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(text, profile);
  return profile;
}

function readProfile(text: string): UsageProfile | undefined {
  const call = /^(sine|replay)\((.*)\)$/.exec(text);
  if (call === null) {
    const amount = parseAmount(text);
    return amount === undefined ? undefined : { form: "constant", amount };
  }
  const words = (call[2] ?? "").split(",").map((word) => word.trim());
  return call[1] === "sine" ? readSine(words) : readReplay(words);
}

function readSine([first = "", second = "", period = "", delay = "0s", ...rest]: readonly string[]): UsageProfile | undefined {
  const least = parseAmount(first);
  const most = parseAmount(second);
  const period_ms = durationMs(period);
  const delay_ms = durationMs(delay);
  if (least === undefined || most === undefined || !period_ms || delay_ms === undefined || rest.length > 0) return undefined;
  return { form: "sine", least, most, period_ms, delay_ms };
}

function readReplay([place = "", repeat, ...rest]: readonly string[]): UsageProfile | undefined {
  const slash = place.indexOf("/");
  const repeat_ms = repeat === undefined ? undefined : durationMs(repeat);
  if (slash <= 0 || slash === place.length - 1 || rest.length > 0) return undefined;
  if (repeat !== undefined && !repeat_ms) return undefined;
  return { form: "replay", configMap: place.slice(0, slash), key: place.slice(slash + 1), repeat_ms };
}

/** `250m`, `64Mi`, `40%`; undefined when it is none of them or below zero. */
export function parseAmount(text: string): Amount | undefined {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text);
  if (percent !== null) return { of: "request", share: Number(percent[1]) / PERCENT };
  try {
    const value = Number(parseQuantity(text).nano) / NANO;
    return value < 0 ? undefined : { of: "nothing", value };
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** How far a sine is from its least to its most at this time: 0 to 1. */
export function sineShare({ period_ms, delay_ms }: { readonly period_ms: number; readonly delay_ms: number }, now_ms: number): number {
  return (1 - Math.cos((2 * Math.PI * (now_ms - delay_ms)) / period_ms)) / 2;
}
