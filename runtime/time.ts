/**
 * Time as the house sees it. Nobody outside `runtime/` and the doors reads the system clock or sets a system timer; they
 * take a Clock from their context, so that a whole cluster can also run on virtual time.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. */
  now_ms(): number;
  /** Monotonic time in milliseconds, for measuring durations; its origin means nothing. */
  monotonic_ms(): number;
  /** Calls `fire` once, `delay_ms` from now at the earliest. */
  after(delay_ms: number, fire: () => void): Timer;
}

export interface Timer {
  /** Nothing happens when the timer has fired or was cancelled before. */
  cancel(): void;
}

/** Randomness as the house sees it; seeded in the simulator. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(below: number): number;
  /** A random (version 4) UUID. */
  uuid(): string;
}
