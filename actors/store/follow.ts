import type { Clock, Logger } from "../../runtime/mod.ts";
import { FETCHED_MAX, HANDED_OVER_MIN, HANDOVER_WAIT_MS, LOG_RETRY_MAX_MS, LOG_RETRY_MS } from "./limits.ts";
import type { Log, Reading } from "./log.ts";
import { LogCut, LogUnavailable } from "./log.ts";
import type { Replica } from "./replica.ts";
import { resourceOfKey } from "./resource-table.ts";

export interface FollowOptions {
  readonly log: Log;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * The writer may live on this host, and then hands its batches to the replica itself: as long as it does, the log only has to announce them,
   * and those that did not come from here are fetched. Default false.
   */
  readonly besideWriter?: boolean;
}

export interface Follower {
  /** Resolves when the replica has reached what was the log's end when following began. Rejects as `done` does. */
  readonly ready: Promise<void>;
  /** Resolves after stop(); rejects when following ended with a fault that no retry heals: CorruptBatch, LogCut. */
  readonly done: Promise<void>;
  stop(): void;
}

/** Keeps a replica up to date with a log, from the replica's own sequence on. */
export function follow(options: FollowOptions): Follower {
  const { log, replica, clock, logger } = options;
  const reading = log.read(replica.sequence + 1, (sequence, bytes) => applyTo(replica, sequence, bytes));
  let current: Reading = reading;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    current.stop();
  };
  const caughtUp = endOf(log, clock, () => stopped).then((end) => replica.untilSequence(end));
  const besideWriter = async (): Promise<void> => {
    await Promise.race([reading.done, caughtUp]);
    reading.stop();
    while (!stopped) {
      const announcements = new Announcements(options, () => stopped);
      current = announcements.reading;
      await announcements.done.catch((error: unknown) => missedOnly(options, error));
      if (stopped) return;
      const { reading, handedOver } = untilHandedOver(options);
      current = reading;
      await Promise.race([reading.done, handedOver]).catch((error: unknown) => missedOnly(options, error));
      reading.stop();
    }
  };
  const followed = options.besideWriter === true ? besideWriter() : reading.done;
  const done = followed.catch((error: unknown) => {
    current.stop();
    if (stopped) return;
    const fault = error instanceof Error ? error : new Error(String(error));
    logger.error({ sequence: replica.sequence, error: fault.message }, "the log of the store can no longer be followed");
    replica.fail(fault);
    throw fault;
  });
  const ready = Promise.race([done, caughtUp]);
  // Both are for whoever wants to know; that nobody asks is no reason to end the process.
  done.catch(() => {});
  ready.catch(() => {});
  return { ready, done, stop };
}

/** Resolves when what is gone from the log was handed over by the writer: who only heard that it was there has missed nothing. */
async function missedOnly({ replica, clock }: FollowOptions, error: unknown): Promise<void> {
  if (!(error instanceof LogCut)) throw error;
  await Promise.race([replica.untilSequence(error.found - 1), sleep(clock, HANDOVER_WAIT_MS)]);
  if (replica.sequence < error.found - 1) throw error;
}

/** Decodes a batch of the log and applies it, unless it was before. Throws CorruptBatch, and when the batch is not the next. */
export function applyTo(replica: Replica, sequence: number, bytes: Uint8Array): void {
  // The writer of this host hands its own batches over before they come back this way: no need to decode them again.
  if (sequence <= replica.sequence) return;
  const wanted = replica.isWhole ? undefined : (key: string): boolean => replica.holds(resourceOfKey(key));
  const applied = replica.apply(sequence, replica.readBatch(sequence, bytes, wanted));
  if (applied === "gap") throw new Error(`batch ${sequence} came when the replica had only reached ${replica.sequence}`);
}

/** Reads the log where its writer is elsewhere. `handedOver` resolves when it turns out to be here: what the log brings is known already. */
function untilHandedOver({ log, replica }: FollowOptions): { readonly reading: Reading; readonly handedOver: Promise<void> } {
  const { promise: handedOver, resolve } = Promise.withResolvers<void>();
  let known = 0;
  const reading = log.read(replica.sequence + 1, (sequence, bytes) => {
    known = sequence <= replica.sequence ? known + 1 : 0;
    applyTo(replica, sequence, bytes);
    if (known >= HANDED_OVER_MIN) resolve();
  });
  return { reading, handedOver };
}

/** Follows a log beside its writer: hears of batches, and fetches those that the writer has not handed over after a while. */
class Announcements {
  readonly reading: Reading;
  /** Resolves when it is stopped, or has stopped because the writer is elsewhere: one batch after another had to be fetched. */
  readonly done: Promise<void>;
  readonly #options: FollowOptions;
  readonly #stopped: () => boolean;
  readonly #reject: (error: unknown) => void;
  #announced = 0;
  #fetching = false;
  /** In a row. */
  #fetched = 0;

  constructor(options: FollowOptions, stopped: () => boolean) {
    this.#options = options;
    this.#stopped = stopped;
    const failed = Promise.withResolvers<never>();
    this.#reject = failed.reject;
    this.reading = options.log.announce(options.replica.sequence + 1, (sequence) => this.#hear(sequence));
    this.done = Promise.race([this.reading.done, failed.promise]);
  }

  #hear(sequence: number): void {
    this.#announced = sequence;
    if (this.#fetching) return;
    if (sequence <= this.#options.replica.sequence) {
      this.#fetched = 0;
      return;
    }
    this.#fetching = true;
    this.#fetch().catch(this.#reject);
  }

  async #fetch(): Promise<void> {
    const { log, replica, clock } = this.#options;
    await sleep(clock, HANDOVER_WAIT_MS);
    if (replica.sequence >= this.#announced) this.#fetched = 0;
    while (!this.#stopped() && replica.sequence < this.#announced) {
      if (this.#fetched++ >= FETCHED_MAX) {
        this.reading.stop();
        return;
      }
      const next = replica.sequence + 1;
      const bytes = await whenAvailable(clock, this.#stopped, () => log.get(next));
      if (bytes === undefined) throw new LogCut(next, this.#announced);
      applyTo(replica, next, bytes);
    }
    this.#fetching = false;
  }
}

/** The log's last sequence, asked until there is an answer; rejects with LogUnavailable once `stopped` says that nobody wants it any more. */
export function endOf(log: Log, clock: Clock, stopped: () => boolean): Promise<number> {
  return whenAvailable(clock, stopped, () => log.lastSequence());
}

async function whenAvailable<Result>(clock: Clock, stopped: () => boolean, ask: () => Promise<Result>): Promise<Result> {
  for (let pause_ms = LOG_RETRY_MS; ; pause_ms = Math.min(pause_ms * 2, LOG_RETRY_MAX_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LogUnavailable) || stopped()) throw error;
      await sleep(clock, pause_ms);
    }
  }
}

/** Resolves after the delay. */
export function sleep(clock: Clock, delay_ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delay_ms, resolve);
  });
}
