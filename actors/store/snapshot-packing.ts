import { createHash } from "node:crypto";
import { SNAPSHOT_FRAME_BYTES } from "./limits.ts";
import type { Capture } from "./replica.ts";
import { encodeFrame, type FrameKind } from "./snapshot-frame.ts";

/**
 * What the frames of a snapshot hold, item after item, little-endian; strings are UTF-8:
 *
 *   objects    u16 key bytes | u32 text bytes | u64 revision | key | text
 *   requests   u16 request bytes | u64 first revision | request id, oldest first: what makes retries safe over a restart too
 *   file       u16 name bytes | u32 content bytes | name | content (backups only)
 *   summary    the JSON of a SnapshotSummary; always the last frame, and what makes a snapshot whole
 *
 * @contract what the frames of a snapshot hold
 */
export type SnapshotSummary = {
  /** CuttableLog.id of the log that the sequence counts in. */
  readonly log: string;
  /** The last batch of the log that is in the snapshot, and the revision after it. */
  readonly sequence: number;
  readonly revision: number;
  /** RequestWindow.since. */
  readonly requestsSince: number;
  /** Frames before the summary. */
  readonly frames: number;
  readonly objects: number;
  /** Of all frames before the summary, in order: hexadecimal. */
  readonly sha256: string;
};

/** A file that a backup carries along. */
export interface CarriedFile {
  readonly name: string;
  readonly content: Buffer;
}

export interface PackOptions {
  readonly log: string;
  /** The largest frame that its place takes; one object must fit into it. */
  readonly frameBytesMax: number;
  readonly files?: readonly CarriedFile[];
}

export interface PackedFrame {
  readonly kind: FrameKind;
  readonly index: number;
  readonly bytes: Buffer;
}

export const OBJECT_HEADER_BYTES = 14;
export const REQUEST_HEADER_BYTES = 10;
export const FILE_HEADER_BYTES = 6;
/** Room for a frame's header and for what zstd may add. */
const FRAME_MARGIN_BYTES = 1024;
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** Packs a state into frames, the summary last, without holding the event loop for longer than one frame takes. */
export async function* packSnapshot(capture: Capture, options: PackOptions): AsyncGenerator<PackedFrame, SnapshotSummary> {
  const { log, frameBytesMax, files = [] } = options;
  const hash = createHash("sha256");
  let index = 0;
  let objects = 0;
  const finish = async (kind: FrameKind, items: number, payload: Buffer): Promise<PackedFrame> => {
    const bytes = await encodeFrame({ kind, index, items, payload });
    if (kind !== "summary") hash.update(bytes);
    if (kind === "objects") objects += items;
    return { kind, index: index++, bytes };
  };
  const packer = new Packer(Math.min(SNAPSHOT_FRAME_BYTES, frameBytesMax - FRAME_MARGIN_BYTES));
  for (const { key, revision, text } of capture.entries) {
    const full = packer.object(key, revision, text);
    if (full !== undefined) yield await finish("objects", full.items, full.payload);
  }
  if (packer.items > 0) yield await finish("objects", packer.items, packer.take());
  for (const [request, revision] of capture.requests) {
    const full = packer.request(request, revision);
    if (full !== undefined) yield await finish("requests", full.items, full.payload);
  }
  if (packer.items > 0) yield await finish("requests", packer.items, packer.take());
  for (const file of files) yield await finish("file", 1, packFile(file));
  const { sequence, revision } = capture;
  const summary: SnapshotSummary = {
    log,
    sequence,
    revision,
    requestsSince: capture.requests.since,
    frames: index,
    objects,
    sha256: hash.digest("hex"),
  };
  yield await finish("summary", 1, Buffer.from(JSON.stringify(summary)));
  return summary;
}

/** Gathers items until a frame is full. */
class Packer {
  items = 0;
  readonly #bytesMax: number;
  #buffer: Buffer;
  #end = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#buffer = Buffer.allocUnsafeSlow(bytesMax * 2);
  }

  object(key: string, revision: number, text: string): { readonly items: number; readonly payload: Buffer } | undefined {
    const start = this.#reserve(OBJECT_HEADER_BYTES + (key.length + text.length) * UTF8_BYTES_PER_UNIT_MAX);
    const buffer = this.#buffer;
    const keyStart = start + OBJECT_HEADER_BYTES;
    const textStart = keyStart + buffer.write(key, keyStart);
    this.#end = textStart + buffer.write(text, textStart);
    buffer.writeUInt16LE(textStart - keyStart, start);
    buffer.writeUInt32LE(this.#end - textStart, start + 2);
    writeRevision(buffer, revision, start + 6);
    return this.#added(start);
  }

  request(request: string, revision: number): { readonly items: number; readonly payload: Buffer } | undefined {
    const start = this.#reserve(REQUEST_HEADER_BYTES + request.length * UTF8_BYTES_PER_UNIT_MAX);
    const nameStart = start + REQUEST_HEADER_BYTES;
    this.#end = nameStart + this.#buffer.write(request, nameStart);
    this.#buffer.writeUInt16LE(this.#end - nameStart, start);
    writeRevision(this.#buffer, revision, start + 2);
    return this.#added(start);
  }

  /** A copy of what has been gathered since the last time. */
  take(): Buffer {
    const payload = Buffer.allocUnsafeSlow(this.#end);
    this.#buffer.copy(payload, 0, 0, this.#end);
    this.#end = 0;
    this.items = 0;
    return payload;
  }

  /** Gives what stood before the item that made it too large, and begins anew with that item. */
  #added(start: number): { readonly items: number; readonly payload: Buffer } | undefined {
    this.items++;
    if (this.#end <= this.#bytesMax || start === 0) return undefined;
    const end = this.#end;
    const items = this.items - 1;
    this.#end = start;
    const payload = this.take();
    this.#buffer.copyWithin(0, start, end);
    this.#end = end - start;
    this.items = 1;
    return { items, payload };
  }

  #reserve(bytes: number): number {
    if (this.#end + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#end + bytes);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    return this.#end;
  }
}

function packFile({ name, content }: CarriedFile): Buffer {
  const header = Buffer.allocUnsafeSlow(FILE_HEADER_BYTES);
  const bytes = Buffer.from(name);
  header.writeUInt16LE(bytes.length, 0);
  header.writeUInt32LE(content.length, 2);
  return Buffer.concat([header, bytes, content]);
}

function writeRevision(buffer: Buffer, revision: number, at: number): void {
  buffer.writeUInt32LE(revision % 0x1_0000_0000, at);
  buffer.writeUInt32LE(Math.floor(revision / 0x1_0000_0000), at + 4);
}
