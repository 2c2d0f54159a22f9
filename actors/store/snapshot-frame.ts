import { promisify } from "node:util";
import { crc32, zstdCompress, zstdCompressSync, zstdDecompress } from "node:zlib";
import { ZSTD_OPTIONS } from "./compression.ts";
import { releasableBytes, release } from "./release.ts";

/**
 * A snapshot is a row of frames, the same in JetStream (a message each) and in a backup file (one after another). Little-endian:
 *
 *   frame   u32 magic "TRPF" | u8 version | u8 kind | u8 flags (1: zstd) | u8 0 | u32 index in the snapshot | u32 items
 *           | u32 payload bytes, uncompressed | u32 payload bytes as they are here | u32 crc32 of these | u32 crc32 of the 28 bytes before
 *           | payload
 *
 * What the payload of each kind holds: snapshot-packing.ts.
 *
 * @contract a frame of a snapshot or backup
 */
export const FRAME_VERSION = 1;
export const FRAME_HEADER_BYTES = 32;
export const FRAME_MAGIC = 0x46505254;
const FLAG_ZSTD = 1;

/** Index is the code. Never renumber: snapshots and backups hold them. */
export const FRAME_KINDS = ["", "objects", "requests", "file", "summary"] as const;
export type FrameKind = "objects" | "requests" | "file" | "summary";

export interface Frame {
  readonly kind: FrameKind;
  readonly index: number;
  readonly items: number;
  readonly payload: Buffer;
}

/** A snapshot, or a backup, that is torn, incomplete or altered. The message says where. */
export class SnapshotDamaged extends Error {
  override readonly name = "SnapshotDamaged";
  constructor(snapshot: string, place: string, what: string) {
    super(`${snapshot} is damaged at ${place}: ${what}`);
  }
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Compressed outside the event loop. The payload must not change before this resolves, and is gone then. */
export async function encodeFrame(frame: Frame): Promise<Buffer> {
  return assemble(frame, await compress(frame.payload, { ...ZSTD_OPTIONS, chunkSize: releasableBytes(frame.payload.length) }));
}

/** The same, at once. */
export function encodeFrameNow(frame: Frame): Buffer {
  return assemble(frame, zstdCompressSync(frame.payload, { ...ZSTD_OPTIONS, chunkSize: releasableBytes(frame.payload.length) }));
}

/** Not compressed: to whoever reads it a frame like any other. */
export function encodePlainFrame(frame: Frame): Buffer {
  return assemble(frame, frame.payload);
}

function assemble({ kind, index, items, payload }: Frame, compressed: Buffer): Buffer {
  const smaller = compressed.length < payload.length;
  const stored = smaller ? compressed : payload;
  const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + stored.length);
  frame.writeUInt32LE(FRAME_MAGIC, 0);
  frame[4] = FRAME_VERSION;
  frame[5] = FRAME_KINDS.indexOf(kind);
  frame[6] = smaller ? FLAG_ZSTD : 0;
  frame[7] = 0;
  frame.writeUInt32LE(index, 8);
  frame.writeUInt32LE(items, 12);
  frame.writeUInt32LE(payload.length, 16);
  frame.writeUInt32LE(stored.length, 20);
  frame.writeUInt32LE(crc32(stored), 24);
  frame.writeUInt32LE(crc32(frame.subarray(0, 28)), 28);
  stored.copy(frame, FRAME_HEADER_BYTES);
  release(payload);
  release(compressed);
  return frame;
}

/** The bytes of the whole frame that begins with this header. Throws SnapshotDamaged. */
export function frameBytes(snapshot: string, index: number, header: Buffer): number {
  const fail = (what: string): SnapshotDamaged => new SnapshotDamaged(snapshot, `frame ${index}`, what);
  if (header.length < FRAME_HEADER_BYTES) throw fail(`${header.length} bytes are less than a header`);
  if (header.readUInt32LE(0) !== FRAME_MAGIC) throw fail("it does not begin as a frame does");
  if (header.readUInt32LE(28) !== crc32(header.subarray(0, 28))) throw fail("checksum of the header does not match");
  if (header[4] !== FRAME_VERSION) throw fail(`format version ${header[4]} is not known, only ${FRAME_VERSION}`);
  if (header.readUInt32LE(8) !== index) throw fail(`frame ${header.readUInt32LE(8)} is in its place`);
  return FRAME_HEADER_BYTES + header.readUInt32LE(20);
}

/** Checks all but what only decompression shows. Throws SnapshotDamaged. */
export function checkFrame(snapshot: string, index: number, frame: Buffer): Pick<Frame, "kind" | "items"> {
  const bytes = frameBytes(snapshot, index, frame);
  const fail = (what: string): SnapshotDamaged => new SnapshotDamaged(snapshot, `frame ${index}`, what);
  if (frame.length !== bytes) throw fail(`${frame.length} bytes instead of ${bytes}`);
  if (crc32(frame.subarray(FRAME_HEADER_BYTES)) !== frame.readUInt32LE(24)) throw fail("checksum does not match");
  const kind = FRAME_KINDS[frame[5] ?? 0];
  if (kind === undefined || kind === "" || ((frame[6] ?? 0) & ~FLAG_ZSTD) !== 0)
    throw fail(`kind ${frame[5]}, flags ${frame[6]} are not known`);
  return { kind, items: frame.readUInt32LE(12) };
}

/** Decompressed outside the event loop. Rejects with SnapshotDamaged. */
export async function decodeFrame(snapshot: string, index: number, frame: Buffer): Promise<Frame> {
  const { kind, items } = checkFrame(snapshot, index, frame);
  const stored = frame.subarray(FRAME_HEADER_BYTES);
  const payloadBytes = frame.readUInt32LE(16);
  const options = { chunkSize: releasableBytes(payloadBytes), maxOutputLength: Math.max(1, payloadBytes) };
  const payload =
    frame[6] === FLAG_ZSTD
      ? await decompress(stored, options).catch((error: Error) => {
          throw new SnapshotDamaged(snapshot, `frame ${index}`, `it cannot be decompressed: ${error.message}`);
        })
      : stored;
  if (payload.length !== payloadBytes) {
    throw new SnapshotDamaged(snapshot, `frame ${index}`, `${payload.length} bytes of payload instead of ${payloadBytes}`);
  }
  return { kind, index, items, payload };
}
