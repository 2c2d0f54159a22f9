/**
 * Where a case takes its decisions from: a list of numbers that fast-check draws, and shrinks. The first choice is always the plainest, and a list
 * that has ended chooses it for ever, so a shorter list or smaller numbers make a simpler case.
 */
export class Choices {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    const number = this.#numbers[this.#at++] ?? 0;
    return count <= 1 ? 0 : number % count;
  }

  /** One of these; the first is the plainest. */
  of<T>(options: readonly T[]): T {
    return options[this.below(options.length)] as T;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === times - 1;
  }
}
