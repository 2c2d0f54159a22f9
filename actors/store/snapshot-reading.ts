import { SNAPSHOT_FRAMES_IN_FLIGHT } from "./limits.ts";
import { checkFrame, type Frame, SnapshotDamaged } from "./snapshot-frame.ts";
import { SnapshotCheck } from "./snapshot-loading.ts";
import type { Snapshot, Snapshots } from "./snapshots.ts";

/**
 * Reads all of a snapshot and its checksums, without unpacking it. With a `pace` one frame after another, each followed by that. Rejects with
 * SnapshotDamaged, with LogUnavailable, or with what `pace` does.
 */
export async function verifySnapshot(snapshots: Snapshots, snapshot: Snapshot, pace?: (bytes: number) => Promise<void>): Promise<void> {
  const read = async (name: string, index: number, bytes: Buffer): Promise<Pick<Frame, "kind" | "items">> => {
    await pace?.(bytes.length);
    return checkFrame(name, index, bytes);
  };
  await eachFrame(snapshots, snapshot, read, () => {}, pace === undefined ? SNAPSHOT_FRAMES_IN_FLIGHT : 1);
}

/** Gives `take` all frames of a snapshot, in order, as `read` has them, and holds its summary to them. */
export async function eachFrame<Read extends Pick<Frame, "kind" | "items">>(
  snapshots: Snapshots,
  { id, name, summary }: Snapshot,
  read: (name: string, index: number, bytes: Buffer) => Promise<Read>,
  take: (frame: Read) => void,
  inFlight: number = SNAPSHOT_FRAMES_IN_FLIGHT,
): Promise<void> {
  const fetch = async (index: number): Promise<{ readonly bytes: Buffer; readonly frame: Read }> => {
    const bytes = await snapshots.frame(id, index);
    if (bytes === undefined) throw new SnapshotDamaged(name, `frame ${index} of ${summary.frames}`, "it is missing");
    return { bytes, frame: await read(name, index, bytes) };
  };
  const check = new SnapshotCheck();
  const coming: ReturnType<typeof fetch>[] = [];
  for (let index = 0; index < summary.frames; index++) {
    while (coming.length < inFlight && index + coming.length < summary.frames) {
      const next = fetch(index + coming.length);
      // Its failure counts when its turn comes, if it does.
      next.catch(() => {});
      coming.push(next);
    }
    const { bytes, frame } = await (coming.shift() as ReturnType<typeof fetch>);
    check.take(frame, bytes);
    take(frame);
  }
  check.finish(name, summary);
}
