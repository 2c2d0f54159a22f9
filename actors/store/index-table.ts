import type { KubeObject } from "../kinds/object.ts";
import type { Place } from "./shelf.ts";
import type { Entry, IndexDefinition } from "./view.ts";

const NONE: readonly string[] = [];

/** One declared index: the places of its resource by value. */
export class IndexTable {
  readonly definition: IndexDefinition;
  /** The place of this index's values in Place.indexed. */
  readonly slot: number;
  readonly #places = new Map<string, Set<Place>>();

  constructor(definition: IndexDefinition, slot: number) {
    this.definition = definition;
    this.slot = slot;
  }

  /** Files the place under what its new entry says; undefined takes it out. */
  update(place: Place, entry: Entry | undefined, decode: (entry: Entry) => KubeObject): void {
    const before = place.indexed?.[this.slot] ?? NONE;
    const now = entry === undefined ? NONE : (this.definition.valuesOfText?.(entry) ?? this.definition.values(decode(entry)));
    if (same(before, now)) return;
    for (const value of before) if (!now.includes(value)) this.#remove(value, place);
    for (const value of now) if (!before.includes(value)) this.#add(value, place);
    place.indexed ??= [];
    place.indexed[this.slot] = now;
  }

  find(value: string): readonly Entry[] {
    const found: Entry[] = [];
    for (const place of this.#places.get(value) ?? []) if (place.entry !== undefined) found.push(place.entry);
    return found;
  }

  #add(value: string, place: Place): void {
    const places = this.#places.get(value);
    if (places === undefined) this.#places.set(value, new Set([place]));
    else places.add(place);
  }

  #remove(value: string, place: Place): void {
    const places = this.#places.get(value);
    places?.delete(place);
    if (places?.size === 0) this.#places.delete(value);
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
