import type { Groups } from "./plugins/plugin.ts";
import { grown, type RankedBuckets } from "./ranked-buckets.ts";
import type { KeyDomains } from "./tallies.ts";

/** More groups than this are no better than asking every node. */
export const GROUPS_MAX = 4_096;
/** No group: there are too many. */
export const TOO_MANY_GROUPS = -1;

const TABLE_INITIAL = 64;
/** The first number of a signature. */
const VERDICT = 0;

/**
 * Nodes that a class cannot tell apart but by what their own pods take are one group. What tells groups apart is a signature of
 * whole numbers: the verdict of the static plugins, the domains of coarse topology keys, the traits that the judges gave.
 */
export class NodeGroups implements Groups {
  /** Write the signature of a node here, then call `find`. */
  readonly signature: Int32Array;
  readonly #coarse: readonly KeyDomains[];
  readonly #buckets: RankedBuckets;
  readonly #width: number;
  readonly #firstTrait: number;
  #signatures: Int32Array;
  #count = 0;
  /** Open addressing; a group's number plus one. */
  #table: Int32Array = new Int32Array(TABLE_INITIAL);

  constructor(coarse: readonly KeyDomains[], traits: number, buckets: RankedBuckets) {
    this.#coarse = coarse;
    this.#buckets = buckets;
    this.#firstTrait = 1 + coarse.length;
    this.#width = this.#firstTrait + traits;
    this.signature = new Int32Array(this.#width);
    this.#signatures = new Int32Array(TABLE_INITIAL * this.#width);
  }

  get count(): number {
    return this.#count;
  }

  /** Where in `signature` the traits begin. */
  get firstTrait(): number {
    return this.#firstTrait;
  }

  verdict(group: number): number {
    return this.#signatures[group * this.#width + VERDICT] as number;
  }

  domain(group: number, key: KeyDomains): number {
    return this.#signatures[group * this.#width + 1 + key.column] as number;
  }

  trait(group: number, number: number): number {
    return this.#signatures[group * this.#width + this.#firstTrait + number] as number;
  }

  members(group: number): number {
    return this.#buckets.members(group);
  }

  /** Writes all of a signature but the traits. */
  begin(slot: number, verdict: number): void {
    this.signature[VERDICT] = verdict;
    for (let i = 0; i < this.#coarse.length; i++) {
      this.signature[1 + i] = (this.#coarse[i] as KeyDomains).domainOf[slot] as number;
    }
  }

  /** The group of the nodes with what `signature` holds; a new one when there was none, or TOO_MANY_GROUPS. */
  find(): number {
    const mask = this.#table.length - 1;
    let at = this.#hash() & mask;
    for (;;) {
      const group = (this.#table[at] as number) - 1;
      if (group < 0) break;
      if (this.#isSame(group)) return group;
      at = (at + 1) & mask;
    }
    if (this.#count === GROUPS_MAX) return TOO_MANY_GROUPS;
    const group = this.#count++;
    this.#table[at] = group + 1;
    if ((group + 1) * this.#width > this.#signatures.length) this.#signatures = grown(this.#signatures, 2 * this.#signatures.length);
    this.#signatures.set(this.signature, group * this.#width);
    if (2 * this.#count > this.#table.length) this.#rehash();
    return group;
  }

  #isSame(group: number): boolean {
    const from = group * this.#width;
    for (let i = 0; i < this.#width; i++) if (this.#signatures[from + i] !== this.signature[i]) return false;
    return true;
  }

  #hash(): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < this.#width; i++) hash = Math.imul(hash ^ (this.signature[i] as number), 0x01000193);
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  #rehash(): void {
    const wanted = this.signature.slice();
    this.#table = new Int32Array(4 * this.#table.length);
    const mask = this.#table.length - 1;
    for (let group = 0; group < this.#count; group++) {
      this.signature.set(this.#signatures.subarray(group * this.#width, (group + 1) * this.#width));
      let at = this.#hash() & mask;
      while (this.#table[at] !== 0) at = (at + 1) & mask;
      this.#table[at] = group + 1;
    }
    this.signature.set(wanted);
  }
}
