import { type Clock, TokenBucket } from "../../../runtime/mod.ts";

/** Wrong tokens that one address may show at once, and how fast it may show more. */
export const ATTEMPTS_BURST = 100;
export const ATTEMPTS_PER_S = 10;
/** Addresses that are remembered; of more, those that failed longest ago are forgiven. */
const ADDRESSES_MAX = 4_096;

/**
 * Slows down who shows one wrong token after another: beyond a burst, tokens of that address are not looked at for a while, right or wrong, so that
 * guessing tells nothing and costs little. Who was believed a moment ago does not come by here.
 */
export class FailedAttempts {
  readonly #clock: Pick<Clock, "monotonic_ms">;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Pick<Clock, "monotonic_ms">) {
    this.#clock = clock;
  }

  /** Whether a token of this address is to be looked at now. */
  mayTry(address: string): boolean {
    const bucket = this.#buckets.get(address);
    return bucket === undefined || bucket.has(this.#clock.monotonic_ms());
  }

  failed(address: string): void {
    const now_ms = this.#clock.monotonic_ms();
    const bucket = this.#buckets.get(address) ?? new TokenBucket(ATTEMPTS_BURST, ATTEMPTS_PER_S, now_ms);
    bucket.owe(now_ms);
    this.#buckets.delete(address);
    if (this.#buckets.size >= ADDRESSES_MAX) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    this.#buckets.set(address, bucket);
  }
}
