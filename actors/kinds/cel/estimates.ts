/** Ranges of sizes and of costs. Source: cel-go's checker/cost.go. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What is this much or more is as good as endless. */
const ENDLESS: number = 2 ** 64;

export const UNKNOWN: Range = { min: 0, max: ENDLESS };

export function exactly(value: number): Range {
  return { min: value, max: value };
}

function bounded(value: number): number {
  return Math.min(value, ENDLESS);
}

export function add(...ranges: readonly Range[]): Range {
  return ranges.reduce((sum, { min, max }) => ({ min: bounded(sum.min + min), max: bounded(sum.max + max) }), exactly(0));
}

export function multiply(a: Range, b: Range): Range {
  return { min: bounded(a.min * b.min), max: bounded(a.max * b.max) };
}

/** Rounded up. */
export function scale({ min, max }: Range, factor: number): Range {
  return { min: bounded(Math.ceil(min * factor)), max: bounded(Math.ceil(max * factor)) };
}

export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
