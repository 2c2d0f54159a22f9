const MS_PER_S = 1_000;

/** So many at once, and so many a second beyond: what is taken fills up again with time. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #at_ms: number;

  constructor(burst: number, perSecond: number, now_ms: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#at_ms = now_ms;
  }

  /** Whether there is one to take. */
  has(now_ms: number): boolean {
    return this.#filled(now_ms) >= 1;
  }

  /** Takes one where there is one. */
  take(now_ms: number): boolean {
    this.#tokens = this.#filled(now_ms);
    this.#at_ms = now_ms;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Takes one whether there is one or not: what is owed fills up first. */
  owe(now_ms: number): void {
    this.#tokens = this.#filled(now_ms) - 1;
    this.#at_ms = now_ms;
  }

  #filled(now_ms: number): number {
    // A clock that is set back gives nothing and takes nothing.
    return Math.min(this.#burst, this.#tokens + (Math.max(0, now_ms - this.#at_ms) * this.#perSecond) / MS_PER_S);
  }
}
