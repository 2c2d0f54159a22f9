import type { Clock, Logger, Random, Timer } from "../../runtime/mod.ts";

/** When what somebody has been given begins and ends. */
export interface Life {
  readonly from_ms: number;
  readonly to_ms: number;
}

export interface RenewalOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What is renewed, in words. */
  readonly what: string;
  readonly life: Life;
  /** Gets another, puts it to use, and gives its life. */
  readonly renew: () => Promise<Life>;
}

/** Renewed when so much of its life is over, at a moment by chance so that not all come at once. Source: client-go's certificate manager. */
const AFTER_SHARE = { least: 0.7, span: 0.2 } as const;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** Timers hold no more than 24.8 days. */
const TIMER_MAX_MS: number = 7 * 24 * 3_600_000;

/** Renews a certificate or credentials before they end, again and again, until it is cancelled. */
export class Renewal {
  readonly #options: RenewalOptions;
  #due_ms: number;
  #timer: Timer | undefined;
  #retry_ms = RETRY_MIN_MS;
  #cancelled = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#due_ms = this.#dueOf(options.life);
    this.#wait();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#timer?.cancel();
  }

  #dueOf({ from_ms, to_ms }: Life): number {
    return from_ms + (to_ms - from_ms) * (AFTER_SHARE.least + AFTER_SHARE.span * this.#options.random.next());
  }

  /** The wall clock says when it is due, also when it was set, or the machine slept. */
  #wait(): void {
    const left_ms = Math.max(0, this.#due_ms - this.#options.clock.now_ms());
    this.#timer = this.#options.clock.after(Math.min(left_ms, TIMER_MAX_MS), () => {
      if (this.#options.clock.now_ms() < this.#due_ms) this.#wait();
      else void this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { clock, log, renew, what } = this.#options;
    try {
      const life = await renew();
      if (this.#cancelled) return;
      this.#due_ms = this.#dueOf(life);
      this.#retry_ms = RETRY_MIN_MS;
      log.info({ what, until: new Date(life.to_ms).toISOString() }, "renewed");
      this.#wait();
    } catch (error) {
      if (this.#cancelled) return;
      log.warn({ what, error: String((error as Error).message ?? error), retry_ms: this.#retry_ms }, "could not be renewed; trying again");
      this.#timer = clock.after(this.#retry_ms, () => void this.#renew());
      this.#retry_ms = Math.min(this.#retry_ms * 2, RETRY_MAX_MS);
    }
  }
}
