/** One line of a metrics page. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metrics page at one moment. */
export interface Scrape {
  readonly at_ms: number;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

/** Which lines of a metric are meant. */
export type Filter = (labels: Readonly<Record<string, string>>) => boolean;

const EVERY: Filter = () => true;
const MS_PER_S = 1_000;

/** Reads Prometheus' text format. */
export function parseMetrics(text: string, at_ms: number): Scrape {
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const brace = line.indexOf("{");
    const end = brace < 0 ? line.indexOf(" ") : line.lastIndexOf("}") + 1;
    const name = line.slice(0, brace < 0 ? end : brace);
    const value = Number(line.slice(end).trim().split(" ")[0]);
    const sample = { labels: brace < 0 ? {} : labelsOf(line.slice(brace + 1, end - 1)), value };
    const known = samples.get(name);
    if (known === undefined) samples.set(name, [sample]);
    else known.push(sample);
  }
  return { at_ms, samples };
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    ]),
  );
}

/** The sum of all lines of a metric. */
export function sum({ samples }: Scrape, name: string, filter: Filter = EVERY): number {
  let total = 0;
  for (const { labels, value } of samples.get(name) ?? []) if (filter(labels)) total += value;
  return total;
}

/** By how much a counter grew a second. What begins anew with a restart is counted from there. */
export function rate(then: Scrape, now: Scrape, name: string, filter: Filter = EVERY): number {
  return grown(sum(then, name, filter), sum(now, name, filter)) / seconds(then, now);
}

/** How one counter grew for each that another grew: what one of many took. Undefined where there was none. */
export function each(then: Scrape, now: Scrape, name: string, of: string, filter: Filter = EVERY): number | undefined {
  const many = grown(sum(then, of, filter), sum(now, of, filter));
  return many === 0 ? undefined : grown(sum(then, name, filter), sum(now, name, filter)) / many;
}

/**
 * Which value this share of all that came into a histogram between two scrapes did not exceed: as far along in its bucket as the share is, as Prometheus'
 * histogram_quantile has it. Undefined where nothing came.
 */
export function quantile(then: Scrape, now: Scrape, name: string, share: number, filter: Filter = EVERY): number | undefined {
  const before = buckets(then, name, filter);
  const after = [...buckets(now, name, filter)].sort(([a], [b]) => a - b);
  const isAnew = after.some(([bound, count]) => count < (before.get(bound) ?? 0));
  const counts = after.map(([bound, count]) => [bound, count - (isAnew ? 0 : (before.get(bound) ?? 0))] as const);
  const all = counts.at(-1)?.[1] ?? 0;
  if (all === 0) return undefined;
  let from = 0;
  let below = 0;
  for (const [bound, count] of counts) {
    if (count >= share * all)
      return bound === Number.POSITIVE_INFINITY ? from : from + ((bound - from) * (share * all - below)) / (count - below);
    from = bound;
    below = count;
  }
  return from;
}

/** How many were no larger, by bound. */
function buckets({ samples }: Scrape, name: string, filter: Filter): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { labels, value } of samples.get(`${name}_bucket`) ?? []) {
    if (!filter(labels)) continue;
    const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return counts;
}

function grown(then: number, now: number): number {
  return now < then ? now : now - then;
}

function seconds(then: Scrape, now: Scrape): number {
  return Math.max(0.001, (now.at_ms - then.at_ms) / MS_PER_S);
}
