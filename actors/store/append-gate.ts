import type { Clock } from "../../runtime/mod.ts";
import { sleep } from "./follow.ts";
import { APPEND_HOLD_WAIT_MS } from "./limits.ts";

/**
 * Between the writer of a host and who has to have the log to itself for a moment. It makes things whole, not safe: a writer on another host
 * knows nothing of it, so who holds it must do nothing that an append meanwhile would make wrong.
 */
export class AppendGate {
  #held: Promise<void> | undefined;
  #flight: Promise<unknown> | undefined;

  /** Resolves when appends may go on; undefined while they may. */
  get held(): Promise<void> | undefined {
    return this.#held;
  }

  /** An append is under way until this settles. */
  flying(flight: Promise<unknown>): void {
    this.#flight = flight;
  }

  /** No append begins from now on, and the one under way is through, if it ends within APPEND_HOLD_WAIT_MS. Gives what lets them go on. */
  async hold(clock: Clock): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    await Promise.race([this.#flight, sleep(clock, APPEND_HOLD_WAIT_MS)]);
    return () => {
      if (this.#held === promise) this.#held = undefined;
      resolve();
    };
  }
}
