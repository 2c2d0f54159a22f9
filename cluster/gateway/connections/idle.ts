import type { Clock, Timer } from "../../../runtime/mod.ts";

/** A connection on which nobody sends anything for so long is ended. Source: kubelet's streamingConnectionIdleTimeout. */
export const IDLE_MS: number = 4 * 60 * 60 * 1_000;

/** Ends what nobody uses. Pings of clients do not count: they say that a client is there, not that anybody is at it. */
export class Idle {
  readonly #clock: Clock;
  readonly #idle_ms: number;
  readonly #end: () => void;
  #used_ms: number;
  #timer: Timer;

  constructor(clock: Clock, end: () => void, idle_ms: number = IDLE_MS) {
    this.#clock = clock;
    this.#idle_ms = idle_ms;
    this.#end = end;
    this.#used_ms = clock.monotonic_ms();
    this.#timer = clock.after(idle_ms, () => this.#look());
  }

  used(): void {
    this.#used_ms = this.#clock.monotonic_ms();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const left_ms = this.#used_ms + this.#idle_ms - this.#clock.monotonic_ms();
    if (left_ms <= 0) this.#end();
    else this.#timer = this.#clock.after(left_ms, () => this.#look());
  }
}
