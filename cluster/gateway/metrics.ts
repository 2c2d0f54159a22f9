import { type Family, histogramSamples, type Labels } from "../observation/families.ts";
import type { RequestInfo } from "./route.ts";

/** Requests counted and timed. Names and labels are apiserver's, so that dashboards made for it work. */

/** Upper bounds of the latency buckets, seconds: apiserver's, and before them finer ones for what a store in memory answers. */
const BUCKETS_S = [
  0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** Distinct label sets kept, so that made-up paths cannot fill the memory; what is beyond is counted as `other`. */
const SERIES_MAX = 2_000;

const MS_PER_S = 1_000;

/** apiserver names some verbs by the method. Source: CanonicalVerb and cleanVerb in apiserver/pkg/endpoints/metrics. */
const VERBS: Readonly<Record<string, string>> = { create: "POST", update: "PUT", "": "other" };

interface Series {
  readonly labels: Labels;
  sum_s: number;
  readonly buckets: Float64Array;
}

interface Counted {
  readonly labels: Labels;
  count: number;
}

export class RequestMetrics {
  readonly #series = new Map<string, Series>();
  readonly #codes = new Map<string, Counted>();

  /** Counts one answered request. Long-running requests have no duration. */
  count(info: RequestInfo, code: number, duration_ms: number | undefined): void {
    const base = keyOf(info, code);
    const byCode = `${base},${code}`;
    let counter = this.#codes.get(byCode);
    if (counter === undefined) {
      const known = this.#codes.size < SERIES_MAX;
      const key = known ? byCode : `other,${code}`;
      counter = this.#codes.get(key) ?? { labels: { ...(known ? labelsOf(info, code) : OTHER), code }, count: 0 };
      this.#codes.set(key, counter);
    }
    counter.count += 1;
    if (duration_ms !== undefined) this.#time(base, info, code, duration_ms / MS_PER_S);
  }

  #time(base: string, info: RequestInfo, code: number, duration_s: number): void {
    let series = this.#series.get(base);
    if (series === undefined) {
      const known = this.#series.size < SERIES_MAX;
      const key = known ? base : "other";
      series = this.#series.get(key) ?? {
        labels: known ? labelsOf(info, code) : OTHER,
        sum_s: 0,
        buckets: new Float64Array(BUCKETS_S.length + 1),
      };
      this.#series.set(key, series);
    }
    series.sum_s += duration_s;
    let bucket = 0;
    while (duration_s > (BUCKETS_S[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
  }

  families(): readonly Family[] {
    const durations = [...this.#series.values()].flatMap(({ labels, buckets, sum_s }) =>
      histogramSamples(labels, BUCKETS_S, buckets, sum_s),
    );
    return [
      {
        name: "apiserver_request_total",
        help: "Requests answered.",
        type: "counter",
        samples: [...this.#codes.values()].map(({ labels, count }) => ({ labels, value: count })),
      },
      {
        name: "apiserver_request_duration_seconds",
        help: "Time from the head of a request to the end of its answer.",
        type: "histogram",
        samples: durations,
      },
      {
        name: "apiserver_request_sli_duration_seconds",
        help: "The same: what webhooks take is not taken off.",
        type: "histogram",
        samples: durations,
      },
    ];
  }
}

const OTHER: Labels = labels("other", "", "", "", "", "", "");

/** What tells the series of requests apart. Made-up names in made-up paths must not become labels. */
function keyOf(info: RequestInfo, code: number): string {
  if (info.type === "page") return info.method;
  const { verb, group, version, resource, subresource, namespace, name } = info;
  if (code === 404 && !info.named) return verb;
  return `${verb},${group},${version},${resource},${subresource},${scopeOf(verb, namespace, name)},${dryRunOf(info)}`;
}

function labelsOf(info: RequestInfo, code: number): Labels {
  if (info.type === "page") return labels(info.method.toUpperCase(), "", "", "", "", "", "");
  const { group, version, resource, subresource, namespace, name } = info;
  const verb = VERBS[info.verb] ?? info.verb.toUpperCase();
  if (code === 404 && !info.named) return labels(verb, "", "", "", "", "", "");
  return labels(verb, dryRunOf(info), group, version, resource, subresource, scopeOf(info.verb, namespace, name));
}

/** Source: CleanScope in apiserver/pkg/endpoints/metrics. */
function scopeOf(verb: string, namespace: string, name: string): string {
  if (name !== "" || verb === "create") return "resource";
  return namespace === "" ? "cluster" : "namespace";
}

/** Source: cleanDryRun in apiserver/pkg/endpoints/metrics; what is no word of Kubernetes is refused. */
function dryRunOf({ query }: RequestInfo): string {
  return query.size > 0 && query.get("dryRun") === "All" ? "All" : "";
}

function labels(
  verb: string,
  dry_run: string,
  group: string,
  version: string,
  resource: string,
  subresource: string,
  scope: string,
): Labels {
  return { verb, dry_run, group, version, resource, subresource, scope, component: "apiserver" };
}
