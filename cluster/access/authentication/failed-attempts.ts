import type { Clock } from "../../../runtime/mod.ts";

/** Wrong tokens that one address may show at once, and how fast it may show more. */
export const ATTEMPTS_BURST = 100;
export const ATTEMPTS_PER_S = 10;
/** Addresses that are remembered; of more, those that failed longest ago are forgiven. */
const ADDRESSES_MAX = 4_096;
const MS_PER_S = 1_000;

interface Bucket {
  tokens: number;
  at_ms: number;
}

/**
 * Slows down who shows one wrong token after another: beyond a burst, tokens of that address are not looked at for a while, right or wrong, so that
 * guessing tells nothing and costs little. Who was believed a moment ago does not come by here.
 */
export class FailedAttempts {
  readonly #clock: Pick<Clock, "monotonic_ms">;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, "monotonic_ms">) {
    this.#clock = clock;
  }

  /** Whether a token of this address is to be looked at now. */
  mayTry(address: string): boolean {
    const bucket = this.#buckets.get(address);
    return bucket === undefined || this.#filled(bucket) >= 1;
  }

  failed(address: string): void {
    const bucket = this.#buckets.get(address) ?? { tokens: ATTEMPTS_BURST, at_ms: this.#clock.monotonic_ms() };
    bucket.tokens = this.#filled(bucket) - 1;
    bucket.at_ms = this.#clock.monotonic_ms();
    this.#buckets.delete(address);
    if (this.#buckets.size >= ADDRESSES_MAX) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    this.#buckets.set(address, bucket);
  }

  #filled({ tokens, at_ms }: Bucket): number {
    return Math.min(ATTEMPTS_BURST, tokens + ((this.#clock.monotonic_ms() - at_ms) * ATTEMPTS_PER_S) / MS_PER_S);
  }
}
