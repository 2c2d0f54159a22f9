import { LogUnavailable, SnapshotDamaged, type Snapshots, type VerifySnapshot, verifySnapshot } from "../../actors/mod.ts";
import { WorkerPool } from "../../runtime/mod.ts";
import type { NatsAddress } from "../nats/address.ts";
import type { Verified, VerifyTask } from "./verify-thread.ts";

/** Smaller snapshots are read back here: most are. */
const FRAMES_WITHOUT_THREAD = 8;

/**
 * Reads snapshots back in a thread that is there as long as that takes, with a connection of its own: what comes from NATS counts as the memory of the thread that reads it, and
 * had the garbage collector go through all of the store's heap some ten times for a snapshot of 150,000 pods.
 */
export function verifierOf(snapshots: Snapshots, address: NatsAddress): VerifySnapshot {
  return async (snapshot, signal) => {
    if (snapshot.summary.frames <= FRAMES_WITHOUT_THREAD) return verifySnapshot(snapshots, snapshot);
    const file = new URL("./verify-thread.ts", import.meta.url);
    const pool = new WorkerPool<VerifyTask, Verified>({ name: "snapshot verification", file, threads: 1 });
    try {
      const { damage, unavailable } = await pool.run({ address, snapshot }, { signal });
      if (unavailable !== undefined) throw new LogUnavailable(unavailable);
      if (damage !== undefined) throw new SnapshotDamaged(snapshot.name, damage.place, damage.what);
    } finally {
      await pool.close();
    }
  };
}
