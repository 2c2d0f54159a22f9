import { grown } from "./ranked-buckets.ts";

const COUNTS_INITIAL = 16;

/** The lowest of many counts that change by little at a time: how many have each value, and the lowest value that one has. */
export class Fewest {
  #having: Int32Array = new Int32Array(COUNTS_INITIAL);
  #lowest = 0;
  #total = 0;

  /** How many counts there are. */
  get total(): number {
    return this.#total;
  }

  /** The lowest count. There must be one. */
  get lowest(): number {
    return this.#lowest;
  }

  enter(count: number): void {
    if (count >= this.#having.length) this.#having = grown(this.#having, Math.max(count + 1, 2 * this.#having.length));
    this.#having[count] = (this.#having[count] as number) + 1;
    if (this.#total === 0 || count < this.#lowest) this.#lowest = count;
    this.#total++;
  }

  leave(count: number): void {
    this.#having[count] = (this.#having[count] as number) - 1;
    this.#total--;
    this.#climb();
  }

  move(from: number, to: number): void {
    this.enter(to);
    this.leave(from);
  }

  #climb(): void {
    if (this.#total === 0) return;
    while (this.#having[this.#lowest] === 0) this.#lowest++;
  }
}
