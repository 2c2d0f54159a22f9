import type { HighWater } from "./high-water.ts";
import type { SnapshotDamaged } from "./snapshot-frame.ts";
import type { PackedFrame, SnapshotSummary } from "./snapshot-packing.ts";

/** A snapshot, perhaps one whose summary cannot be read. */
export interface SnapshotEntry {
  readonly id: string;
  /** What errors call it. */
  readonly name: string;
  readonly summary: SnapshotSummary | SnapshotDamaged;
}

export interface Snapshot extends SnapshotEntry {
  readonly summary: SnapshotSummary;
}

/** Where the snapshots of a store are kept, with the mark of what was acknowledged. Every method rejects with LogUnavailable. */
export interface Snapshots {
  /** All that have a summary, oldest first; among them, as damaged, those that have none and are older than one that has. */
  list(): Promise<readonly SnapshotEntry[]>;
  /** A frame's bytes, undefined when it is missing. */
  frame(id: string, index: number): Promise<Buffer | undefined>;
  /** Stores frames as they come, whose bytes are its own from then on, and resolves with the snapshot's id when the whole is safe; when it rejects nothing counts. */
  store(sequence: number, frames: AsyncIterable<PackedFrame>): Promise<string>;
  /** Removes all but these, and what attempts before them have left. */
  removeAllBut(kept: readonly SnapshotEntry[]): Promise<void>;
  /** The mark that was written last; undefined when there is none, or none that is whole. */
  highWater(): Promise<HighWater | undefined>;
  setHighWater(mark: HighWater): Promise<void>;
}
