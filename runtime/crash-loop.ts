import type { RestartStrategy, Supervision } from "./actor.ts";

/** What follows on a crash; also the fields with which it is logged. */
export interface AfterCrash {
  readonly follows: Supervision["strategy"];
  /** In a row, of an actor that is restarted. */
  readonly crashes?: number;
  /** Until it is activated anew. */
  readonly restart_ms?: number;
}

/** How long after the crash number `count` of a row, the first being 1, the next life begins: twice as long each time, up to the most. */
export function backoffOf(count: number, { backoff_ms, backoff_max_ms }: Pick<RestartStrategy, "backoff_ms" | "backoff_max_ms">): number {
  return Math.min(backoff_max_ms, backoff_ms * 2 ** (count - 1));
}

/**
 * The crashes of something that is restarted: how many there were in a row, and so what follows on the next. A row ends with a life of at
 * least the longest backoff. The limit is a supervisor's restart intensity as Erlang has it: more than so many in so long, and it is given up.
 */
export class CrashLoop {
  /** The newest. */
  error = "";
  /** Crashes in a row. */
  #count = 0;
  /** When the newest life began, or will. */
  #restarted_ms = Number.NEGATIVE_INFINITY;
  /** When restarts were decided within the time of the limit, oldest first. */
  readonly #restarts_ms: number[] = [];

  /** Decides what follows on a crash at this moment. */
  crashed(now_ms: number, error: string, strategy: RestartStrategy): AfterCrash {
    this.error = error;
    this.#count = this.crashes(now_ms, strategy) + 1;
    const { limit } = strategy;
    if (limit !== undefined) {
      while ((this.#restarts_ms[0] ?? now_ms) <= now_ms - limit.within_ms) this.#restarts_ms.shift();
      if (this.#restarts_ms.length >= limit.restarts_max) return { follows: limit.beyond, crashes: this.#count };
      this.#restarts_ms.push(now_ms);
    }
    const restart_ms = backoffOf(this.#count, strategy);
    this.#restarted_ms = now_ms + restart_ms;
    return { follows: "restart", crashes: this.#count, restart_ms };
  }

  /** Crashes in a row, as of this moment. */
  crashes(now_ms: number, { backoff_max_ms }: RestartStrategy): number {
    return now_ms - this.#restarted_ms >= backoff_max_ms ? 0 : this.#count;
  }

  /** Until the next life begins; 0 when it has. */
  restartIn_ms(now_ms: number): number {
    return Math.max(0, this.#restarted_ms - now_ms);
  }
}
