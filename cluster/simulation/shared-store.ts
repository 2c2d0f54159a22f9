import {
  AppendFenced,
  type CuttableLog,
  decodeSummary,
  type HighWater,
  LogCut,
  LogUnavailable,
  type OnBatch,
  type PackedFrame,
  type Reading,
  type SnapshotEntry,
  type SnapshotSummary,
  type Snapshots,
} from "../../actors/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";

const LOG_ID = "simulated";
const BATCH_BYTES_MAX: number = 4 * 1024 * 1024;
/** Batches that a reader gets in one answer. */
const BATCHES_AT_ONCE = 64;

/** What lies beyond all hosts: the log, and the snapshots that stand for its beginning. In JetStream's place; nothing of it is ever lost. */
export class SharedStore {
  /** Told of each batch when it is in the log: from then on it has happened, whoever knows of it. */
  readonly #committed: (sequence: number, bytes: Uint8Array) => void;
  /** Index i holds sequence first + i. */
  #batches: Uint8Array[] = [];
  #first = 1;
  #bytes = 0;
  #waiting: (() => void)[] = [];
  readonly #snapshots = new Map<string, { readonly entry: SnapshotEntry; readonly frames: readonly Buffer[] }>();
  #snapshotsMade = 0;
  highWater: HighWater | undefined;

  constructor(committed: (sequence: number, bytes: Uint8Array) => void) {
    this.#committed = committed;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#first + this.#batches.length - 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(batch: Uint8Array, expectedLastSequence: number): number {
    if (this.last !== expectedLastSequence) throw new AppendFenced(expectedLastSequence);
    this.#batches.push(batch);
    this.#bytes += batch.length;
    this.#committed(this.last, batch);
    for (const wake of this.#waiting.splice(0)) wake();
    return this.last;
  }

  get(sequence: number): Uint8Array | undefined {
    return this.#batches[sequence - this.#first];
  }

  /** The batches from this one on, as soon as there is one. Rejects with LogCut. */
  async from(sequence: number): Promise<readonly Uint8Array[]> {
    while (sequence > this.last) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (sequence < this.#first) throw new LogCut(sequence, this.#first);
    const at = sequence - this.#first;
    return this.#batches.slice(at, at + BATCHES_AT_ONCE);
  }

  cutBefore(sequence: number): void {
    const gone = this.#batches.splice(0, Math.max(0, Math.min(sequence - this.#first, this.#batches.length)));
    for (const batch of gone) this.#bytes -= batch.length;
    this.#first = Math.max(this.#first, sequence);
  }

  snapshots(): readonly SnapshotEntry[] {
    return [...this.#snapshots.values()].map(({ entry }) => entry);
  }

  frame(id: string, index: number): Buffer | undefined {
    return this.#snapshots.get(id)?.frames[index];
  }

  /** The last of the frames is the summary. */
  keep(sequence: number, frames: readonly Buffer[], summary: SnapshotSummary): string {
    const id = `${sequence}-${++this.#snapshotsMade}`;
    this.#snapshots.set(id, { entry: { id, name: `snapshot ${id}`, summary }, frames });
    return id;
  }

  removeAllBut(ids: ReadonlySet<string>, newest: number): void {
    for (const id of this.#snapshots.keys()) if (!ids.has(id) && sequenceOf(id) <= newest) this.#snapshots.delete(id);
  }
}

function sequenceOf(id: string): number {
  return Number(id.split("-")[0]);
}

/** The log as one host reaches it: calls take time, and their answers may get lost. */
export class SeatedLog implements CuttableLog {
  readonly id: string = LOG_ID;
  readonly batchBytesMax: number = BATCH_BYTES_MAX;
  reached = 0;
  readonly #store: SharedStore;
  readonly #seat: Seat;

  constructor(store: SharedStore, seat: Seat) {
    this.#store = store;
    this.#seat = seat;
  }

  append(batch: Uint8Array, expectedLastSequence: number): Promise<number> {
    // The caller's buffer is its own again when this returns.
    const bytes = batch.slice();
    return this.#call(() => this.#reach(this.#store.append(bytes, expectedLastSequence)));
  }

  read(fromSequence: number, onBatch: OnBatch): Reading {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    let stopped = false;
    let next = fromSequence;
    const follow = async (): Promise<void> => {
      while (!stopped) {
        const from = next;
        const batches = await remotely(this.#seat, () => this.#store.from(from), true).catch((error: unknown) => {
          if (error instanceof LogUnavailable) return [];
          throw error;
        });
        for (const batch of batches) {
          if (stopped) break;
          this.#reach(next);
          onBatch(next++, batch);
        }
      }
    };
    follow().catch(reject);
    const stop = (): void => {
      stopped = true;
      resolve();
    };
    return { done, stop };
  }

  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading {
    return this.read(fromSequence, onSequence);
  }

  get(sequence: number): Promise<Uint8Array | undefined> {
    return this.#call(() => this.#store.get(sequence));
  }

  copy(sequence: number): Promise<Uint8Array | undefined> {
    return this.get(sequence);
  }

  lastSequence(): Promise<number> {
    return this.#call(() => this.#reach(this.#store.last));
  }

  bounds(): Promise<{ readonly first: number; readonly last: number; readonly bytes: number }> {
    return this.#call(() => ({ first: this.#store.first, last: this.#store.last, bytes: this.#store.bytes }));
  }

  cutBefore(sequence: number): Promise<void> {
    return this.#call(() => this.#store.cutBefore(sequence));
  }

  #reach(sequence: number): number {
    this.reached = Math.max(this.reached, sequence);
    return sequence;
  }

  #call<Result>(operation: () => Result | Promise<Result>): Promise<Result> {
    return remotely(this.#seat, operation);
  }
}

/** The snapshots as one host reaches them. */
export class SeatedSnapshots implements Snapshots {
  readonly #store: SharedStore;
  readonly #seat: Seat;

  constructor(store: SharedStore, seat: Seat) {
    this.#store = store;
    this.#seat = seat;
  }

  list(): Promise<readonly SnapshotEntry[]> {
    return remotely(this.#seat, () => this.#store.snapshots());
  }

  frame(id: string, index: number): Promise<Buffer | undefined> {
    return remotely(this.#seat, () => this.#store.frame(id, index));
  }

  async store(sequence: number, frames: AsyncIterable<PackedFrame>): Promise<string> {
    const stored: Buffer[] = [];
    let summary: SnapshotSummary | undefined;
    for await (const { kind, bytes } of frames) {
      if (kind === "summary") summary = await decodeSummary("a snapshot", stored.length, bytes);
      else stored.push(bytes);
    }
    return remotely(this.#seat, () => {
      if (summary === undefined) throw new LogUnavailable("a snapshot without a summary");
      return this.#store.keep(sequence, stored, summary);
    });
  }

  removeAllBut(kept: readonly SnapshotEntry[]): Promise<void> {
    const newest = Math.max(...kept.map(({ id }) => sequenceOf(id)));
    return remotely(this.#seat, () => this.#store.removeAllBut(new Set(kept.map(({ id }) => id)), newest));
  }

  highWater(): Promise<HighWater | undefined> {
    return remotely(this.#seat, () => this.#store.highWater);
  }

  setHighWater(mark: HighWater): Promise<void> {
    return remotely(this.#seat, () => {
      this.#store.highWater = mark;
    });
  }
}

/** Errors of the store itself are passed on; that no answer came means that it is unavailable. */
async function remotely<Result>(seat: Seat, operation: () => Result | Promise<Result>, patient = false): Promise<Result> {
  try {
    return await seat.remote(operation, patient);
  } catch (error) {
    throw error instanceof AppendFenced || error instanceof LogCut ? error : new LogUnavailable(String(error));
  }
}
