import { type FileHandle, link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Capture, Replica } from "./replica.ts";
import { decodeFrame, FRAME_HEADER_BYTES, frameBytes, SnapshotDamaged } from "./snapshot-frame.ts";
import { decodeSummary, fileOf, loadFrame, SnapshotCheck } from "./snapshot-loading.ts";
import { type CarriedFile, packSnapshot, type SnapshotSummary } from "./snapshot-packing.ts";

/** No limit is set by where a backup goes, so this is what any NATS server would take by far. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export interface BackupWritten {
  readonly summary: SnapshotSummary;
  readonly bytes: number;
}

/**
 * Writes a snapshot and these files as one file, for its owner's eyes only: beside its place first, synced, then put there whole. Rejects with what the file
 * system says, EEXIST when there is a file of that name. `told` is how much is written.
 */
export async function writeBackup(
  path: string,
  log: string,
  capture: Capture,
  files: readonly CarriedFile[],
  told: (bytes: number) => void = () => {},
): Promise<BackupWritten> {
  const draft = `${path}.part-${process.pid}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    let written: BackupWritten;
    try {
      written = await writeFrames(handle, log, capture, files, told);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Unlike a rename, a link never replaces what is there.
    await link(draft, path);
    await rm(draft);
    await syncDirectory(dirname(path));
    return written;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function writeFrames(
  handle: FileHandle,
  log: string,
  capture: Capture,
  files: readonly CarriedFile[],
  told: (bytes: number) => void,
): Promise<BackupWritten> {
  const frames = packSnapshot(capture, { log, frameBytesMax: FRAME_BYTES_MAX, files });
  let bytes = 0;
  for (let next = await frames.next(); ; next = await frames.next()) {
    if (next.done === true) return { summary: next.value, bytes };
    await handle.writeFile(next.value.bytes);
    bytes += next.value.bytes.length;
    told(bytes);
  }
}

/** A name is on the disk when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}

export interface BackupRead {
  readonly summary: SnapshotSummary;
  readonly files: readonly CarriedFile[];
}

/** Loads a backup into an empty replica, all of it checked. Rejects with SnapshotDamaged, or with what the file system says. */
export async function readBackup(path: string, replica: Replica): Promise<BackupRead> {
  const handle = await open(path, "r");
  try {
    const check = new SnapshotCheck();
    const files: CarriedFile[] = [];
    for (let index = 0; ; index++) {
      const bytes = await readFrame(handle, path, index);
      const frame = await decodeFrame(path, index, bytes);
      if (frame.kind === "summary") {
        const summary = await decodeSummary(path, index, bytes);
        check.finish(path, summary);
        if ((await read(handle, 1)).length > 0) throw new SnapshotDamaged(path, `frame ${index + 1}`, "something follows the summary");
        replica.loaded(summary.sequence, summary.revision);
        return { summary, files };
      }
      check.take(frame, bytes);
      if (frame.kind === "file") files.push(fileOf(frame));
      else loadFrame(path, frame, replica);
    }
  } finally {
    await handle.close();
  }
}

async function readFrame(handle: FileHandle, path: string, index: number): Promise<Buffer> {
  const header = await read(handle, FRAME_HEADER_BYTES);
  if (header.length === 0) throw new SnapshotDamaged(path, `frame ${index}`, "the file ends there, without its summary");
  const bytes = frameBytes(path, index, header);
  const frame = Buffer.concat([header, await read(handle, bytes - FRAME_HEADER_BYTES)]);
  if (frame.length < bytes) throw new SnapshotDamaged(path, `frame ${index}`, `the file ends ${bytes - frame.length} bytes too early`);
  return frame;
}

/** So many bytes from where the file is, fewer at its end. */
async function read(handle: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  while (end < bytes) {
    const { bytesRead } = await handle.read(buffer, end, bytes - end);
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return buffer.subarray(0, end);
}
