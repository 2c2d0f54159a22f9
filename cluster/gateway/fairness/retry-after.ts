/** How long those who are turned away are told to wait: longer, while many are. Source: apiserver's pkg/util/flowcontrol/dropped_requests_tracker.go. */

const RETRY_AFTER_MAX_S = 32;
/** So many a second, and they are told to wait twice as long. */
const REFUSED_PER_S_MAX = 3;

export class RetryAfter {
  #seconds = 1;
  #changed_s = 0;
  #now_s = 0;
  #count = 0;
  #history: { readonly at_s: number; readonly count: number }[] = [];

  get seconds(): number {
    return this.#seconds;
  }

  /** One more was turned away; `now_s` in whole seconds. */
  refused(now_s: number): void {
    if (now_s === this.#now_s) {
      this.#count++;
      return;
    }
    const memory_s = Math.min(2 * this.#seconds, RETRY_AFTER_MAX_S);
    this.#history.push({ at_s: this.#now_s, count: this.#count });
    this.#history = this.#history.filter(({ at_s }) => now_s - at_s <= memory_s);
    this.#now_s = now_s;
    this.#count = 1;
    this.#adapt(now_s);
  }

  #adapt(now_s: number): void {
    const refused = this.#history.reduce((sum, { at_s, count }) => (now_s - at_s <= this.#seconds ? sum + count : sum), 0);
    if (now_s - this.#changed_s >= this.#seconds && refused >= REFUSED_PER_S_MAX * this.#seconds) {
      this.#seconds = Math.min(2 * this.#seconds, RETRY_AFTER_MAX_S);
      this.#changed_s = now_s;
    } else if (refused < this.#seconds && this.#seconds > 1) this.#seconds--;
  }
}
