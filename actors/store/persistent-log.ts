import type { Clock } from "../../runtime/mod.ts";
import { sleep } from "./follow.ts";
import { LOG_RETRY_MAX_MS, LOG_RETRY_MS } from "./limits.ts";
import type { Log } from "./log.ts";
import { AppendFenced, LogUnavailable } from "./log.ts";

/** Who wants to know how the log is. */
export interface LogTroubles {
  failing(error: LogUnavailable): void;
  /** It has answered. */
  answered(): void;
}

/** Somebody else has written, so nothing of what was asked was or will be done; or nobody knows, because it was stopped before the log had answered. */
export type Unsure = "overtaken" | "unknown";

/** A log that is asked until it answers, or nobody wants to know any more. */
export class PersistentLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #troubles: LogTroubles;
  #stopped = false;

  constructor(log: Log, clock: Clock, troubles: LogTroubles) {
    this.#log = log;
    this.#clock = clock;
    this.#troubles = troubles;
  }

  /** What cannot be answered now is not asked again. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Appends, whatever it takes. After a failure with unknown outcome the same append is tried again: either it is accepted now, or it is
   * refused because the log goes on already, and what stands there says whether it was us.
   */
  async append(bytes: Uint8Array, expectedLastSequence: number): Promise<number | Unsure> {
    try {
      return (await this.#whenAvailable(() => this.#log.append(bytes, expectedLastSequence))) ?? "unknown";
    } catch (error) {
      if (!(error instanceof AppendFenced)) throw error;
      const found = await this.#whenAvailable(() => this.#log.get(expectedLastSequence + 1));
      if (found === undefined) return "unknown";
      return Buffer.compare(found, bytes) === 0 ? expectedLastSequence + 1 : "overtaken";
    }
  }

  /** The sequence, when the log still ends there: nobody else has written. */
  async stillAt(sequence: number): Promise<number | Unsure> {
    return (await this.#whenAvailable(() => this.#log.lastSequence())) === sequence ? sequence : "overtaken";
  }

  async #whenAvailable<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    for (let pause_ms = LOG_RETRY_MS; ; pause_ms = Math.min(pause_ms * 2, LOG_RETRY_MAX_MS)) {
      try {
        const answer = await ask();
        this.#troubles.answered();
        return answer;
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        if (this.#stopped) return undefined;
        this.#troubles.failing(error);
        await sleep(this.#clock, pause_ms);
      }
    }
  }
}
