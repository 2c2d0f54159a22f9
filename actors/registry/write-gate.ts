import { Fifo } from "../../runtime/mod.ts";

/**
 * Lets so many writes through at a time; the others wait in order. What a controller or thousands of pods want may be thousands of writes at once, and
 * whatever else asks the store, a client or a node's heartbeat, would come after all of them.
 */
export class WriteGate {
  readonly #most: number;
  readonly #waiting = new Fifo<() => void>();
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async through<T>(write: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await write();
    } finally {
      this.#leave();
    }
  }

  /** Whoever waits longest takes the place over. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
