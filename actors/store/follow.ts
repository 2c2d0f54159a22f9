import type { Clock, Logger } from "../../runtime/mod.ts";
import { LOG_RETRY_MAX_MS, LOG_RETRY_MS } from "./limits.ts";
import type { Log } from "./log.ts";
import { LogUnavailable } from "./log.ts";
import { decodeBatch } from "./record.ts";
import type { Replica } from "./replica.ts";
import { resourceOfKey } from "./resource-table.ts";

export interface FollowOptions {
  readonly log: Log;
  readonly replica: Replica;
  readonly clock: Clock;
  readonly logger: Logger;
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
  const wanted = replica.resources === undefined ? undefined : (key: string): boolean => replica.holds(resourceOfKey(key));
  const reading = log.read(replica.sequence + 1, (sequence, bytes) => {
    // The writer of this host hands its own batches over before they come back this way: no need to decode them again.
    if (sequence <= replica.sequence) return;
    const applied = replica.apply(sequence, decodeBatch(sequence, bytes, wanted));
    if (applied === "gap") throw new Error(`batch ${sequence} came when the replica had only reached ${replica.sequence}`);
  });
  let stopped = false;
  const done = reading.done.catch((error: unknown) => {
    const fault = error instanceof Error ? error : new Error(String(error));
    logger.error({ sequence: replica.sequence, error: fault.message }, "the log of the store can no longer be followed");
    replica.fail(fault);
    throw fault;
  });
  const ready = Promise.race([done, endOf(log, clock, () => stopped).then((end) => replica.untilSequence(end))]);
  // Both are for whoever wants to know; that nobody asks is no reason to end the process.
  done.catch(() => {});
  ready.catch(() => {});
  const stop = (): void => {
    stopped = true;
    reading.stop();
  };
  return { ready, done, stop };
}

/** The log's last sequence, asked until there is an answer; rejects with LogUnavailable once `stopped` says that nobody wants it any more. */
export async function endOf(log: Log, clock: Clock, stopped: () => boolean): Promise<number> {
  for (let pause_ms = LOG_RETRY_MS; ; pause_ms = Math.min(pause_ms * 2, LOG_RETRY_MAX_MS)) {
    try {
      return await log.lastSequence();
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
