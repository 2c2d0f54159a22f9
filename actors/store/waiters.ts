import type { Clock, Timer } from "../../runtime/mod.ts";

interface Waiter {
  readonly goal: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  timer: Timer | undefined;
}

/** Promises for the moment when a growing number has reached a goal. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with what `late` makes after the deadline; without a deadline it waits for ever. */
  wait(goal: number, deadline?: { readonly after_ms: number; late(): Error }): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { goal, resolve, reject, timer: undefined };
      if (deadline !== undefined) {
        waiter.timer = this.#clock.after(deadline.after_ms, () => {
          this.#waiters.delete(waiter);
          reject(deadline.late());
        });
      }
      this.#waiters.add(waiter);
    });
  }

  reached(now: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.goal > now) continue;
      this.#end(waiter);
      waiter.resolve();
    }
  }

  fail(error: Error): void {
    for (const waiter of this.#waiters) {
      this.#end(waiter);
      waiter.reject(error);
    }
  }

  #end(waiter: Waiter): void {
    waiter.timer?.cancel();
    this.#waiters.delete(waiter);
  }
}
