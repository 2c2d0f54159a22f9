/** Slots of the first table; a power of two, as all are. */
const SLOTS_FIRST = 16;
/** A table grows before more than one in so many slots is in use. */
const SLOTS_PER_ITEM = 2;
/** In the place of a number whose item was taken out: a look-up goes on over it. */
const TAKEN_OUT = -1;

/** FNV-1a over the UTF-16 units (Fowler, Noll, Vo), stirred so that its low bits depend on all. */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

/**
 * Very many items by keys of their own: a hash table with open addressing and linear probing. Not a Map, for two reasons. Most look-ups of a store under
 * load find nothing, and numbers beside one another say so without a look at strings that lie all over the heap. And where a Map of a hundred
 * thousand keys grows, it holds the event loop for 20 ms; here numbers alone are moved.
 */
export class HashTable<Item> {
  readonly #keyOf: (item: Item) => string;
  /** In the order in which they came, until one is taken out: the next one gets its place. So a look through all of them may take several turns. */
  readonly #items: (Item | undefined)[] = [];
  readonly #free: number[] = [];
  /** By slot: 0, TAKEN_OUT, or an index of #items plus 1. */
  #numbers: Int32Array = new Int32Array(SLOTS_FIRST);
  #hashes: Int32Array = new Int32Array(SLOTS_FIRST);
  /** Slots that are not 0. Invariant: at most one in SLOTS_PER_ITEM. */
  #used = 0;

  constructor(keyOf: (item: Item) => string) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  find(key: string): Item | undefined {
    const slot = this.#slotOf(key, hashOf(key));
    return slot < 0 ? undefined : this.#items[(this.#numbers[slot] as number) - 1];
  }

  /** Adds an item whose key is not in the table. */
  add(item: Item): void {
    if ((this.#used + 1) * SLOTS_PER_ITEM > this.#numbers.length) this.#grow();
    const index = this.#free.pop() ?? this.#items.length;
    this.#items[index] = item;
    this.#put(index + 1, hashOf(this.#keyOf(item)));
  }

  /** Takes out the item with this key; nothing happens when there is none. */
  remove(key: string): void {
    const slot = this.#slotOf(key, hashOf(key));
    if (slot < 0) return;
    const index = (this.#numbers[slot] as number) - 1;
    this.#items[index] = undefined;
    this.#free.push(index);
    this.#numbers[slot] = TAKEN_OUT;
  }

  /** All items, each once; what is added or taken out meanwhile may be missing. */
  *values(): Generator<Item> {
    for (let index = 0; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item !== undefined) yield item;
    }
  }

  #slotOf(key: string, hash: number): number {
    const mask = this.#numbers.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.#numbers[slot] as number;
      if (number === 0) return -1;
      if (number === TAKEN_OUT || this.#hashes[slot] !== hash) continue;
      if (this.#keyOf(this.#items[number - 1] as Item) === key) return slot;
    }
  }

  #put(number: number, hash: number): void {
    const mask = this.#numbers.length - 1;
    let slot = hash & mask;
    while (this.#numbers[slot] !== 0) slot = (slot + 1) & mask;
    this.#numbers[slot] = number;
    this.#hashes[slot] = hash;
    this.#used++;
  }

  /** Twice as many slots, or as many when most of those in use are of items that were taken out. */
  #grow(): void {
    const [numbers, hashes] = [this.#numbers, this.#hashes];
    const slots = this.size * SLOTS_PER_ITEM * 2 > numbers.length ? numbers.length * 2 : numbers.length;
    this.#numbers = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    this.#used = 0;
    for (let slot = 0; slot < numbers.length; slot++) {
      const number = numbers[slot] as number;
      if (number > 0) this.#put(number, hashes[slot] as number);
    }
  }
}
