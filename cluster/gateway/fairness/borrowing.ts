/**
 * Who gets how many seats: levels that need few lend what they may to those that need more. Pure. Source: updateBorrowingLocked in apiserver's
 * pkg/util/flowcontrol/apf_controller.go, and computeConcurrencyAllocation in conc_alloc.go; the idea is in KEP-1040.
 */
import type { PriorityLevelConfigurationSpec } from "../../../actors/kinds/generated/types.ts";

/** The seats of a level. */
export interface Limits {
  /** Its share of all. */
  readonly nominal: number;
  /** What it does not lend. */
  readonly min: number;
  /** With what it may borrow. */
  readonly max: number;
}

/** What a level takes part with. */
export interface Borrower {
  readonly limits: Limits;
  readonly exempt: boolean;
  /** The seats that it could have used at any moment since the last time. */
  readonly highWatermark: number;
  readonly smoothed: number;
}

export interface Allocation {
  readonly seats: number;
  /** What it would have if there were enough for all. */
  readonly target: number;
}

/** What may not be zero, since others are divided by it. */
const TARGET_MIN = 0.001;
const EPSILON = 1e-7;

/** `all`: seats of the server; `shares`: the sum of all levels' shares. */
export function limitsOf({ limited, exempt }: PriorityLevelConfigurationSpec, all: number, shares: number): Limits {
  const nominal = Math.ceil((all * sharesOf({ limited, exempt } as PriorityLevelConfigurationSpec)) / Math.max(1, shares));
  const lendable = Math.round((nominal * ((limited ?? exempt)?.lendablePercent ?? 0)) / 100);
  const percent = limited?.borrowingLimitPercent;
  const borrowed = percent === undefined || percent === null ? all : Math.round((nominal * percent) / 100);
  return { nominal, min: nominal - lendable, max: nominal + borrowed };
}

const DEFAULT_SHARES = 30;

export function sharesOf({ limited, exempt }: PriorityLevelConfigurationSpec): number {
  return limited === undefined ? (exempt?.nominalConcurrencyShares ?? 0) : (limited.nominalConcurrencyShares ?? DEFAULT_SHARES);
}

/** A new level begins with half of what it lends lent. */
export function firstSeats({ nominal, min }: Limits): number {
  return nominal - Math.floor((nominal - min) / 2);
}

/** The seats of each level from now on, in the order of the levels, and the part of its target that each can have (0: there is not enough for what they keep). */
export function allocate(levels: readonly Borrower[]): { readonly allocations: readonly Allocation[]; readonly fairFraction: number } {
  const all = levels.reduce((sum, { limits }) => sum + limits.nominal, 0);
  let left = all;
  let [minSum, lowSum] = [0, 0];
  for (const level of levels) {
    if (level.exempt) left -= lowest(level);
    else {
      minSum += level.limits.min;
      lowSum += lowest(level);
    }
  }
  const limited = levels.filter(({ exempt }) => !exempt);
  const targets = limited.map((level) => Math.max(lowest(level), level.smoothed));
  let fairFraction = 0;
  let seats: readonly number[];
  if (left <= minSum) seats = limited.map(({ limits }) => limits.min);
  else if (left <= lowSum) {
    const fraction = (left - minSum) / (lowSum - minSum);
    seats = limited.map((level) => level.limits.min + Math.round((lowest(level) - level.limits.min) * fraction));
  } else {
    const bounds = limited.map((level, index) => ({ low: lowest(level), high: level.limits.max, target: targets[index] ?? 0 }));
    fairFraction = fairFractionOf(all, bounds);
    seats = bounds.map(({ low, high, target }) => Math.round(Math.max(low, Math.min(high, fairFraction * Math.max(target, TARGET_MIN)))));
  }
  let next = 0;
  const allocations = levels.map((level) => {
    if (level.exempt) return { seats: lowest(level), target: lowest(level) };
    const index = next++;
    return { seats: seats[index] ?? 0, target: targets[index] ?? 0 };
  });
  return { allocations, fairFraction };
}

/** What a level keeps, whatever others need. */
function lowest({ limits, exempt, highWatermark }: Borrower): number {
  return Math.max(limits.min, exempt ? highWatermark : Math.min(limits.nominal, highWatermark));
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly target: number;
}

/**
 * The one fraction of their targets by which, each kept within its bounds, they sum up to `sum`. What they sum up to grows with it, and bends where one reaches a bound.
 */
function fairFractionOf(sum: number, bounds: readonly Bounds[]): number {
  const total = (fraction: number): number =>
    bounds.reduce((all, { low, high, target }) => all + Math.max(low, Math.min(high, fraction * Math.max(target, TARGET_MIN))), 0);
  const bends = bounds
    .flatMap(({ low, high, target }) => [low / Math.max(target, TARGET_MIN), high / Math.max(target, TARGET_MIN)])
    .sort((a, b) => a - b);
  let below = 0;
  for (const bend of bends) {
    if (total(bend) < sum - EPSILON) {
      below = bend;
      continue;
    }
    const [from, to] = [total(below), total(bend)];
    return to - from < EPSILON ? bend : below + ((sum - from) * (bend - below)) / (to - from);
  }
  return below;
}
