import type { Change } from "./view.ts";

/** When this many forgotten changes lie before the first, the array is compacted: amortised O(1) a change. */
const COMPACT_AT = 1024;

/** The latest changes of one resource, in revision order. */
export class History {
  #changes: (Change | undefined)[] = [];
  /** Everything before this index is forgotten. */
  #first = 0;

  push(change: Change): void {
    this.#changes.push(change);
  }

  get size(): number {
    return this.#changes.length - this.#first;
  }

  /** The revision of the newest change ever pushed and not forgotten; 0 when there is none. */
  get newest(): number {
    return this.#changes[this.#changes.length - 1]?.revision ?? 0;
  }

  /** Forgets all changes up to and including this revision. */
  forgetThrough(revision: number): void {
    while (this.#first < this.#changes.length) {
      const change = this.#changes[this.#first];
      if (change !== undefined && change.revision > revision) break;
      // The slot is cleared at once: a change keeps the text of the state before it alive.
      this.#changes[this.#first++] = undefined;
    }
    if (this.#first === this.#changes.length) {
      this.#changes = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#changes.length) {
      this.#changes = this.#changes.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The changes after `revision`, oldest first; at most `max`. */
  after(revision: number, max: number = Number.POSITIVE_INFINITY): readonly Change[] {
    const from = this.#indexAfter(revision);
    return this.#changes.slice(from, from + max) as Change[];
  }

  #indexAfter(revision: number): number {
    let low = this.#first;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
