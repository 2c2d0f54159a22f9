import { type Actor, type ActorKind, type Address, type Context, unknownMessage } from "../../runtime/mod.ts";
import { sleep } from "./follow.ts";
import type { HighWaterFile } from "./high-water.ts";
import type { JetStreamSnapshots, Snapshot } from "./jetstream-snapshots.ts";
import {
  SNAPSHOT_AGE_MIN_MS,
  SNAPSHOT_EVERY_REVISIONS,
  SNAPSHOT_LOG_BYTES,
  SNAPSHOT_LOOK_MS,
  SNAPSHOT_RETRY_MS,
  SNAPSHOTS_KEPT,
} from "./limits.ts";
import type { CuttableLog } from "./log.ts";
import { LogUnavailable } from "./log.ts";
import { isWhole, verifySnapshot } from "./recovery.ts";
import type { Replica } from "./replica.ts";
import { SnapshotDamaged } from "./snapshot-frame.ts";
import { packSnapshot } from "./snapshot-packing.ts";

/**
 * Takes snapshots of the store beside its writer, while that goes on, and cuts the log. It promises: the log is cut only behind the older of the
 * two newest snapshots that were read back whole after they were written, so each of them, with the log after it, is all of the
 * store; and what is cut is at least SNAPSHOT_EVERY_REVISIONS revisions or SNAPSHOT_AGE_MIN_MS old.
 *
 * It also carries the high-water mark to where a restart on another machine finds it.
 */
export const SNAPSHOTTER_KIND = "snapshotter";
export const SNAPSHOTTER_ADDRESS: Address = "snapshotter/main";

export type SnapshotterMessage =
  /** Begin to look, again and again. */
  | { readonly type: "start" }
  /** From itself. */
  | { readonly type: "look" };

export interface SnapshotterOptions {
  readonly log: CuttableLog;
  readonly snapshots: JetStreamSnapshots;
  /** The replica of the writer's host. */
  readonly replica: Replica;
  /** The mark of this host's data directory, to be synced now and then. */
  readonly highWater?: HighWaterFile;
  /** Default SNAPSHOT_EVERY_REVISIONS. */
  readonly everyRevisions?: number;
}

/** Checked this often whether the log has grown beyond SNAPSHOT_LOG_BYTES. */
const BYTES_EVERY_LOOKS = 10;

export function snapshotterKind(options: SnapshotterOptions): ActorKind<SnapshotterMessage> {
  return {
    kind: SNAPSHOTTER_KIND,
    mailboxCapacity: 16,
    supervision: { strategy: "restart", backoff_ms: 1_000, backoff_max_ms: 30_000 },
    activate: (context) => new Snapshotter(context, options),
  };
}

/** What decides whether a snapshot is due. */
export interface SinceLast {
  readonly revisions: number;
  readonly age_ms: number;
  /** Of the whole log; undefined: not known now. */
  readonly logBytes: number | undefined;
}

export function isDue({ revisions, age_ms, logBytes = 0 }: SinceLast, everyRevisions: number = SNAPSHOT_EVERY_REVISIONS): boolean {
  return revisions >= everyRevisions || (revisions > 0 && logBytes >= SNAPSHOT_LOG_BYTES && age_ms >= SNAPSHOT_AGE_MIN_MS);
}

class Snapshotter implements Actor<SnapshotterMessage> {
  readonly #context: Context<SnapshotterMessage>;
  readonly #options: SnapshotterOptions;
  /** The newest snapshot's revision, and when it was taken or found; undefined before it was looked for. */
  #last: { readonly revision: number; readonly at_ms: number } | undefined;
  /** The revision of the mark that JetStream has. */
  #marked = 0;
  #looks = 0;
  #work: Promise<void> | undefined;
  #stopped = false;
  #failing = false;

  constructor(context: Context<SnapshotterMessage>, options: SnapshotterOptions) {
    this.#context = context;
    this.#options = options;
  }

  receive(message: SnapshotterMessage): void {
    switch (message.type) {
      case "start":
      case "look":
        // Outside the turn: a snapshot takes seconds, and a stop is not to wait for it.
        this.#work ??= this.#look().then(
          () => this.#lookAgain(SNAPSHOT_LOOK_MS),
          (error: unknown) => this.#failed(error),
        );
        return;
      default:
        unknownMessage(message);
    }
  }

  async stopped(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #look(): Promise<void> {
    const { replica, log, snapshots, highWater, everyRevisions } = this.#options;
    await highWater?.sync();
    await this.#mark();
    if (this.#last === undefined) {
      const newest = (await snapshots.list()).filter(isWhole).at(-1);
      this.#last = { revision: newest?.summary.revision ?? 0, at_ms: this.#now_ms() };
    }
    const logBytes = this.#looks++ % BYTES_EVERY_LOOKS === 0 ? (await log.bounds()).bytes : undefined;
    const since = { revisions: replica.revision - this.#last.revision, age_ms: this.#now_ms() - this.#last.at_ms, logBytes };
    if (!this.#stopped && isDue(since, everyRevisions)) await this.#take();
    this.#recovered();
  }

  /** What is written here was acknowledged: the replica holds only what is durable. */
  async #mark(): Promise<void> {
    const { replica, log, snapshots } = this.#options;
    const { sequence, revision } = replica;
    if (revision === this.#marked) return;
    await snapshots.setHighWater({ log: log.id, sequence, revision });
    this.#marked = revision;
  }

  async #take(): Promise<void> {
    const { replica, log, snapshots } = this.#options;
    const begun_ms = this.#now_ms();
    const capture = await replica.capture(() => sleep(this.#context.clock, 0));
    const packed = packSnapshot(capture, { log: log.id, frameBytesMax: log.batchBytesMax });
    await snapshots.store(capture.sequence, this.#whileRunning(packed));
    const kept = await this.#verified();
    if (!kept.some(({ summary }) => summary.sequence === capture.sequence)) throw new Error("the snapshot just taken cannot be read back");
    this.#last = { revision: capture.revision, at_ms: begun_ms };
    const oldest = kept[0];
    if (kept.length === SNAPSHOTS_KEPT && oldest !== undefined) await log.cutBefore(oldest.summary.sequence + 1);
    await snapshots.removeAllBut(kept);
    const { revision, sequence } = capture;
    const took_ms = Math.round(this.#now_ms() - begun_ms);
    this.#context.log.info({ revision, sequence, took_ms }, "a snapshot of the store was taken");
  }

  /** The newest snapshots that can be read back whole, oldest first. */
  async #verified(): Promise<readonly Snapshot[]> {
    const { snapshots, log } = this.#options;
    const verified: Snapshot[] = [];
    for (const entry of [...(await snapshots.list())].reverse()) {
      if (verified.length === SNAPSHOTS_KEPT) break;
      try {
        if (!isWhole(entry)) throw entry.summary;
        if (entry.summary.log !== log.id) continue;
        await verifySnapshot(snapshots, entry);
        verified.unshift(entry);
      } catch (error) {
        if (!(error instanceof SnapshotDamaged)) throw error;
        this.#context.log.error({ error: error.message }, "a snapshot of the store is damaged; another takes its place");
      }
    }
    return verified;
  }

  async *#whileRunning<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      if (this.#stopped) throw new LogUnavailable("the snapshotter was stopped");
      yield item;
    }
  }

  #failed(error: unknown): void {
    if (!this.#failing && !this.#stopped) {
      this.#failing = true;
      const { message } = error instanceof Error ? error : new Error(String(error));
      this.#context.log.warn({ error: message }, "no snapshot can be taken now; the log stays as long as it is");
    }
    this.#lookAgain(SNAPSHOT_RETRY_MS);
  }

  #recovered(): void {
    if (this.#failing) this.#context.log.info({}, "snapshots can be taken again");
    this.#failing = false;
  }

  #lookAgain(delay_ms: number): void {
    this.#work = undefined;
    if (!this.#stopped) this.#context.after(delay_ms, { type: "look" });
  }

  #now_ms(): number {
    return this.#context.clock.monotonic_ms();
  }
}
