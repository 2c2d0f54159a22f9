/**
 * How long something that failed has to wait until it is tried again: twice as long after every failure, up to a limit; what went well for twice the
 * limit begins anew. Kept in memory only, as in Kubernetes. Source: client-go's flowcontrol.Backoff.
 */
export class FailureBackoff {
  readonly #first_ms: number;
  readonly #max_ms: number;
  readonly #waits = new Map<string, { wait_ms: number; failed_ms: number }>();

  constructor(first_ms: number, max_ms: number) {
    this.#first_ms = first_ms;
    this.#max_ms = max_ms;
  }

  /** Milliseconds that are left to wait; 0 when there is nothing to wait for. */
  remaining_ms(key: string, now_ms: number): number {
    const entry = this.#waits.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.failed_ms + entry.wait_ms - now_ms);
  }

  failed(key: string, now_ms: number): void {
    const entry = this.#waits.get(key);
    const isOld = entry === undefined || now_ms - entry.failed_ms > 2 * this.#max_ms;
    this.#waits.set(key, { wait_ms: isOld ? this.#first_ms : Math.min(2 * entry.wait_ms, this.#max_ms), failed_ms: now_ms });
  }

  /** Forgets all keys that begin so. */
  forget(prefix: string): void {
    for (const key of this.#waits.keys()) if (key.startsWith(prefix)) this.#waits.delete(key);
  }
}
