import { type Due, DueQueue } from "./due-queue.ts";
import type { Clock, Random, Timer } from "./time.ts";

/** Where virtual time begins, so that timestamps in tests look like timestamps: 2026-01-01T00:00:00Z. */
const VIRTUAL_EPOCH_MS = Date.UTC(2026, 0, 1);

/** Rounds of the event loop that `run` allows between two timers; a message between two hosts takes one. */
const ROUNDS_BETWEEN_TIMERS = 8;

/** A clock that stands still until it is told to move. */
export interface VirtualClock extends Clock {
  /** Moves time on, firing in order every timer that falls due, also those that fired timers set. Synchronous. */
  advance(ms: number): void;
  /** As `advance`, but between two moments the event loop turns, so that actors handle what a timer sent before the next one fires. */
  run(ms: number): Promise<void>;
  /** Timers that wait to fire. */
  pending(): number;
}

interface Waiting extends Due {
  readonly fire: () => void;
}

/** A virtual clock; equal due times fire in the order in which they were set. */
export function virtualClock(start_ms: number = VIRTUAL_EPOCH_MS): VirtualClock {
  let elapsed_ms = 0;
  let order = 0;
  const queue = new DueQueue<Waiting>();
  const cancelled = new Set<Waiting>();

  function fireNext(until_ms: number): boolean {
    for (;;) {
      const first = queue.peek();
      if (first === undefined || first.due_ms > until_ms) return false;
      queue.pop();
      if (cancelled.delete(first)) continue;
      elapsed_ms = Math.max(elapsed_ms, first.due_ms);
      first.fire();
      return true;
    }
  }

  return {
    now_ms: () => start_ms + Math.floor(elapsed_ms),
    monotonic_ms: () => elapsed_ms,
    after(delay_ms: number, fire: () => void): Timer {
      let fired = false;
      const waiting: Waiting = {
        due_ms: elapsed_ms + Math.max(0, delay_ms),
        order: order++,
        fire: () => {
          fired = true;
          fire();
        },
      };
      queue.push(waiting);
      return {
        cancel: () => {
          if (!fired) cancelled.add(waiting);
        },
      };
    },
    advance(ms: number): void {
      const until_ms = elapsed_ms + ms;
      while (fireNext(until_ms)) {
        // Every due timer in turn.
      }
      elapsed_ms = until_ms;
    },
    async run(ms: number): Promise<void> {
      const until_ms = elapsed_ms + ms;
      await turnLoop();
      while (fireNext(until_ms)) await turnLoop();
      elapsed_ms = until_ms;
      await turnLoop();
    },
    pending: () => queue.size - cancelled.size,
  };
}

async function turnLoop(): Promise<void> {
  for (let round = 0; round < ROUNDS_BETWEEN_TIMERS; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Randomness that repeats: the same seed gives the same sequence (splitmix32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  function word(): number {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
  function next(): number {
    return (word() * 0x200000 + (word() >>> 11)) / 0x20000000000000;
  }
  return {
    next,
    below: (below: number) => Math.floor(next() * below),
    uuid(): string {
      const hex = [word(), word(), word(), word()].map((part) => part.toString(16).padStart(8, "0")).join("");
      const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
