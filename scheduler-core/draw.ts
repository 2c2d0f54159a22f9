/** Whole numbers at random for breaking ties: xorshift32, seeded by the caller so that a run can be repeated. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e3779b9;
  }

  /** A whole number in [0, below), below at most 2^31. */
  below(below: number): number {
    if (below <= 1) return 0;
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 0) / 4294967296) * below);
  }
}
