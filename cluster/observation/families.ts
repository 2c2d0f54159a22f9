import type { Metric, Registry } from "prom-client";

/** Labels of one series; prom-client escapes them. */
export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What a histogram's series have behind the name. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** One metric with all its series at one moment. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** The series of a histogram from counts that are not added up; `counts` has one bucket more than there are bounds. */
export function histogramSamples(labels: Labels, bounds: readonly number[], counts: ArrayLike<number>, sum: number): Sample[] {
  const samples: Sample[] = [];
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    below += counts[i] ?? 0;
    samples.push({ labels: { ...labels, le: bound }, value: below, suffix: "_bucket" });
  }
  below += counts[bounds.length] ?? 0;
  samples.push(
    { labels: { ...labels, le: "+Inf" }, value: below, suffix: "_bucket" },
    { labels, value: sum, suffix: "_sum" },
    { labels, value: below, suffix: "_count" },
  );
  return samples;
}

/**
 * Gives a registry of prom-client these families to print. They are counted elsewhere: in the kernel and in the request path, where a label set
 * looked up for each count, as prom-client's own metrics do, would cost more than what is counted.
 */
export function register(registry: Registry, families: readonly Family[]): void {
  for (const { name, help, type, samples } of families) {
    const values = samples.map(({ labels, value, suffix }) => ({ labels, value, metricName: suffix === undefined ? name : name + suffix }));
    const metric = { name, get: async () => ({ name, help, type, aggregator: "sum", values }) };
    // Of a metric a registry uses nothing else; the library's types know only metrics that count by themselves.
    registry.registerMetric(metric as unknown as Metric);
  }
}
