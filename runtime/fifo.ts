/** First in, first out, in one array: what was taken stays in it until it is half of it, so that each is moved once at most. */
export class Fifo<T> {
  readonly #items: (T | undefined)[] = [];
  /** What lies before this has been taken. */
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The one that has waited longest; undefined: none waits. */
  get head(): T | undefined {
    return this.#items[this.#first];
  }

  /** Takes it out. */
  shift(): T | undefined {
    const item = this.head;
    if (this.size === 0) return undefined;
    this.#items[this.#first] = undefined;
    this.#first++;
    if (this.#first * 2 >= this.#items.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }
}
