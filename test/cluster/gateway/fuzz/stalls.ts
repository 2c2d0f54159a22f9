const TICK_MS = 50;
/** A turn of the event loop that takes longer holds up everybody. */
const STALL_MS_MAX = 1_000;
/** Of a machine with other work a turn may take long, too: then the process was not running for most of it. */
const BUSY_SHARE_MIN = 0.8;
const US_PER_MS = 1_000;

/** Watches for turns of this event loop, which is the server's too, that take too long. */
export class Stalls {
  readonly #timer: NodeJS.Timeout;
  #last_ms = performance.now();
  #cpu = process.cpuUsage();
  #longest_ms = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK_MS);
  }

  /** The longest turn since it was asked last, if it was too long; milliseconds. */
  take(): number | undefined {
    this.#look();
    const longest_ms = this.#longest_ms;
    this.#longest_ms = 0;
    return longest_ms > STALL_MS_MAX ? longest_ms : undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now_ms = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const turn_ms = now_ms - this.#last_ms;
    if ((user + system) / US_PER_MS >= turn_ms * BUSY_SHARE_MIN) this.#longest_ms = Math.max(this.#longest_ms, turn_ms);
    this.#last_ms = now_ms;
    this.#cpu = process.cpuUsage();
  }
}
