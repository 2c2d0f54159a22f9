import {
  AppendGate,
  type CuttableLog,
  type HighWaterKeeper,
  type Replica,
  type Snapshots,
  StoreCondition,
  scrubberKind,
  snapshotterKind,
  writerKind,
} from "../../actors/mod.ts";
import type { ActorKind, Message } from "../../runtime/mod.ts";

export interface StoreRole {
  readonly journal: CuttableLog;
  readonly snapshots: Snapshots;
  readonly replica: Replica;
  /** The mark of what was acknowledged, beside the log. */
  readonly highWater: HighWaterKeeper;
  /** The file of the mark, where it is one. */
  readonly highWaterFile?: string;
  /** A snapshot after so many revisions; the store's own rule by default. */
  readonly snapshotRevisions?: number | undefined;
  /** Whether what is stored is compressed; snapshots are by real threads. Default true. */
  readonly compress?: boolean;
}

export interface StoreActors {
  /** The actors that write the log, take snapshots and check what lies on the disks. */
  readonly kinds: readonly ActorKind<Message>[];
  /** What the parts of the store find out about it, for the metrics. */
  readonly condition: StoreCondition;
  /** Writes the marks down; call it when the actors have ended. */
  readonly close: () => Promise<void>;
}

/** The store's actors, with what they share. */
export function storeActors({ journal, snapshots, replica, highWater, ...more }: StoreRole): StoreActors {
  const condition = new StoreCondition();
  const gate = new AppendGate();
  const noteHighWater = (sequence: number, revision: number): void => highWater.note(sequence, revision);
  const { highWaterFile: markFile, snapshotRevisions: everyRevisions, compress = true } = more;
  const kinds = [
    writerKind({ log: journal, replica, noteHighWater, gate, ...(compress ? {} : { compressBytesMin: Number.POSITIVE_INFINITY }) }),
    snapshotterKind({
      log: journal,
      snapshots,
      replica,
      highWater,
      gate,
      condition,
      compress,
      ...(everyRevisions === undefined ? {} : { everyRevisions }),
    }),
    scrubberKind({ log: journal, snapshots, replica, condition, ...(markFile === undefined ? {} : { markFile }) }),
  ] as readonly unknown[] as readonly ActorKind<Message>[];
  const close = async (): Promise<void> => {
    const { sequence, revision } = replica;
    // A stop is not to fail because JetStream does not answer; the file has the mark too.
    await snapshots.setHighWater({ log: journal.id, sequence, revision }).catch(() => {});
    await highWater.sync().catch(() => {});
    highWater.close();
  };
  return { kinds, condition, close };
}
