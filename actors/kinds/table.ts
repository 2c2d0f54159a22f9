/** What the tables of all kinds share: columns, ages, and the words for what is not there. Source: pkg/printers/internalversion. */
import type { Column } from "./kind.ts";
import type { KubeObject } from "./object.ts";

export const NONE = "<none>";
export const UNKNOWN = "<unknown>";

const SECOND_MS = 1000;
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_H = 24;
const YEAR_D = 365;

/** A duration in the two or three most significant units: `42s`, `3m12s`, `5h`, `2d4h`, `3y`. Source: apimachinery's duration.HumanDuration. */
export function humanDuration(duration_ms: number): string {
  const seconds = Math.trunc(duration_ms / SECOND_MS);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * MINUTE_S) return `${seconds}s`;
  const minutes = Math.trunc(seconds / MINUTE_S);
  if (minutes < 10) return withRest(minutes, "m", seconds % 60, "s");
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.trunc(seconds / HOUR_S);
  if (hours < 8) return withRest(hours, "h", minutes % 60, "m");
  if (hours < 2 * DAY_H) return `${hours}h`;
  const days = Math.trunc(hours / DAY_H);
  if (days < 8) return withRest(days, "d", hours % DAY_H, "h");
  if (days < 2 * YEAR_D) return `${days}d`;
  const years = Math.trunc(days / YEAR_D);
  return years < 8 ? withRest(years, "y", days % YEAR_D, "d") : `${years}y`;
}

function withRest(whole: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${whole}${unit}` : `${whole}${unit}${rest}${restUnit}`;
}

/** The time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function since(timestamp: string | null | undefined, now_ms: number): string {
  return timestamp === undefined || timestamp === null || timestamp === "" ? UNKNOWN : humanDuration(now_ms - Date.parse(timestamp));
}

export function ageOf(object: KubeObject, now_ms: number): string {
  return since(object.metadata.creationTimestamp, now_ms);
}

/** A column that `kubectl get` always prints. */
export function column(name: string, description: string, type: Column["type"] = "string", format = ""): Column {
  return { name, type, format, description, priority: 0 };
}

/** A column of `kubectl get -o wide` only. */
export function wideColumn(name: string, description: string, type: Column["type"] = "string", format = ""): Column {
  return { name, type, format, description, priority: 1 };
}

export const NAME_COLUMN: Column = column("Name", "The name, unique among the objects of its kind and namespace", "string", "name");
export const AGE_COLUMN: Column = column("Age", "The time since the object was created");

/** `a=b,c=d`, sorted by key; `<none>` when empty. Source: apimachinery's labels.FormatLabels. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return NONE;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? NONE : pairs.sort().join(",");
}

export const UNSET = "<unset>";

/** A flag that may be left open, as Go's printers say it. */
export function printedFlag(value: boolean | undefined): string {
  return value === undefined ? UNSET : value ? "True" : "False";
}

/** The columns of kinds that Kubernetes has no printer for. */
export const DEFAULT_COLUMNS: readonly Column[] = [NAME_COLUMN, column("Created At", "When the object was created", "date")];

export function defaultCells(object: KubeObject): readonly [name: string, created: string] {
  return [object.metadata.name, object.metadata.creationTimestamp ?? ""];
}

/** The first few of a list, and how many more there are. */
export function firstFew(all: readonly string[], shown_max: number): string {
  const shown = all.slice(0, shown_max).join(",");
  return all.length > shown_max ? `${shown} + ${all.length - shown_max} more...` : shown;
}
