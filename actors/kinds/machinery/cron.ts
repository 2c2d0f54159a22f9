/**
 * Schedules in the form of cron: five fields, or a word such as `@daily`. Source: robfig/cron, whose words Kubernetes passes on, and
 * https://en.wikipedia.org/wiki/Cron.
 */
import { durationMs } from "./duration.ts";

/** The text is no schedule; the message says where. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/** The values of each field on which the schedule fires. */
export interface CronFields {
  readonly type: "fields";
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Where both days are restricted, one of them is enough. */
  readonly anyDayOfMonth: boolean;
  readonly anyDayOfWeek: boolean;
}

export type CronSchedule = CronFields | { readonly type: "every"; readonly period_ms: number };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
  /** The number of the first name. */
  readonly first: number;
}

const NO_NAMES: Pick<Bounds, "names" | "first"> = { names: [], first: 0 };
const MINUTES: Bounds = { min: 0, max: 59, ...NO_NAMES };
const HOURS: Bounds = { min: 0, max: 23, ...NO_NAMES };
const DAYS_OF_MONTH: Bounds = { min: 1, max: 31, ...NO_NAMES };
const MONTHS: Bounds = { min: 1, max: 12, names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" "), first: 1 };
const DAYS_OF_WEEK: Bounds = { min: 0, max: 6, names: "sun mon tue wed thu fri sat".split(" "), first: 0 };

const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const EVERY = "@every ";
const FIELD_COUNT = 5;

/** Throws CronError. */
export function parseCron(text: string): CronSchedule {
  if (text === "") throw new CronError("empty spec string");
  if (text.startsWith("@")) return parseDescriptor(text);
  const fields = text.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== FIELD_COUNT) throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const [minutes = "", hours = "", daysOfMonth = "", months = "", daysOfWeek = ""] = fields;
  return {
    type: "fields",
    minutes: parseField(minutes, MINUTES),
    hours: parseField(hours, HOURS),
    daysOfMonth: parseField(daysOfMonth, DAYS_OF_MONTH),
    months: parseField(months, MONTHS),
    daysOfWeek: parseField(daysOfWeek, DAYS_OF_WEEK),
    anyDayOfMonth: isAny(daysOfMonth),
    anyDayOfWeek: isAny(daysOfWeek),
  };
}

function isAny(field: string): boolean {
  return field.split(",").some((part) => /^[*?](\/1)?$/.test(part));
}

function parseDescriptor(text: string): CronSchedule {
  const fields = Object.hasOwn(DESCRIPTORS, text) ? DESCRIPTORS[text] : undefined;
  if (fields !== undefined) return parseCron(fields);
  if (!text.startsWith(EVERY)) throw new CronError(`unrecognized descriptor: ${text}`);
  const duration = text.slice(EVERY.length);
  const period_ms = durationMs(duration);
  if (period_ms === undefined) {
    throw new CronError(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`);
  }
  return { type: "every", period_ms: Math.max(1_000, period_ms - (period_ms % 1_000)) };
}

function parseField(field: string, bounds: Bounds): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of field.split(",")) if (part !== "") for (const value of parseRange(part, bounds)) values.add(value);
  return values;
}

/** `number | number "-" number [ "/" number ]`, with `*` or `?` for all. */
function parseRange(text: string, bounds: Bounds): number[] {
  const [range = "", stepText, ...moreSteps] = text.split("/");
  const [low = "", high, ...moreEnds] = range.split("-");
  const single = high === undefined;
  let [start, end] = [bounds.min, bounds.max];
  if (low !== "*" && low !== "?") {
    start = parseValue(low, bounds);
    if (moreEnds.length > 0) throw new CronError(`too many hyphens: ${text}`);
    end = high === undefined ? start : parseValue(high, bounds);
  }
  let step = 1;
  if (moreSteps.length > 0) throw new CronError(`too many slashes: ${text}`);
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    // `5/15` means `5-59/15`.
    if (single) end = bounds.max;
  }
  if (start < bounds.min) throw new CronError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`);
  if (end > bounds.max) throw new CronError(`end of range (${end}) above maximum (${bounds.max}): ${text}`);
  if (start > end) throw new CronError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`);
  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(value);
  return values;
}

function parseValue(text: string, { names, first }: Bounds): number {
  const at = names.indexOf(text.toLowerCase());
  return at < 0 ? parseNumber(text) : at + first;
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new CronError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const number = Number(text);
  if (number < 0) throw new CronError(`negative number (${number}) not allowed: ${text}`);
  return number;
}
