import { hashOf } from "./hash-table.ts";

/** Oldest first: added in that order to a window that was reset to `since`, they make it what it was. */
export interface CapturedRequests extends Iterable<readonly [request: string, revision: number]> {
  readonly since: number;
}

/** Slots for each request that is remembered at most: a quarter full, a table is looked at 1.2 times for what is not in it. */
const SLOTS_PER_REQUEST = 4;

/**
 * The requests of one generation, in the order in which they came, and a table of them by hash (open addressing, linear probing). Not a Map: of a million
 * look-ups all but a few find nothing, and numbers beside one another say so without a look at the strings, which lie all over the heap.
 */
class Generation {
  /** In revision order. They only ever grow at the end, so what is captured is a length. */
  readonly requests: string[] = [];
  revisions: Float64Array = new Float64Array(0);
  readonly #size: number;
  /** By slot: 0, or the number of the request plus 1. Invariant: at most a quarter is in use. Most replicas remember nothing, and have no table. */
  #numbers: Int32Array = new Int32Array(1);
  #hashes: Int32Array = new Int32Array(1);
  #mask = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(request: string, hash: number, revision: number): void {
    if (this.requests.length === 0) this.#makeTable();
    let slot = hash & this.#mask;
    while (this.#numbers[slot] !== 0) slot = (slot + 1) & this.#mask;
    const number = this.requests.push(request);
    this.revisions[number - 1] = revision;
    this.#numbers[slot] = number;
    this.#hashes[slot] = hash;
  }

  #makeTable(): void {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, this.#size) * SLOTS_PER_REQUEST));
    this.revisions = new Float64Array(this.#size);
    this.#numbers = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  find(request: string, hash: number): number | undefined {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const number = this.#numbers[slot] ?? 0;
      if (number === 0) return undefined;
      if (this.#hashes[slot] === hash && this.requests[number - 1] === request) return this.revisions[number - 1];
    }
  }
}

/**
 * The transactions applied last, by request id: what makes a retry after a lost answer safe. Two generations: when the younger is full it
 * becomes the older, so at least `size` and at most twice as many are remembered, without any order to keep up.
 */
export class RequestWindow {
  readonly #size: number;
  #young: Generation;
  #old: Generation;
  /** All transactions after this revision are in the younger generation; after the next, in one of both. */
  #youngSince = 0;
  #since = 0;

  constructor(size: number) {
    this.#size = size;
    this.#young = new Generation(size);
    this.#old = new Generation(0);
  }

  /** Every transaction applied after this revision is remembered: a request made later than that was applied if and only if it is found. */
  get since(): number {
    return this.#since;
  }

  /** Begins anew: nothing is remembered of what was applied up to this revision. */
  reset(revision: number): void {
    this.#young = new Generation(this.#size);
    this.#old = new Generation(0);
    this.#youngSince = revision;
    this.#since = revision;
  }

  /** Remembers a transaction by the revision of its first mutation, in revision order. */
  add(request: string, revision: number): void {
    if (this.#young.requests.length >= this.#size) {
      this.#old = this.#young;
      this.#young = new Generation(this.#size);
      this.#since = this.#youngSince;
      this.#youngSince = revision - 1;
    }
    this.#young.add(request, hashOf(request), revision);
  }

  /** What is remembered as of now. What is added later is not in it. */
  capture(): CapturedRequests {
    const [old, young, size] = [this.#old, this.#young, this.#young.requests.length];
    return {
      since: this.#since,
      *[Symbol.iterator]() {
        for (const [generation, count] of [
          [old, old.requests.length],
          [young, size],
        ] as const) {
          for (let i = 0; i < count; i++) yield [generation.requests[i] as string, generation.revisions[i] as number] as const;
        }
      },
    };
  }

  /** The first revision of the transaction that was applied under this id. */
  find(request: string): number | undefined {
    const hash = hashOf(request);
    return this.#young.find(request, hash) ?? this.#old.find(request, hash);
  }
}
