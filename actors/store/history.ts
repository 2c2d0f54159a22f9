import type { Change, Entry } from "./view.ts";

/** When this many forgotten changes lie before the first, the arrays are compacted: amortised O(1) a change. */
const COMPACT_AT = 1024;

/** The latest changes of one resource, in revision order. Kept as their parts, and put together for who asks: a change is an object less to mark when the heap is collected. */
export class History {
  readonly #resource: string;
  #revisions: number[] = [];
  #now: (Entry | undefined)[] = [];
  #before: (Entry | undefined)[] = [];
  /** Everything before this index is forgotten. */
  #first = 0;

  constructor(resource: string) {
    this.#resource = resource;
  }

  push({ revision, now, before }: Change): void {
    this.#revisions.push(revision);
    this.#now.push(now);
    this.#before.push(before);
  }

  /** The revision of the newest change ever pushed and not forgotten; 0 when there is none. */
  get newest(): number {
    return this.#revisions.at(-1) ?? 0;
  }

  /** Forgets all changes up to and including this revision. */
  forgetThrough(revision: number): void {
    const until = this.#indexAfter(revision);
    // The slots are cleared at once: they keep the texts of earlier states alive.
    this.#now.fill(undefined, this.#first, until);
    this.#before.fill(undefined, this.#first, until);
    this.#first = until;
    const isEmpty = until === this.#revisions.length;
    if (!isEmpty && (until < COMPACT_AT || until * 2 < this.#revisions.length)) return;
    this.#revisions = this.#revisions.slice(until);
    this.#now = this.#now.slice(until);
    this.#before = this.#before.slice(until);
    this.#first = 0;
  }

  /** The changes after `revision`, oldest first; at most `max`. */
  after(revision: number, max: number = Number.POSITIVE_INFINITY): readonly Change[] {
    const from = this.#indexAfter(revision);
    return this.#revisions
      .slice(from, from + max)
      .map((at, i) => ({ resource: this.#resource, revision: at, now: this.#now[from + i], before: this.#before[from + i] }));
  }

  #indexAfter(revision: number): number {
    let low = this.#first;
    let high = this.#revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#revisions[middle] ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
