import type { Draw } from "./draw.ts";

/** The score of a leaf that cannot win. */
export const OUT = -1;

/**
 * A tournament over leaves with whole scores of at least OUT: the best score and how many leaves have it are at the root, a change
 * costs one walk to the root at most, and any of the best can be drawn with equal chance. Each tree node holds (best, count) side by side.
 */
export class Tournament {
  readonly #tree: Int32Array;
  readonly #first: number;

  constructor(leaves: number) {
    let width = 1;
    while (width < leaves) width *= 2;
    this.#first = width;
    this.#tree = new Int32Array(4 * width);
    for (let i = 0; i < this.#tree.length; i += 2) this.#tree[i] = OUT;
  }

  /** The best score; OUT when no leaf can win. */
  get best(): number {
    return this.#tree[2] as number;
  }

  /** How many leaves have the best score; 0 when it is OUT. */
  get count(): number {
    return this.#tree[3] as number;
  }

  /** Sets a leaf without telling its parents; `build` must follow. */
  prepare(leaf: number, score: number): void {
    const at = 2 * (this.#first + leaf);
    this.#tree[at] = score;
    this.#tree[at + 1] = score === OUT ? 0 : 1;
  }

  build(): void {
    for (let node = this.#first - 1; node > 0; node--) this.#play(node);
  }

  set(leaf: number, score: number): void {
    const at = 2 * (this.#first + leaf);
    if (this.#tree[at] === score) return;
    this.#tree[at] = score;
    this.#tree[at + 1] = score === OUT ? 0 : 1;
    for (let node = (this.#first + leaf) >> 1; node > 0; node >>= 1) if (!this.#play(node)) return;
  }

  /** One of the best leaves, each with the same chance. There must be one. */
  draw(random: Draw): number {
    const tree = this.#tree;
    let rank = random.below(this.count);
    const best = this.best;
    let node = 1;
    while (node < this.#first) {
      node *= 2;
      const left = 2 * node;
      if (tree[left] !== best) node++;
      else if (rank >= (tree[left + 1] as number)) {
        rank -= tree[left + 1] as number;
        node++;
      }
    }
    return node - this.#first;
  }

  /** Works out one tree node from its two children; false when nothing changed. */
  #play(node: number): boolean {
    const tree = this.#tree;
    const left = 4 * node;
    const a = tree[left] as number;
    const b = tree[left + 2] as number;
    const best = Math.max(a, b);
    const count = (a === best ? (tree[left + 1] as number) : 0) + (b === best ? (tree[left + 3] as number) : 0);
    const at = 2 * node;
    if (tree[at] === best && tree[at + 1] === count) return false;
    tree[at] = best;
    tree[at + 1] = count;
    return true;
  }
}
