import { percentile } from "../driver/percentile.ts";

const CAPACITY_FIRST = 256;

/** Measured values with the moments at which they were measured (`performance.now()`), sixteen bytes each. */
export class Samples {
  #at_ms = new Float64Array(CAPACITY_FIRST);
  #values = new Float64Array(CAPACITY_FIRST);
  #count = 0;

  add(at_ms: number, value: number): void {
    if (this.#count === this.#values.length) {
      this.#at_ms = grown(this.#at_ms);
      this.#values = grown(this.#values);
    }
    this.#at_ms[this.#count] = at_ms;
    this.#values[this.#count++] = value;
  }

  get count(): number {
    return this.#count;
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }

  get moments_ms(): Float64Array {
    return this.#at_ms.subarray(0, this.#count);
  }

  /** By the nearest rank, as Kubernetes' service levels are given; undefined of none. */
  percentile(share: number): number | undefined {
    return percentile(this.values, share);
  }

  /** Those measured in `[from_ms, to_ms)`. */
  between(from_ms: number, to_ms: number): Samples {
    const found = new Samples();
    for (let i = 0; i < this.#count; i++) {
      const at_ms = this.#at_ms[i] ?? 0;
      if (at_ms >= from_ms && at_ms < to_ms) found.add(at_ms, this.#values[i] ?? 0);
    }
    return found;
  }

  /** How much the value grows in a millisecond, by least squares; undefined of fewer than two moments. */
  slope(): number | undefined {
    const meanAt = mean(this.moments_ms);
    const meanValue = mean(this.values);
    let covariance = 0;
    let variance = 0;
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#at_ms[i] ?? 0) - meanAt;
      covariance += at * ((this.#values[i] ?? 0) - meanValue);
      variance += at * at;
    }
    return variance === 0 ? undefined : covariance / variance;
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const next = new Float64Array(array.length * 2);
  next.set(array);
  return next;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
