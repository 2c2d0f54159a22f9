/** Times as the API reads and prints them: RFC 3339 in UTC, whole seconds (Time) or microseconds (MicroTime). Source: metav1.Time. */
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

const LAYOUT = "2006-01-02T15:04:05Z07:00";
const MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00";

export type TimeRead = { readonly text: string } | { readonly wrong: string };

const MILLI_DIGITS = 3;
const MICRO_DIGITS = 6;

/** The canonical text of a time that came over the wire, or what Go's parser says of it. */
export function readTime(value: unknown, micro: boolean): TimeRead {
  if (typeof value !== "string") {
    return {
      wrong: `json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value} into Go value of type string`,
    };
  }
  const match = RFC3339.exec(value);
  const time_ms = match === null ? Number.NaN : Date.parse(`${value.slice(0, 19)}${match[8]}`);
  if (match === null || Number.isNaN(time_ms)) return { wrong: goParseError(value, micro ? MICRO_LAYOUT : LAYOUT) };
  const seconds = new Date(time_ms).toISOString().slice(0, -MILLI_DIGITS - 2);
  if (!micro) return { text: `${seconds}Z` };
  return { text: `${seconds}.${(match[7] ?? "").slice(0, MICRO_DIGITS).padEnd(MICRO_DIGITS, "0")}Z` };
}

/** The elements of the layout in their order: what to expect, and how Go calls it. */
const ELEMENTS: readonly (readonly [pattern: RegExp, layout: string])[] = [
  [/^\d{4}/, "2006"],
  [/^-/, "-"],
  [/^(0[1-9]|1[0-2])/, "01"],
  [/^-/, "-"],
  [/^(0[1-9]|[12]\d|3[01])/, "02"],
  [/^T/, "T"],
  [/^([01]\d|2[0-3])/, "15"],
  [/^:/, ":"],
  [/^[0-5]\d/, "04"],
  [/^:/, ":"],
  [/^[0-5]\d([.,]\d+)?/, "05"],
  [/^(Z|[+-]\d\d:\d\d)/, "Z07:00"],
];

function goParseError(value: string, layout: string): string {
  let rest = value;
  for (const [pattern, name] of ELEMENTS) {
    const found = pattern.exec(rest);
    if (found === null) {
      return `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(name)}`;
    }
    rest = rest.slice(found[0].length);
  }
  return `parsing time ${JSON.stringify(value)}: extra text: ${JSON.stringify(rest)}`;
}
