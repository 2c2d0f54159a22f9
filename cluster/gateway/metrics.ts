/** Requests counted and timed, printed in Prometheus' text format. Names are apiserver's, so that dashboards made for it work. */

/** Upper bounds of the latency buckets, seconds. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Distinct label sets kept, so that made-up paths cannot fill the memory; what is beyond is counted as `other`. */
const SERIES_MAX = 2_000;

const MS_PER_S = 1_000;

interface Series {
  readonly labels: string;
  count: number;
  sum_s: number;
  readonly buckets: Uint32Array;
}

/** A number that is read when somebody looks. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** `{request_kind="mutating"}` or empty. */
  readonly labels: string;
  read(): number;
}

export class RequestMetrics {
  readonly #series = new Map<string, Series>();
  readonly #codes = new Map<string, { readonly labels: string; count: number }>();
  readonly #gauges: readonly Gauge[];

  constructor(gauges: readonly Gauge[]) {
    this.#gauges = gauges;
  }

  /** Counts one answered request. `resource` is `pods`, `pods/status`, or empty for pages. Long-running requests have no duration. */
  count(verb: string, group: string, resource: string, code: number, duration_ms: number | undefined): void {
    const base = `${verb},${group},${resource}`;
    const byCode = `${base},${code}`;
    let counter = this.#codes.get(byCode);
    if (counter === undefined) {
      const known = this.#codes.size < SERIES_MAX;
      const labels = known ? `${labelsOf(verb, group, resource)},code="${code}"` : `${labelsOf("other", "", "")},code="${code}"`;
      const key = known ? byCode : `other,${code}`;
      counter = this.#codes.get(key) ?? { labels, count: 0 };
      this.#codes.set(key, counter);
    }
    counter.count += 1;
    if (duration_ms !== undefined) this.#time(base, verb, group, resource, duration_ms / MS_PER_S);
  }

  #time(base: string, verb: string, group: string, resource: string, duration_s: number): void {
    let series = this.#series.get(base);
    if (series === undefined) {
      if (this.#series.size >= SERIES_MAX) return;
      series = { labels: labelsOf(verb, group, resource), count: 0, sum_s: 0, buckets: new Uint32Array(BUCKETS_S.length) };
      this.#series.set(base, series);
    }
    series.count += 1;
    series.sum_s += duration_s;
    const { buckets } = series;
    for (let i = 0; i < BUCKETS_S.length; i++) {
      if (duration_s > (BUCKETS_S[i] ?? 0)) continue;
      buckets[i] = (buckets[i] ?? 0) + 1;
      break;
    }
  }

  print(): string {
    const lines = ["# HELP apiserver_request_total Requests answered.", "# TYPE apiserver_request_total counter"];
    for (const { labels, count } of this.#codes.values()) lines.push(`apiserver_request_total{${labels}} ${count}`);
    const name = "apiserver_request_duration_seconds";
    lines.push(`# HELP ${name} Time from the head of a request to the end of its answer.`, `# TYPE ${name} histogram`);
    for (const { labels, count, sum_s, buckets } of this.#series.values()) {
      let below = 0;
      for (const [i, bound] of BUCKETS_S.entries()) {
        below += buckets[i] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${below}`);
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`, `${name}_sum{${labels}} ${sum_s}`, `${name}_count{${labels}} ${count}`);
    }
    let last = "";
    for (const gauge of this.#gauges) {
      if (gauge.name !== last) lines.push(`# HELP ${gauge.name} ${gauge.help}`, `# TYPE ${gauge.name} gauge`);
      last = gauge.name;
      lines.push(`${gauge.name}${gauge.labels} ${gauge.read()}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function labelsOf(verb: string, group: string, resource: string): string {
  const [name = "", subresource = ""] = resource.split("/");
  return `verb="${escaped(verb.toUpperCase())}",group="${escaped(group)}",resource="${escaped(name)}",subresource="${escaped(subresource)}"`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
