import type { KubeObject } from "../kinds/object.ts";
import type { Place } from "./shelf.ts";
import type { Entry, IndexDefinition } from "./view.ts";

const NONE: readonly string[] = [];

/** The places that are found under one value of an index. */
export interface Bucket {
  readonly value: string;
  readonly places: Set<Place>;
}

/** Where a place is filed in one index. Nearly always it is one bucket or none, and there are many places: so that costs no list. */
export type Filed = Bucket | readonly Bucket[] | undefined;

/** One declared index: the places of its resource by value. */
export class IndexTable {
  readonly definition: IndexDefinition;
  /** Where Place.filed says what this index has of it. */
  readonly #slot: number;
  /** All of the resource, this one at its slot. */
  readonly #indexes: readonly IndexTable[];
  readonly #buckets = new Map<string, Bucket>();

  constructor(definition: IndexDefinition, indexes: readonly IndexTable[]) {
    this.definition = definition;
    this.#slot = indexes.length;
    this.#indexes = indexes;
  }

  /** Files the place under what its new entry says; undefined takes it out. */
  update(place: Place, entry: Entry | undefined, decode: (entry: Entry) => KubeObject): void {
    const before = place.filed?.[this.#slot];
    const values = entry === undefined ? NONE : (this.definition.valuesOfText?.(entry) ?? this.definition.values(decode(entry)));
    if (isFiledUnder(before, values)) return;
    const now = values.map((value) => this.#bucketOf(value));
    for (const bucket of bucketsOf(before)) if (!now.includes(bucket)) this.#takeOut(bucket, place);
    for (const bucket of now) bucket.places.add(place);
    this.#note(place, now.length > 1 ? now : now[0]);
  }

  find(value: string): readonly Entry[] {
    const found: Entry[] = [];
    for (const place of this.#buckets.get(value)?.places ?? []) if (place.entry !== undefined) found.push(place.entry);
    return found;
  }

  #bucketOf(value: string): Bucket {
    let bucket = this.#buckets.get(value);
    if (bucket === undefined) {
      bucket = { value, places: new Set() };
      this.#buckets.set(value, bucket);
    }
    return bucket;
  }

  #takeOut(bucket: Bucket, place: Place): void {
    bucket.places.delete(place);
    if (bucket.places.size === 0) this.#buckets.delete(bucket.value);
  }

  /** An array that grows by itself has room for sixteen more. */
  #note(place: Place, filed: Filed): void {
    let all = place.filed;
    if (all === undefined || all.length <= this.#slot) {
      const larger = new Array<Filed>(this.#indexes.length);
      for (const [slot, one] of all?.entries() ?? []) larger[slot] = one;
      place.filed = all = larger;
    }
    all[this.#slot] = filed;
  }
}

function bucketsOf(filed: Filed): readonly Bucket[] {
  if (filed === undefined) return [];
  return "places" in filed ? [filed] : filed;
}

function isFiledUnder(filed: Filed, values: readonly string[]): boolean {
  if (filed === undefined) return values.length === 0;
  if ("places" in filed) return values.length === 1 && values[0] === filed.value;
  return values.length === filed.length && filed.every(({ value }, i) => value === values[i]);
}
