import { type Actor, type ActorKind, type Address, type Context, unknownMessage } from "../../runtime/mod.ts";
import { sleep } from "./follow.ts";
import { readHighWater } from "./high-water.ts";
import { SCRUB_BATCHES_PER_S, SCRUB_BYTES_PER_S, SCRUB_EVERY_MS, SCRUB_FIRST_MS } from "./limits.ts";
import type { CuttableLog } from "./log.ts";
import { LogUnavailable } from "./log.ts";
import { CorruptBatch, verifyBatch } from "./record.ts";
import { verifySnapshot } from "./recovery.ts";
import type { Replica } from "./replica.ts";
import { SnapshotDamaged } from "./snapshot-frame.ts";
import type { Snapshots } from "./snapshots.ts";
import { SNAPSHOTTER_ADDRESS, type SnapshotterMessage } from "./snapshotter.ts";
import type { StoreCondition } from "./store-condition.ts";

/**
 * Reads again, slowly and over and over, what lies on the disks and nobody else reads: every batch of the log, every snapshot, both marks. It
 * promises: what it cannot read back is named in the log of the program and counted, once a place; the snapshotter hears of it, and takes a
 * snapshot of what is in memory, so that the next start does without the damaged place; and no round costs more than its pace allows.
 */
export const SCRUBBER_KIND = "scrubber";
export const SCRUBBER_ADDRESS: Address = "scrubber/main";

export type ScrubberMessage =
  /** Begin: the first round comes a while after this. A second one changes nothing. */
  | { readonly type: "start" }
  /** From itself. */
  | { readonly type: "round" };

export interface ScrubberPace {
  readonly bytes_per_s: number;
  readonly batches_per_s: number;
  readonly every_ms: number;
  readonly first_ms: number;
}

const PACE: ScrubberPace = {
  bytes_per_s: SCRUB_BYTES_PER_S,
  batches_per_s: SCRUB_BATCHES_PER_S,
  every_ms: SCRUB_EVERY_MS,
  first_ms: SCRUB_FIRST_MS,
};

export interface ScrubberOptions {
  readonly log: CuttableLog;
  readonly snapshots: Snapshots;
  /** Of the host of the writer: what it holds is the good copy of both marks. */
  readonly replica: Replica;
  readonly condition: StoreCondition;
  /** The file of this host's high-water mark. */
  readonly markFile?: string;
  readonly pace?: Partial<ScrubberPace>;
}

const MS_PER_S = 1_000;
/** Shorter waits are put off until they are worth a timer. */
const PAUSE_MIN_MS = 20;

export function scrubberKind(options: ScrubberOptions): ActorKind<ScrubberMessage> {
  return {
    kind: SCRUBBER_KIND,
    mailboxCapacity: 16,
    supervision: { strategy: "restart", backoff_ms: 10_000, backoff_max_ms: 600_000 },
    activate: (context) => new Scrubber(context, options),
  };
}

/** Stops a round without anything being wrong. */
class Stopped extends Error {}

class Scrubber implements Actor<ScrubberMessage> {
  readonly #context: Context<ScrubberMessage>;
  readonly #options: ScrubberOptions;
  readonly #pace: ScrubberPace;
  #work: Promise<void> | undefined;
  #stopped = false;
  #begun = false;
  /** Until when what was read so far may take, at the pace. */
  #due_ms = 0;

  constructor(context: Context<ScrubberMessage>, options: ScrubberOptions) {
    this.#context = context;
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
  }

  receive(message: ScrubberMessage): void {
    switch (message.type) {
      case "start":
        if (this.#begun) return;
        this.#begun = true;
        this.#context.after(this.#pace.first_ms, { type: "round" });
        return;
      case "round":
        // Outside the turn: a round takes minutes, and a stop is not to wait for it.
        this.#work ??= this.#round()
          .catch((error: unknown) => this.#interrupted(error))
          .then(() => {
            this.#work = undefined;
            if (!this.#stopped) this.#context.after(this.#pace.every_ms, { type: "round" });
          });
        return;
      default:
        unknownMessage(message);
    }
  }

  movesWith(): ScrubberMessage | undefined {
    return this.#begun ? { type: "start" } : undefined;
  }

  async stopped(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #round(): Promise<void> {
    const { condition } = this.#options;
    const [begun_ms, before] = [this.#now_ms(), condition.checkedBytes];
    this.#due_ms = begun_ms;
    await this.#checkMarks();
    await this.#checkSnapshots();
    await this.#checkLog();
    condition.rounds++;
    const took_ms = Math.round(this.#now_ms() - begun_ms);
    this.#context.log.info({ bytes: condition.checkedBytes - before, damages: condition.damages.size, took_ms }, "the store was checked");
  }

  async #checkLog(): Promise<void> {
    const { log } = this.#options;
    const { first, last } = await log.bounds();
    let revision: number | undefined;
    let missing: number | undefined;
    const endMissing = (next: number): void => {
      if (missing !== undefined) this.#damage(`batches ${missing} to ${next - 1} of the log cannot be read`);
      missing = undefined;
    };
    for (let sequence = first; sequence <= last; sequence++) {
      const bytes = await log.copy(sequence);
      if (bytes === undefined) {
        // JetStream reads nothing of a block behind what is damaged in it. Or it was cut meanwhile.
        const now = await log.bounds();
        if (now.first > sequence) sequence = now.first - 1;
        else missing ??= sequence;
        revision = undefined;
      } else {
        endMissing(sequence);
        revision = this.#checkBatch(sequence, bytes, revision);
      }
      await this.#pause(bytes?.length ?? 0);
    }
    endMissing(last + 1);
  }

  /** Gives the last revision of the batch, undefined when it is damaged; `before` is that of the one before. */
  #checkBatch(sequence: number, bytes: Uint8Array, before: number | undefined): number | undefined {
    try {
      const { firstRevision, lastRevision } = verifyBatch(sequence, bytes);
      if (before !== undefined && firstRevision !== before + 1)
        throw new CorruptBatch(sequence, -1, `it begins with revision ${firstRevision}, and the one before ended with ${before}`);
      return lastRevision;
    } catch (error) {
      if (!(error instanceof CorruptBatch)) throw error;
      this.#damage(error.message);
      return undefined;
    }
  }

  async #checkSnapshots(): Promise<void> {
    const { snapshots } = this.#options;
    for (const { id, name, summary } of await snapshots.list()) {
      try {
        if (summary instanceof SnapshotDamaged) throw summary;
        await verifySnapshot(snapshots, { id, name, summary }, (bytes) => this.#pause(bytes));
      } catch (error) {
        if (!(error instanceof SnapshotDamaged)) throw error;
        // It may have been removed meanwhile.
        if ((await snapshots.list()).some((entry) => entry.id === id)) this.#damage(error.message, id);
      }
    }
  }

  /** The marks are written again by whoever writes next; one that is damaged is put right at once, from what is in memory. */
  async #checkMarks(): Promise<void> {
    const { log, snapshots, replica, condition, markFile } = this.#options;
    const { sequence, revision } = replica;
    if (markFile !== undefined && readHighWater(markFile) === "damaged") this.#damage(`the high-water mark in ${markFile} cannot be read`);
    if (!condition.marked || (await snapshots.highWater())?.log === log.id) return;
    this.#damage("the high-water mark in JetStream cannot be read");
    await snapshots.setHighWater({ log: log.id, sequence, revision });
  }

  #damage(place: string, snapshot?: string): void {
    if (!this.#options.condition.damage(place)) return;
    this.#context.log.error({ place }, "a part of the store is damaged on the disk; a snapshot is taken of what is in memory");
    this.#context.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "damaged", snapshot });
  }

  /** So much was read: waits for as long as that is to take. */
  async #pause(bytes: number): Promise<void> {
    if (this.#stopped) throw new Stopped();
    this.#options.condition.checkedBytes += bytes;
    const { bytes_per_s, batches_per_s } = this.#pace;
    const now_ms = this.#now_ms();
    this.#due_ms = Math.max(this.#due_ms, now_ms - PAUSE_MIN_MS) + MS_PER_S * Math.max(bytes / bytes_per_s, 1 / batches_per_s);
    if (this.#due_ms - now_ms >= PAUSE_MIN_MS) await sleep(this.#context.clock, this.#due_ms - now_ms);
  }

  /** What cannot be read because nobody answers is no damage; the next round tells. */
  #interrupted(error: unknown): void {
    if (error instanceof Stopped || this.#stopped) return;
    if (!(error instanceof LogUnavailable)) throw error;
    this.#context.log.warn({ error: error.message }, "the store cannot be checked now; later");
  }

  #now_ms(): number {
    return this.#context.clock.monotonic_ms();
  }
}
