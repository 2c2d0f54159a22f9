import type { Clock } from "../../runtime/mod.ts";

/** Answers of others that are remembered for a while, each for its own; of too many, the oldest go first. */
export class Expiring<T> {
  readonly #clock: Pick<Clock, "monotonic_ms">;
  readonly #entriesMax: number;
  readonly #entries = new Map<string, { readonly value: T; readonly end_ms: number }>();

  constructor(clock: Pick<Clock, "monotonic_ms">, entriesMax: number) {
    this.#clock = clock;
    this.#entriesMax = entriesMax;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#clock.monotonic_ms() < entry.end_ms) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, ttl_ms: number): void {
    if (ttl_ms <= 0) return;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, { value, end_ms: this.#clock.monotonic_ms() + ttl_ms });
  }
}
