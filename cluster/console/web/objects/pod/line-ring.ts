/** The newest lines of a stream: when there are more than it may hold, the oldest go, a block at a time. */
export class LineRing {
  readonly #max: number;
  #lines: string[] = [];
  #dropped = 0;

  /** `max`: lines that are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Lines that have gone. */
  get dropped(): number {
    return this.#dropped;
  }

  push(line: string): void {
    this.#lines.push(line);
    // A block at a time: taking one from the front costs as much as there are lines.
    const spare = Math.ceil(this.#max / 8);
    if (this.#lines.length < this.#max + spare) return;
    this.#lines = this.#lines.slice(spare);
    this.#dropped += spare;
  }
}
