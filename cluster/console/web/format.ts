const NUMBER = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const MILLI = 1_000;
const AGE_UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
  [1, "s"],
];

/** 150000 → 150,000. */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** Thousandths of a processor as processors: 12400 → 12.4. */
export function cores(milli: number): string {
  return short(milli / MILLI);
}

/** 1024³ → 1 GiB. */
export function bytes(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < BYTE_UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${short(rest)} ${BYTE_UNITS[unit]}`;
}

/** Three digits or more need no fraction. */
function short(value: number): string {
  return value < 100 ? SHORT.format(value) : NUMBER.format(Math.round(value));
}

/** 0.623 → 62%; what is more than nothing is never 0%. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return "<1%";
  return `${Math.round(share * 100)}%`;
}

/** Seconds: 0.0042 → 4.2 ms. */
export function duration(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 0.001) return `${SHORT.format(seconds * 1_000_000)} µs`;
  return seconds < 1 ? `${SHORT.format(seconds * MILLI)} ms` : `${SHORT.format(seconds)} s`;
}

/** How many a second: 1234.5 → 1,235/s. */
export function rateOf(value: number): string {
  return `${short(value)}/s`;
}

/** How long ago, in the two largest units that count: 26 h → 1d2h. */
export function age(since: string, now_ms: number): string {
  let rest = Math.max(0, Math.floor((now_ms - Date.parse(since)) / MILLI));
  const parts: string[] = [];
  for (const [seconds, unit] of AGE_UNITS) {
    const whole = Math.floor(rest / seconds);
    rest -= whole * seconds;
    if (whole > 0 || (parts.length > 0 && unit !== "s")) parts.push(`${whole}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.filter((part, at) => at === 0 || !part.startsWith("0")).join("") || "0s";
}
