import {
  AppendFenced,
  type Batch,
  decodeBatch,
  type HighWater,
  LogCut,
  type SnapshotEntry,
  type SnapshotSummary,
} from "../../actors/mod.ts";

/** Batches that a reader gets in one answer. */
const BATCHES_AT_ONCE = 64;

/** So many batches are kept as they were read; who reads one later reads it for itself. */
const READ_KEPT = 64;

/** Who hears of each batch where the log is; on its way from there it may get lost. */
export interface BatchFollower {
  heard(sequence: number, batch: Uint8Array): void;
}

/** What lies beyond all hosts: the log, and the snapshots that stand for its beginning. In JetStream's place; nothing of it is ever lost. */
export class SharedStore {
  /** Told of each batch when it is in the log: from then on it has happened, whoever knows of it. */
  readonly #committed: (sequence: number, bytes: Uint8Array) => void;
  /** Index i holds sequence first + i. */
  #batches: Uint8Array[] = [];
  #first = 1;
  #bytes = 0;
  /** Those who are told of each batch as it comes. */
  readonly #followers = new Set<BatchFollower>();
  readonly #snapshots = new Map<string, { readonly entry: SnapshotEntry; readonly frames: readonly Buffer[] }>();
  #snapshotsMade = 0;
  readonly #read: { readonly bytes: Uint8Array; readonly batch: Batch }[] = [];
  highWater: HighWater | undefined;

  constructor(committed: (sequence: number, bytes: Uint8Array) => void) {
    this.#committed = committed;
  }

  /** Reads a batch once for all hosts: each of them would, and all texts be there four times. */
  readonly readBatch: typeof decodeBatch = (sequence, bytes, wanted) => {
    if (wanted !== undefined) return decodeBatch(sequence, bytes, wanted);
    const known = this.#read[sequence % READ_KEPT];
    if (known?.bytes === bytes) return known.batch;
    const batch = decodeBatch(sequence, bytes);
    this.#read[sequence % READ_KEPT] = { bytes, batch };
    return batch;
  };

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
    for (const follower of this.#followers) follower.heard(this.last, batch);
    return this.last;
  }

  get(sequence: number): Uint8Array | undefined {
    return this.#batches[sequence - this.#first];
  }

  /** The batches from this one on; when there are none yet, `follower` is told of them as they come. Throws LogCut. */
  from(sequence: number, follower: BatchFollower): readonly Uint8Array[] {
    if (sequence > this.last) {
      this.#followers.add(follower);
      return [];
    }
    if (sequence < this.#first) throw new LogCut(sequence, this.#first);
    const at = sequence - this.#first;
    return this.#batches.slice(at, at + BATCHES_AT_ONCE);
  }

  unfollow(follower: BatchFollower): void {
    this.#followers.delete(follower);
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

export function sequenceOf(id: string): number {
  return Number(id.split("-")[0]);
}
