import type { Draw } from "./draw.ts";
import { compareLosses, LOSS_NUMBERS } from "./victims.ts";

/** No slot. */
const NOBODY = -1;

/**
 * The slot where the least is lost, by a tournament over slots: a change costs one walk to the root, and of slots with equal losses any is
 * drawn with the same chance. Each tree node holds a winner and how many below it lose as little.
 */
export class LossTournament {
  /** By `slot * LOSS_NUMBERS`; written by the owner before `set`. */
  readonly losses: Float64Array;
  readonly #winner: Int32Array;
  readonly #ties: Int32Array;
  readonly #first: number;

  constructor(slots: number) {
    let width = 1;
    while (width < slots) width *= 2;
    this.#first = width;
    this.losses = new Float64Array(slots * LOSS_NUMBERS);
    this.#winner = new Int32Array(2 * width).fill(NOBODY);
    this.#ties = new Int32Array(2 * width);
  }

  /** Takes a slot in with the loss that is written, or out. `build` must follow. */
  prepare(slot: number, isIn: boolean): void {
    this.#winner[this.#first + slot] = isIn ? slot : NOBODY;
    this.#ties[this.#first + slot] = isIn ? 1 : 0;
  }

  build(): void {
    for (let node = this.#first - 1; node > 0; node--) this.#play(node);
  }

  set(slot: number, isIn: boolean): void {
    this.prepare(slot, isIn);
    for (let node = (this.#first + slot) >> 1; node > 0; node >>= 1) this.#play(node);
  }

  /** A slot where the least is lost; a negative number when there is none. */
  draw(random: Draw): number {
    const best = this.#winner[1] as number;
    if (best === NOBODY) return NOBODY;
    let number = random.below(this.#ties[1] as number);
    let node = 1;
    while (node < this.#first) {
      node *= 2;
      const left = this.#winner[node] as number;
      if (left === NOBODY || this.#compare(left, best) !== 0) node++;
      else if (number >= (this.#ties[node] as number)) {
        number -= this.#ties[node] as number;
        node++;
      }
    }
    return this.#winner[node] as number;
  }

  #play(node: number): void {
    const a = this.#winner[2 * node] as number;
    const b = this.#winner[2 * node + 1] as number;
    const order = a === NOBODY ? 1 : b === NOBODY ? -1 : this.#compare(a, b);
    this.#winner[node] = order <= 0 ? a : b;
    this.#ties[node] = (order <= 0 ? (this.#ties[2 * node] as number) : 0) + (order >= 0 ? (this.#ties[2 * node + 1] as number) : 0);
  }

  #compare(a: number, b: number): number {
    return compareLosses(this.losses, a * LOSS_NUMBERS, b * LOSS_NUMBERS);
  }
}
