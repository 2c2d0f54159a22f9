import type { Draw } from "./draw.ts";

/** The level of what cannot win. */
export const OUT = -1;
/** A slot that is in no bucket. */
const NOWHERE = -1;
const BUCKET_SLOTS_MIN = 8;
const GROUPS_INITIAL = 4;

/**
 * Slots in groups, each at a whole level: the highest level of a group, how many slots have it, and any one of them with the same chance,
 * all in constant time. A slot changes its level or group in constant time too: scores are small whole numbers, so a bucket per group and
 * level does what a heap would do, and a draw among ties is one array access.
 *
 * Invariant: `#lists[#bucketOf[slot]][#placeOf[slot]] === slot` for every slot that is in a bucket; bit `level` of a group's words is set
 * exactly when the bucket has slots; `#best[group]` is the highest such level, or OUT.
 */
export class RankedBuckets {
  readonly #levels: number;
  readonly #words: number;
  readonly #bucketOf: Int32Array;
  readonly #placeOf: Int32Array;
  /** By `group * levels + level`. */
  readonly #lists: (Int32Array | undefined)[] = [];
  #sizes: Int32Array;
  #bits: Int32Array;
  /** By group. */
  #best: Int32Array;
  #members: Int32Array;

  /** For slots below `slots` and levels below `levels`. */
  constructor(slots: number, levels: number) {
    this.#levels = levels;
    this.#words = (levels + 31) >>> 5;
    this.#bucketOf = new Int32Array(slots).fill(NOWHERE);
    this.#placeOf = new Int32Array(slots);
    this.#sizes = new Int32Array(GROUPS_INITIAL * levels);
    this.#bits = new Int32Array(GROUPS_INITIAL * this.#words);
    this.#best = new Int32Array(GROUPS_INITIAL).fill(OUT);
    this.#members = new Int32Array(GROUPS_INITIAL);
  }

  /** The highest level of the group; OUT when it has no slots. */
  best(group: number): number {
    return group < this.#best.length ? (this.#best[group] as number) : OUT;
  }

  /** How many slots have the group's highest level. It must have one. */
  ties(group: number): number {
    return this.#sizes[group * this.#levels + (this.#best[group] as number)] as number;
  }

  /** How many slots the group has. */
  members(group: number): number {
    return group < this.#members.length ? (this.#members[group] as number) : 0;
  }

  /** One of the slots with the group's highest level: the one with this number, below `ties`. */
  tie(group: number, number: number): number {
    const list = this.#lists[group * this.#levels + (this.#best[group] as number)] as Int32Array;
    return list[number] as number;
  }

  /** One of the slots with the group's highest level, each with the same chance. It must have one. */
  draw(group: number, random: Draw): number {
    return this.tie(group, random.below(this.ties(group)));
  }

  /** The level of a slot; OUT when it is in no group. */
  levelOf(slot: number): number {
    const bucket = this.#bucketOf[slot] as number;
    return bucket === NOWHERE ? OUT : bucket % this.#levels;
  }

  /** Puts a slot into a group at a level, wherever it was before; OUT: into none. */
  set(slot: number, group: number, level: number): void {
    const before = this.#bucketOf[slot] as number;
    if (level >= this.#levels) throw new Error(`level ${level} of ${this.#levels}`);
    const bucket = level === OUT ? NOWHERE : group * this.#levels + level;
    if (before === bucket) return;
    if (before !== NOWHERE) this.#take(slot, before);
    if (bucket !== NOWHERE) this.#put(slot, bucket, group, level);
    else this.#bucketOf[slot] = NOWHERE;
  }

  #put(slot: number, bucket: number, group: number, level: number): void {
    if (group >= this.#best.length) this.#makeRoom(group + 1);
    const size = this.#sizes[bucket] as number;
    let list = this.#lists[bucket];
    if (list === undefined || size === list.length) {
      const longer = new Int32Array(Math.max(BUCKET_SLOTS_MIN, 2 * size));
      if (list !== undefined) longer.set(list);
      list = longer;
      this.#lists[bucket] = list;
    }
    list[size] = slot;
    this.#sizes[bucket] = size + 1;
    this.#bucketOf[slot] = bucket;
    this.#placeOf[slot] = size;
    this.#members[group] = (this.#members[group] as number) + 1;
    if (size > 0) return;
    const word = group * this.#words + (level >>> 5);
    this.#bits[word] = (this.#bits[word] as number) | (1 << (level & 31));
    if (level > (this.#best[group] as number)) this.#best[group] = level;
  }

  #take(slot: number, bucket: number): void {
    const list = this.#lists[bucket] as Int32Array;
    const size = (this.#sizes[bucket] as number) - 1;
    const place = this.#placeOf[slot] as number;
    const last = list[size] as number;
    list[place] = last;
    this.#placeOf[last] = place;
    this.#sizes[bucket] = size;
    const group = Math.floor(bucket / this.#levels);
    this.#members[group] = (this.#members[group] as number) - 1;
    // Levels drain for good as a cluster fills: what a bucket needed once is given back.
    if (list.length > BUCKET_SLOTS_MIN && 4 * size < list.length) this.#lists[bucket] = list.slice(0, list.length >>> 1);
    if (size > 0) return;
    const level = bucket % this.#levels;
    const word = group * this.#words + (level >>> 5);
    this.#bits[word] = (this.#bits[word] as number) & ~(1 << (level & 31));
    if (level === this.#best[group]) this.#best[group] = this.#highest(group, word);
  }

  /** The highest level of the group with slots, none of which is beyond this word. */
  #highest(group: number, from: number): number {
    const first = group * this.#words;
    for (let word = from; word >= first; word--) {
      const bits = this.#bits[word] as number;
      if (bits !== 0) return ((word - first) << 5) + 31 - Math.clz32(bits);
    }
    return OUT;
  }

  #makeRoom(groups: number): void {
    const wider = Math.max(groups, 2 * this.#best.length);
    const known = this.#best.length;
    this.#best = grown(this.#best, wider).fill(OUT, known);
    this.#members = grown(this.#members, wider);
    this.#sizes = grown(this.#sizes, wider * this.#levels);
    this.#bits = grown(this.#bits, wider * this.#words);
  }
}

/** A longer copy. */
export function grown(array: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
