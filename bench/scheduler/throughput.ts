import { setTimeout as delay } from "node:timers/promises";

const MS_PER_S = 1_000;
/** How often scheduler_perf looks. */
const INTERVAL_MS = 1_000;

/**
 * Throughput as scheduler_perf counts it: how many pods more are scheduled is looked at once a second; the first look that finds some only begins the
 * count, looks that find no more than the last are made up by the next, and what comes after the last whole second is not counted. Source: throughputCollector.
 */
export class Throughput {
  readonly #samples: number[] = [];
  #last: { readonly scheduled: number; readonly at_ms: number } | undefined;
  #skipped = 0;

  /** So many are scheduled now. */
  look(scheduled: number, at_ms: number): void {
    if (scheduled === 0) return;
    if (this.#last !== undefined) {
      const more = scheduled - this.#last.scheduled;
      if (more === 0) {
        this.#skipped++;
        return;
      }
      const perSecond = (more * MS_PER_S) / (at_ms - this.#last.at_ms);
      for (let i = 0; i <= this.#skipped; i++) this.#samples.push(perSecond);
      this.#skipped = 0;
    }
    this.#last = { scheduled, at_ms };
  }

  /** Pods a second on average; undefined: it did not take long enough for a sample. */
  get average(): number | undefined {
    const samples = this.#samples;
    return samples.length === 0 ? undefined : samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  }

  /** Looks once a second until it is over. */
  async follow(scheduled: () => number, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await delay(INTERVAL_MS, undefined, { signal: over }).catch(() => undefined);
      if (!over.aborted) this.look(scheduled(), performance.now());
    }
  }
}
