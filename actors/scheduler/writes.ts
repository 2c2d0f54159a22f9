import { Fifo } from "../../runtime/mod.ts";
import type { Registry } from "../registry/registry.ts";

/** Bindings and status writes that may be under way; more of them wait in order. */
export const WRITES_IN_FLIGHT_MAX = 512;

/** Runs writes, or other questions to somebody else, with a bound on how many are under way. What each does with its answer is its own business; none may reject. */
export class Writes {
  readonly #most: number;
  readonly #waiting = new Fifo<() => Promise<void>>();
  #running = 0;

  constructor(most: number = WRITES_IN_FLIGHT_MAX) {
    this.#most = most;
  }

  submit(write: () => Promise<void>): void {
    if (this.#running < this.#most) this.#run(write);
    else this.#waiting.push(write);
  }

  get pending(): number {
    return this.#running + this.#waiting.size;
  }

  #run(write: () => Promise<void>): void {
    this.#running++;
    void write().finally(() => {
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#run(next);
    });
  }
}

/** The part of the registry that the scheduler writes through. */
export type SchedulerRegistry = Pick<Registry, "bind" | "bindTogether" | "delete" | "modify">;
