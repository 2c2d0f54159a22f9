import { type Actor, type ActorKind, type Address, type Context, unknownMessage } from "../../runtime/mod.ts";
import type { AppendGate } from "./append-gate.ts";
import { sleep } from "./follow.ts";
import type { HighWaterKeeper } from "./high-water.ts";
import { SNAPSHOT_AGE_MAX_MS, SNAPSHOT_LOOK_MS, SNAPSHOT_RETRY_MS, SNAPSHOT_SETTLE_MS } from "./limits.ts";
import type { CuttableLog, LogBounds } from "./log.ts";
import { LogLost, LogUnavailable } from "./log.ts";
import { isWhole, verifySnapshot } from "./recovery.ts";
import type { Replica } from "./replica.ts";
import { SnapshotDamaged } from "./snapshot-frame.ts";
import { packSnapshot } from "./snapshot-packing.ts";
import { isDue, retentionOf } from "./snapshot-policy.ts";
import type { Snapshot, Snapshots } from "./snapshots.ts";
import type { StoreCondition } from "./store-condition.ts";

/**
 * Takes snapshots of the store beside its writer, while that goes on, and cuts the log. It promises: the log is cut only behind a snapshot that
 * was read back whole, and that another one is newer than, which was too; so each of the two, with the log after it, is all of the store.
 *
 * What is in memory is a good copy, too. Where a part of the store was found damaged, or the log has lost its beginning or its end, a snapshot is
 * taken of it at once, and the log begins anew behind that: JetStream reads nothing of a block behind what is damaged in it, so
 * a damaged place would take along what is written after it. A log that is gone, or another in its place, is left alone: somebody did that. The same is
 * done when a start finds that other keys are to encrypt than did before, so that soon nothing stands in the store that needs the old ones.
 *
 * It also carries the high-water mark to where a restart on another machine finds it, and sees first when the log is not what it was.
 */
export const SNAPSHOTTER_KIND = "snapshotter";
export const SNAPSHOTTER_ADDRESS: Address = "snapshotter/main";

export type SnapshotterMessage =
  /** Begin to look, again and again. A second one changes nothing. */
  | { readonly type: "start" }
  /** A part of the store cannot be read back: a batch of the log, or the snapshot with this id. */
  | { readonly type: "damaged"; readonly snapshot: string | undefined }
  /** From itself. */
  | { readonly type: "look" };

export interface SnapshotterOptions {
  readonly log: CuttableLog;
  readonly snapshots: Snapshots;
  /** The replica of the writer's host. */
  readonly replica: Replica;
  /** The mark of this host's data directory, to be synced now and then. */
  readonly highWater?: HighWaterKeeper;
  /** Default SNAPSHOT_EVERY_REVISIONS. */
  readonly everyRevisions?: number;
  /** Default SNAPSHOT_LOOK_MS. */
  readonly look_ms?: number;
  /** Whether what is packed is compressed, which other threads do and take their own time for. Default true. */
  readonly compress?: boolean;
  /** Of the writer of this host. */
  readonly gate?: AppendGate;
  /** Told of what is seen. */
  readonly condition?: StoreCondition;
}

/** Where the log is not all of the store, as many have to be whole. */
const SNAPSHOTS_MIN = 2;

export function snapshotterKind(options: SnapshotterOptions): ActorKind<SnapshotterMessage> {
  return {
    kind: SNAPSHOTTER_KIND,
    mailboxCapacity: 16,
    supervision: { strategy: "restart", backoff_ms: 1_000, backoff_max_ms: 30_000 },
    activate: (context) => new Snapshotter(context, options),
  };
}

class Snapshotter implements Actor<SnapshotterMessage> {
  readonly #context: Context<SnapshotterMessage>;
  readonly #options: SnapshotterOptions;
  /** The newest snapshot's revision, and when it was taken or as good as taken; undefined before it was looked for. */
  #last: { readonly revision: number; readonly at_ms: number } | undefined;
  /** Those there are, oldest first, as far as they are not known to be damaged. */
  #snapshots: readonly Snapshot[] = [];
  /** When each was seen first. */
  readonly #seen_ms = new Map<string, number>();
  /** Ids of those that were found damaged. */
  readonly #damaged = new Set<string>();
  /** Why the log is to begin anew behind a snapshot of what is in memory; undefined: it is not. */
  #anew: "damage" | "encryption" | undefined;
  /** Snapshots to be taken whether they are due or not. */
  #extra = 0;
  /** The revision of the mark that JetStream has. */
  #marked = 0;
  #taking = false;
  #begun = false;
  #work: Promise<void> | undefined;
  #stopped = false;
  #failing: "" | "unavailable" | "lost" = "";

  constructor(context: Context<SnapshotterMessage>, options: SnapshotterOptions) {
    this.#context = context;
    this.#options = options;
  }

  receive(message: SnapshotterMessage): void {
    switch (message.type) {
      case "start":
        if (this.#begun) return;
        this.#begun = true;
        this.receive({ type: "look" });
        return;
      case "look":
        // Outside the turn: a snapshot takes seconds, and a stop is not to wait for it.
        this.#work ??= this.#look().then(
          () => this.#lookAgain(this.#look_ms),
          (error: unknown) => this.#failed(error),
        );
        return;
      case "damaged":
        if (message.snapshot === undefined) this.#anew = "damage";
        else if (!this.#damaged.has(message.snapshot)) {
          this.#damaged.add(message.snapshot);
          this.#extra = SNAPSHOTS_MIN;
        }
        return;
      default:
        unknownMessage(message);
    }
  }

  movesWith(): SnapshotterMessage | undefined {
    return this.#begun ? { type: "start" } : undefined;
  }

  async stopped(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #look(): Promise<void> {
    const { replica, highWater, everyRevisions, condition } = this.#options;
    await highWater?.sync();
    await this.#mark();
    this.#last ??= await this.#found();
    const bounds = await this.#bounds();
    if (bounds !== undefined) condition?.log(bounds);
    if (bounds === undefined || !(await this.#beginsWell(bounds))) this.#anew = "damage";
    const anew = this.#anew;
    if (anew !== undefined) await this.#whileHeld(() => this.#begin(anew));
    const since = { revisions: replica.revision - this.#last.revision, age_ms: this.#now_ms() - this.#last.at_ms };
    if (!this.#stopped && (this.#extra > 0 || isDue(since, everyRevisions))) await this.#take(bounds?.bytes ?? 0);
    this.#recovered();
  }

  /** What is written here was acknowledged: the replica holds only what is durable. */
  async #mark(): Promise<void> {
    const { replica, log, snapshots, condition } = this.#options;
    const { sequence, revision } = replica;
    if (revision === this.#marked) return;
    await snapshots.setHighWater({ log: log.id, sequence, revision });
    this.#marked = revision;
    if (condition !== undefined) condition.marked = true;
  }

  /** What is there at the start. */
  async #found(): Promise<{ readonly revision: number; readonly at_ms: number }> {
    this.#snapshots = await this.#list();
    const newest = this.#snapshots.at(-1);
    if (newest?.summary.writtenWith !== this.#options.replica.transformer?.writesWith) this.#anew ??= "encryption";
    this.#options.condition?.snapshots(this.#snapshots.length, newest?.summary.revision);
    return { revision: newest?.summary.revision ?? 0, at_ms: this.#now_ms() - SNAPSHOT_AGE_MAX_MS + SNAPSHOT_SETTLE_MS };
  }

  /** The log's; undefined: it has lost its end, and all of that is in memory. */
  async #bounds(): Promise<LogBounds | undefined> {
    const { log, replica } = this.#options;
    try {
      return await log.bounds();
    } catch (error) {
      if (!(error instanceof LogLost) || error.how !== "shortened" || replica.sequence < log.reached) throw error;
      this.#context.log.error({ error: error.message }, "the log of the store has lost its end; what is in memory takes its place");
      this.#options.condition?.damage(error.message);
      return undefined;
    }
  }

  /** Somebody else may have cut the log: another host, behind a snapshot of its own, or a stranger, behind none. */
  async #beginsWell({ first }: LogBounds): Promise<boolean> {
    const reachable = (): boolean => first === 1 || this.#snapshots.some(({ summary }) => summary.sequence + 1 >= first);
    if (reachable()) return true;
    this.#snapshots = await this.#list();
    if (reachable()) return true;
    const place = `the log begins with batch ${first}, and there is no snapshot of what came before`;
    this.#context.log.error({ error: place }, "the log of the store has lost its beginning; what is in memory takes its place");
    this.#options.condition?.damage(place);
    return false;
  }

  async #whileHeld(work: () => Promise<void>): Promise<void> {
    const release = await this.#options.gate?.hold(this.#context.clock);
    await work().finally(() => release?.());
  }

  /**
   * A snapshot of what is in memory, and the log anew behind it. Should another host have written meanwhile, that stays in the log. A second
   * snapshot follows at once: nothing else of what was before is good any more.
   */
  async #begin(why: "damage" | "encryption"): Promise<void> {
    const { replica, log } = this.#options;
    if (this.#stopped || replica.sequence === 0) return;
    this.#anew = undefined;
    try {
      const { sequence, revision } = replica;
      const taken = await this.#store();
      if (!(await this.#verified(taken))) throw new Error("the snapshot just taken cannot be read back");
      await log.cutBefore(taken.summary.sequence + 1);
      const known = { sequence, revision };
      if (why === "damage") this.#context.log.error(known, "the log of the store begins anew, behind a snapshot of what was in memory");
      else this.#context.log.info(known, "the store was written anew, encrypted as it is configured now");
      this.#extra = SNAPSHOTS_MIN - 1;
    } catch (error) {
      this.#anew = why;
      throw error;
    }
  }

  async #list(): Promise<readonly Snapshot[]> {
    const { snapshots, log } = this.#options;
    const whole = (await snapshots.list()).filter(isWhole).filter(({ id, summary }) => summary.log === log.id && !this.#damaged.has(id));
    for (const { id } of whole) if (!this.#seen_ms.has(id)) this.#seen_ms.set(id, this.#now_ms());
    return whole;
  }

  /** Puts a snapshot of what is in memory where snapshots are. */
  async #store(): Promise<Snapshot> {
    const { replica, log, snapshots, compress = true } = this.#options;
    this.#taking = true;
    const capture = await replica.capture(() => sleep(this.#context.clock, 0));
    const packed = packSnapshot(capture, { log: log.id, frameBytesMax: log.batchBytesMax, transformer: replica.transformer, compress });
    const id = await snapshots.store(capture.sequence, this.#whileRunning(packed));
    const taken = (await this.#list()).find((snapshot) => snapshot.id === id);
    if (taken === undefined) throw new Error("the snapshot just taken cannot be found");
    this.#taking = false;
    return taken;
  }

  async #take(logBytes: number): Promise<void> {
    const begun_ms = this.#now_ms();
    const taken = await this.#store();
    const { revision, sequence } = taken.summary;
    await this.#retain(taken.id, { revision, logBytes }, this.#options.everyRevisions);
    this.#last = { revision, at_ms: begun_ms };
    this.#extra = Math.max(0, this.#extra - 1);
    this.#options.condition?.snapshots(this.#snapshots.length, revision);
    const took_ms = Math.round(this.#now_ms() - begun_ms);
    this.#context.log.info({ revision, sequence, took_ms }, "a snapshot of the store was taken");
  }

  /** Makes sure of the snapshot just taken, cuts the log where that allows it, and removes the snapshots that nothing stands on any more. */
  async #retain(taken: string, now: { readonly revision: number; readonly logBytes: number }, everyRevisions?: number): Promise<void> {
    const { log, snapshots } = this.#options;
    const { first } = await log.bounds();
    // The log after the others is not there any more.
    let whole = (await this.#list()).filter(({ summary }) => summary.sequence + 1 >= first);
    const newest = whole.find(({ id }) => id === taken);
    if (newest === undefined || !(await this.#verified(newest))) throw new Error("the snapshot just taken cannot be read back");
    for (;;) {
      // What is newer is another's.
      whole = whole.slice(0, whole.indexOf(newest) + 1);
      const ages = whole.map(({ id, summary }) => ({
        revision: summary.revision,
        age_ms: this.#now_ms() - (this.#seen_ms.get(id) ?? Number.POSITIVE_INFINITY),
      }));
      const { keep, cutBehind } = retentionOf(ages, now, everyRevisions);
      const base = whole[cutBehind ?? -1];
      if (base !== undefined && !(await this.#verified(base))) {
        whole = whole.filter((each) => each !== base);
        continue;
      }
      if (base !== undefined) await log.cutBefore(base.summary.sequence + 1);
      this.#snapshots = keep.flatMap((index) => whole[index] ?? []);
      await snapshots.removeAllBut(this.#snapshots);
      for (const id of this.#seen_ms.keys()) if (!this.#snapshots.some((each) => each.id === id)) this.#seen_ms.delete(id);
      return;
    }
  }

  /** Whether a snapshot can be read back whole. */
  async #verified(snapshot: Snapshot): Promise<boolean> {
    try {
      await verifySnapshot(this.#options.snapshots, snapshot);
      return true;
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      this.#damaged.add(snapshot.id);
      this.#options.condition?.damage(error.message);
      this.#context.log.error({ error: error.message }, "a snapshot of the store is damaged; another takes its place");
      return false;
    }
  }

  async *#whileRunning<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      if (this.#stopped) throw new LogUnavailable("the snapshotter was stopped");
      yield item;
    }
  }

  #failed(error: unknown): void {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const failing = error instanceof LogLost ? "lost" : "unavailable";
    this.#options.condition?.lost(error instanceof LogLost ? message : undefined);
    if (this.#failing !== failing && this.#failing !== "lost" && !this.#stopped) {
      this.#failing = failing;
      if (failing === "lost") this.#context.log.error({ error: message }, "writes are refused; a restart will tell what can be read back");
      else this.#context.log.warn({ error: message }, "no snapshot can be taken now; the log stays as long as it is");
    }
    this.#lookAgain(this.#taking ? SNAPSHOT_RETRY_MS : this.#look_ms);
    this.#taking = false;
  }

  #recovered(): void {
    if (this.#failing !== "") this.#context.log.info({}, "snapshots can be taken again");
    this.#failing = "";
    this.#options.condition?.lost(undefined);
  }

  get #look_ms(): number {
    return this.#options.look_ms ?? SNAPSHOT_LOOK_MS;
  }

  #lookAgain(delay_ms: number): void {
    this.#work = undefined;
    if (!this.#stopped) this.#context.after(delay_ms, { type: "look" });
  }

  #now_ms(): number {
    return this.#context.clock.monotonic_ms();
  }
}
