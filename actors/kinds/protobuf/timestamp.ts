/** Times between their two forms: seconds and nanoseconds since 1970 in protobuf, RFC 3339 in JSON. Source: metav1's time_proto.go. */
const MS_PER_S = 1_000;
const NS_PER_S = 1_000_000_000;
const NS_PER_US = 1_000;
const US_DIGITS = 6;
/** `2026-01-02T03:04:05` */
const SECONDS_CHARS = 19;

/** The first and last second whose year has four digits. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;

export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** The text of a time, in whole seconds or (`micro`) microseconds; undefined when RFC 3339 cannot say it. */
export function textOfTime(seconds: number, nanos: number, micro: boolean): string | undefined {
  const whole_s = micro ? seconds + Math.floor(nanos / NS_PER_S) : seconds;
  if (!(whole_s >= SECONDS_MIN && whole_s <= SECONDS_MAX)) return undefined;
  const text = new Date(whole_s * MS_PER_S).toISOString().slice(0, SECONDS_CHARS);
  if (!micro) return `${text}Z`;
  const within_ns = ((nanos % NS_PER_S) + NS_PER_S) % NS_PER_S;
  return `${text}.${String(Math.floor(within_ns / NS_PER_US)).padStart(US_DIGITS, "0")}Z`;
}

/** The inverse, of a time in canonical form; undefined when it is none. */
export function timeOfText(text: string): Timestamp | undefined {
  const time_ms = Date.parse(text);
  if (Number.isNaN(time_ms)) return undefined;
  const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? "";
  return { seconds: Math.floor(time_ms / MS_PER_S), nanos: Number(fraction.padEnd(US_DIGITS, "0")) * NS_PER_US };
}
