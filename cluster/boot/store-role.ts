import {
  AppendGate,
  HighWaterFile,
  type JetStreamLog,
  type JetStreamSnapshots,
  type Replica,
  StoreCondition,
  scrubberKind,
  snapshotterKind,
  writerKind,
} from "../../actors/mod.ts";
import type { Host } from "../../runtime/mod.ts";

export interface StoreRole {
  readonly journal: JetStreamLog;
  readonly snapshots: JetStreamSnapshots;
  readonly replica: Replica;
  /** Where the mark of what was acknowledged lies, beside the log. */
  readonly highWaterFile: string;
  /** A snapshot after so many revisions; the store's own rule by default. */
  readonly snapshotRevisions: number | undefined;
}

export interface RegisteredStore {
  /** What the parts of the store find out about it, for the metrics. */
  readonly condition: StoreCondition;
  /** Writes the marks down; call it when the actors have ended. */
  readonly close: () => Promise<void>;
}

/** Registers the actors that write the log, take snapshots and check what lies on the disks, with what they share. */
export function registerStore(host: Host, { journal, snapshots, replica, highWaterFile, snapshotRevisions }: StoreRole): RegisteredStore {
  const condition = new StoreCondition();
  const highWater = new HighWaterFile(highWaterFile, journal.id);
  const gate = new AppendGate();
  const noteHighWater = (sequence: number, revision: number): void => highWater.note(sequence, revision);
  host.register(writerKind({ log: journal, replica, noteHighWater, gate }));
  const everyRevisions = snapshotRevisions === undefined ? {} : { everyRevisions: snapshotRevisions };
  host.register(snapshotterKind({ log: journal, snapshots, replica, highWater, gate, condition, ...everyRevisions }));
  host.register(scrubberKind({ log: journal, snapshots, replica, condition, markFile: highWaterFile }));
  const close = async (): Promise<void> => {
    const { sequence, revision } = replica;
    // A stop is not to fail because JetStream does not answer; the file has the mark too.
    await snapshots.setHighWater({ log: journal.id, sequence, revision }).catch(() => {});
    await highWater.sync().catch(() => {});
    highWater.close();
  };
  return { condition, close };
}
