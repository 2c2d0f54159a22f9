/** Oldest first: added in that order to a window that was reset to `since`, they make it what it was. */
export interface CapturedRequests extends Iterable<readonly [request: string, revision: number]> {
  readonly since: number;
}

/**
 * The transactions applied last, by request id: what makes a retry after a lost answer safe. Two generations: when the younger is full it
 * becomes the older, so at least `size` and at most twice as many are remembered, without any order to keep up.
 */
export class RequestWindow {
  readonly #size: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  /** All transactions after this revision are in the younger generation; after the next, in one of both. */
  #youngSince = 0;
  #since = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Every transaction applied after this revision is remembered: a request made later than that was applied if and only if it is found. */
  get since(): number {
    return this.#since;
  }

  /** Begins anew: nothing is remembered of what was applied up to this revision. */
  reset(revision: number): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngSince = revision;
    this.#since = revision;
  }

  /** Remembers a transaction by the revision of its first mutation, in revision order. */
  add(request: string, revision: number): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#since = this.#youngSince;
      this.#youngSince = revision - 1;
    }
    this.#young.set(request, revision);
  }

  /** What is remembered as of now. What is added later is not in it. */
  capture(): CapturedRequests {
    // Both maps only ever grow at their end, so the number of entries is all that has to be remembered.
    const [old, young, size] = [this.#old, this.#young, this.#young.size];
    return {
      since: this.#since,
      *[Symbol.iterator]() {
        yield* old;
        let left = size;
        for (const entry of young) if (left-- > 0) yield entry;
      },
    };
  }

  /** The first revision of the transaction that was applied under this id. */
  find(request: string): number | undefined {
    return this.#young.get(request) ?? this.#old.get(request);
  }
}
