/** Upper bounds of the buckets, in milliseconds, each included; what is longer than the last goes into one bucket more. */
export const HISTOGRAM_BOUNDS_MS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

/** A histogram at one moment: plain data. */
export interface HistogramCounts {
  /** How many fell into each bucket (not added up), in the order of HISTOGRAM_BOUNDS_MS; the last is without bound. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum_ms: number;
  readonly max_ms: number;
}

/** Durations counted by size. Adding one allocates nothing. */
export class Histogram {
  readonly #counts = new Float64Array(HISTOGRAM_BOUNDS_MS.length + 1);
  #count = 0;
  #sum_ms = 0;
  #max_ms = 0;

  /** One duration, which stands for `weight` of them. */
  add(duration_ms: number, weight = 1): void {
    let bucket = 0;
    while (duration_ms > (HISTOGRAM_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + weight;
    this.#count += weight;
    this.#sum_ms += duration_ms * weight;
    if (duration_ms > this.#max_ms) this.#max_ms = duration_ms;
  }

  counts(): HistogramCounts {
    return { counts: [...this.#counts], count: this.#count, sum_ms: this.#sum_ms, max_ms: this.#max_ms };
  }
}
