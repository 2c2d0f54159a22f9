/** A set of whole numbers, printed as `1,3-5,7`. The form of completedIndexes and failedIndexes of a Job's status. */
export class IndexSet {
  /** Sorted, not touching, both ends included. */
  readonly #ranges: [number, number][];

  private constructor(ranges: [number, number][]) {
    this.#ranges = ranges;
  }

  /** What is no number, or not below `limit`, is left out: a status that somebody else wrote harms nobody. Source: parseIndexesFromString. */
  static parse(text: string | undefined, limit: number): IndexSet {
    const numbers: [number, number][] = [];
    for (const part of (text ?? "").split(",")) {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (first === undefined) continue;
      const from = Number(first);
      const to = Math.min(last === undefined ? from : Number(last), limit - 1);
      if (from <= to) numbers.push([from, to]);
    }
    return new IndexSet(joined(numbers));
  }

  static of(numbers: Iterable<number>): IndexSet {
    return new IndexSet(joined([...numbers].map((number) => [number, number])));
  }

  with(other: IndexSet): IndexSet {
    return other.size === 0 ? this : new IndexSet(joined([...this.#ranges, ...other.#ranges]));
  }

  get size(): number {
    return this.#ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  has(number: number): boolean {
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [from, to] = this.#ranges[middle] as [number, number];
      if (number < from) high = middle - 1;
      else if (number > to) low = middle + 1;
      else return true;
    }
    return false;
  }

  /** How many numbers both have. */
  common(other: IndexSet): number {
    let count = 0;
    for (const [from, to] of this.#ranges) {
      for (const [otherFrom, otherTo] of other.#ranges) count += Math.max(0, Math.min(to, otherTo) - Math.max(from, otherFrom) + 1);
    }
    return count;
  }

  /** The smallest numbers below `limit` that are not in the set, at most `count`. */
  firstMissing(limit: number, count: number): number[] {
    const missing: number[] = [];
    let next = 0;
    for (const [from, to] of [...this.#ranges, [limit, limit] as const]) {
      for (; next < Math.min(from, limit) && missing.length < count; next++) missing.push(next);
      next = Math.max(next, to + 1);
    }
    return missing;
  }

  toString(): string {
    return this.#ranges.map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`)).join(",");
  }
}

function joined(ranges: [number, number][]): [number, number][] {
  ranges.sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = result.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
