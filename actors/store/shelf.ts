import type { Filed } from "./index-table.ts";
import type { StoredEntry } from "./stored-entry.ts";
import type { Key } from "./transaction.ts";
import type { Entry } from "./view.ts";

/** The place of one key while it exists. A key that is deleted and created again gets a new place. */
export interface Place {
  readonly key: Key;
  readonly shelf: Shelf;
  /** Undefined once deleted. */
  entry: StoredEntry | undefined;
  /** Where each of the resource's indexes has it, in the order of their declaration. Undefined: none has. */
  filed: Filed[] | undefined;
}

/**
 * The objects of one resource in one namespace. Changes only mark; the first list after them puts the order right again, so a stream of
 * creations without lists costs O(1) each, and a list without changes before it costs nothing.
 */
export class Shelf {
  readonly namespace: string;
  /** Living places. */
  count = 0;
  /** In key order; may hold dead places when #dead says so. */
  #sorted: Place[] = [];
  #added: Place[] = [];
  #dead = false;
  #listed: readonly Entry[] | undefined = [];

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  add(place: Place): void {
    this.count++;
    this.#added.push(place);
    this.#listed = undefined;
  }

  /** The place's entry was replaced. */
  touched(): void {
    this.#listed = undefined;
  }

  /** The place's entry is undefined now. */
  removed(): void {
    this.count--;
    this.#dead = true;
    this.#listed = undefined;
  }

  /** In key order. The array is never changed afterwards. */
  list(): readonly Entry[] {
    if (this.#listed !== undefined) return this.#listed;
    this.#order();
    const listed: Entry[] = [];
    for (const place of this.#sorted) if (place.entry !== undefined) listed.push(place.entry);
    this.#listed = listed;
    return listed;
  }

  #order(): void {
    if (this.#dead) {
      this.#sorted = this.#sorted.filter(isAlive);
      this.#added = this.#added.filter(isAlive);
      this.#dead = false;
    }
    if (this.#added.length > 0) {
      this.#sorted = merge(this.#sorted, this.#added.sort(byKey));
      this.#added = [];
    }
  }
}

function isAlive(place: Place): boolean {
  return place.entry !== undefined;
}

/** Key order: by UTF-16 units, which is byte order for the ASCII that Kubernetes allows in names. */
export function byKey(a: { readonly key: Key }, b: { readonly key: Key }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Two sequences in key order made one. */
export function merge<T extends { readonly key: Key }>(a: readonly T[], b: readonly T[]): T[] {
  const merged: T[] = [];
  let i = 0;
  for (const item of b) {
    for (let next = a[i]; next !== undefined && next.key < item.key; next = a[i]) {
      merged.push(next);
      i++;
    }
    merged.push(item);
  }
  for (; i < a.length; i++) merged.push(a[i] as T);
  return merged;
}
