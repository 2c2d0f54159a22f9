import { type Address, AskFailed, type Clock, type Logger, type Messenger, type Timer } from "../../runtime/mod.ts";
import type { SchedulerMessage } from "./scheduler.ts";
import { addressesOfShard } from "./shard.ts";

/** Each shard is asked this often whether it is there. */
export const LOOK_MS = 500;
/** So many times in a row its host could not be reached, and another takes its place. */
const MISSED_MAX = 2;

export interface ShardKeeperOptions {
  readonly messenger: Messenger;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shards: number;
  /** Default LOOK_MS. */
  readonly look_ms?: number;
}

/**
 * Sees to it that every shard is at work. There is one on each host that offers schedulers. A shard whose host cannot be reached is taken up at once at another
 * address, long before that host's lease has run out: only what has no connection any more is unreachable, so a host that is slow is none, and
 * two that act for one shard do no harm, since what their bindings rest on is checked where they are written (docs/adr/0017).
 */
export class ShardKeeper {
  readonly #options: ShardKeeperOptions;
  readonly #timers = new Map<number, Timer>();
  #isStopped = false;

  constructor(options: ShardKeeperOptions) {
    this.#options = options;
  }

  begin(): void {
    for (let shard = 0; shard < this.#options.shards; shard++) void this.#look(shard, 0);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** `missed`: how many times before this one it could not be reached. */
  async #look(shard: number, missed: number): Promise<void> {
    const { clock, log, look_ms = LOOK_MS } = this.#options;
    const [own, ...standbys] = addressesOfShard(shard);
    const now = (await this.#isThere(own)) ? 0 : missed + 1;
    if (now === MISSED_MAX) log.warn({ shard }, "a scheduler's host cannot be reached; another takes its place");
    if (now >= MISSED_MAX) for (const standby of standbys) if (await this.#isThere(standby)) break;
    if (!this.#isStopped)
      this.#timers.set(
        shard,
        clock.after(look_ms, () => void this.#look(shard, now)),
      );
  }

  /** Wakes the shard at this address. One that does not answer in time, or crashes, is there; its own kernel sees to it. */
  async #isThere(address: Address): Promise<boolean> {
    const start: SchedulerMessage = { type: "start" };
    return this.#options.messenger.ask(address, start).then(
      () => true,
      (error: unknown) => !(error instanceof AskFailed && error.code === "unreachable"),
    );
  }
}
