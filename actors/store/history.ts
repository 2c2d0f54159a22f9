import { PackedTexts } from "./packed-texts.ts";
import { StoredEntry } from "./stored-entry.ts";
import type { Key } from "./transaction.ts";
import type { Change, Entry } from "./view.ts";

/** When this many forgotten changes lie before the first, the arrays are compacted: amortised O(1) a change. */
const COMPACT_AT = 1024;
/** In the place of a revision, or of the number of a change. */
const NONE = 0;
/** In the place of the next change: this one took the object away. */
const DELETED = -1;

/**
 * The latest changes of one resource, in revision order, as an undo log: of each it keeps the object as it was before, packed, and the number of the next change
 * of the same key, before which the object was what this change had made of it. What no change follows is what is there now. So what is past is nothing
 * that the garbage collector has to go through, and a version that is replaced at once dies young; but each look into the past makes its entries anew.
 */
export class History {
  readonly #resource: string;
  readonly #current: (key: Key) => Entry | undefined;
  #revisions: number[] = [];
  #keys: Key[] = [];
  /** The revision of what was there before, or NONE; and where its text is. */
  #beforeRevisions: number[] = [];
  #places: number[] = [];
  /** The number of the next change of the same key, NONE, or DELETED. */
  #next: number[] = [];
  readonly #texts = new PackedTexts();
  /** Everything before this index is forgotten. */
  #first = 0;
  /** The number of the change at index 0: numbers stay as they are when the arrays are compacted. */
  #numberOfFirst = NONE + 1;

  /** `current`: what a key holds now. */
  constructor(resource: string, current: (key: Key) => Entry | undefined) {
    this.#resource = resource;
    this.#current = current;
  }

  /** To be called when `current` has it already. */
  push({ revision, now, before }: Change): void {
    if (before !== undefined) this.#link(before.revision);
    this.#revisions.push(revision);
    this.#keys.push((now ?? before)?.key ?? "");
    this.#beforeRevisions.push(before?.revision ?? NONE);
    this.#places.push(before === undefined ? this.#texts.end : this.#texts.add(before));
    this.#next.push(now === undefined ? DELETED : NONE);
  }

  /** The revision of the newest change ever pushed and not forgotten; 0 when there is none. */
  get newest(): number {
    return this.#revisions.at(-1) ?? 0;
  }

  /** Forgets all changes up to and including this revision. */
  forgetThrough(revision: number): void {
    const until = this.#indexAfter(revision);
    this.#texts.forgetBefore(this.#places[until] ?? this.#texts.end);
    this.#first = until;
    const isEmpty = until === this.#revisions.length;
    if (!isEmpty && (until < COMPACT_AT || until * 2 < this.#revisions.length)) return;
    this.#revisions = this.#revisions.slice(until);
    this.#keys = this.#keys.slice(until);
    this.#beforeRevisions = this.#beforeRevisions.slice(until);
    this.#places = this.#places.slice(until);
    this.#next = this.#next.slice(until);
    this.#numberOfFirst += until;
    this.#first = 0;
  }

  /** The changes after `revision`, oldest first; at most `max`. */
  after(revision: number, max: number = Number.POSITIVE_INFINITY): readonly Change[] {
    const from = this.#indexAfter(revision);
    return this.#revisions.slice(from, from + max).map((at, i) => ({
      resource: this.#resource,
      revision: at,
      now: this.#now(from + i),
      before: this.#before(from + i),
    }));
  }

  /** What each key held at `revision` that has changed since; undefined: nothing. `wanted`: of which keys. */
  heldAt(revision: number, wanted: (key: Key) => boolean = () => true): Map<Key, Entry | undefined> {
    const held = new Map<Key, Entry | undefined>();
    for (let index = this.#indexAfter(revision); index < this.#revisions.length; index++) {
      const key = this.#keys[index] as Key;
      if (!held.has(key) && wanted(key)) held.set(key, this.#before(index));
    }
    return held;
  }

  /** The change that is pushed next is the one after the one of this revision. */
  #link(revision: number): void {
    const index = this.#indexAfter(revision) - 1;
    if (index >= this.#first && this.#revisions[index] === revision) this.#next[index] = this.#numberOfFirst + this.#revisions.length;
  }

  #now(index: number): Entry | undefined {
    const next = this.#next[index] ?? NONE;
    if (next === DELETED) return undefined;
    return next === NONE ? this.#current(this.#keys[index] as Key) : this.#before(next - this.#numberOfFirst);
  }

  #before(index: number): Entry | undefined {
    const revision = this.#beforeRevisions[index] ?? NONE;
    if (revision === NONE) return undefined;
    const { text, managers } = this.#texts.read(this.#places[index] as number);
    return new StoredEntry(this.#keys[index] as Key, revision, text, managers);
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
