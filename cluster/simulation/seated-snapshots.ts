import {
  decodeSummary,
  type HighWater,
  LogUnavailable,
  type PackedFrame,
  type SnapshotEntry,
  type SnapshotSummary,
  type Snapshots,
} from "../../actors/mod.ts";
import type { Seat } from "../../runtime/simulator/mod.ts";
import { remotely } from "./seated-log.ts";
import { type SharedStore, sequenceOf } from "./shared-store.ts";

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
