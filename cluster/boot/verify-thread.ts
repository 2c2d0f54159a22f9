import { JetStreamSnapshots } from "../../actors/store/jetstream-snapshots.ts";
import { SnapshotDamaged } from "../../actors/store/snapshot-frame.ts";
import { verifySnapshot } from "../../actors/store/snapshot-reading.ts";
import type { Snapshot } from "../../actors/store/snapshots.ts";
import { connectionOptions, type NatsAddress } from "../nats/address.ts";
import { firstConnection } from "../nats/first-connection.ts";
import { LOG_STREAM } from "./layout.ts";

export interface VerifyTask {
  readonly address: NatsAddress;
  readonly snapshot: Snapshot;
}

/** What was found out about a snapshot; nothing: it is whole. */
export interface Verified {
  readonly damage?: Pick<SnapshotDamaged, "place" | "what">;
  /** Why it could not be read. */
  readonly unavailable?: string;
}

/** The module of the thread that reads a snapshot back. */
export default async function verify({ address, snapshot }: VerifyTask): Promise<Verified> {
  try {
    const connection = await firstConnection({ ...connectionOptions(address), name: "snapshot verification" });
    try {
      await verifySnapshot(await JetStreamSnapshots.open({ connection, prefix: LOG_STREAM }), snapshot);
      return {};
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (error instanceof SnapshotDamaged) return { damage: { place: error.place, what: error.what } };
    return { unavailable: (error as Error).message };
  }
}
