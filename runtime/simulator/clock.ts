import type { Clock, Random, Timer } from "../time.ts";
import type { Owner, Schedule } from "./schedule.ts";

/** How wrong a host's clock is. */
export interface Skew {
  /** Its wall clock is this far off. */
  readonly offset_ms: number;
  /** It runs this much faster than true time: 1.0002 gains 0.2 ms in a second. */
  readonly rate: number;
}

/** Wall clocks are off by up to this much to either side; NTP that works keeps them far closer. */
const OFFSET_MS_MAX = 2_000;

/** Clocks run up to this much too fast or too slow; cheap quartz, ten times over. */
const DRIFT_MAX = 1_000e-6;

/** A timer fires up to this late when its host has nothing else to do. */
const LATE_MS_MAX = 1;

/** What true time zero is called: 2026-01-01T00:00:00Z. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

export function randomSkew(random: Random): Skew {
  const either = (most: number): number => (2 * random.next() - 1) * most;
  return { offset_ms: Math.round(either(OFFSET_MS_MAX)), rate: 1 + either(DRIFT_MAX) };
}

/** The latest that a host's wall clock may show at a moment of true time. */
export function latestWall_ms(now_ms: number): number {
  return EPOCH_MS + OFFSET_MS_MAX + now_ms * (1 + DRIFT_MAX);
}

export interface SkewedClock extends Clock {
  /** When this clock's monotonic time will be that, in true time. */
  trueTime_ms(monotonic_ms: number): number;
}

/** Timers that are so many grains long fire at the next grain. */
const GRAINS_MIN = 2;

/** The clock of one host in one of its lives. With a `grain_ms` timers that are long beside it fire late, together. */
export function skewedClock(schedule: Schedule, owner: Owner, skew: Skew, random: Random, grain_ms = 0): SkewedClock {
  const begin_ms = schedule.now_ms;
  const dueAt = (delay_ms: number): number => {
    const due_ms = schedule.now_ms + Math.max(0, delay_ms) / skew.rate;
    if (grain_ms === 0 || delay_ms < GRAINS_MIN * grain_ms) return due_ms + random.next() * LATE_MS_MAX;
    return Math.ceil(due_ms / grain_ms) * grain_ms;
  };
  return {
    now_ms: () => EPOCH_MS + Math.floor(skew.offset_ms + schedule.now_ms * skew.rate),
    monotonic_ms: () => (schedule.now_ms - begin_ms) * skew.rate,
    trueTime_ms: (monotonic_ms) => begin_ms + monotonic_ms / skew.rate,
    after(delay_ms: number, fire: () => void): Timer {
      const step = schedule.at(dueAt(delay_ms), owner, fire);
      return {
        cancel: () => {
          step.cancelled = true;
        },
      };
    },
  };
}
