import { createHash } from "node:crypto";
import { charactersOf, type StoredText, writeText } from "../kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../kinds/utf8.ts";
import type { Transformer } from "./encryption/transformer.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import { SNAPSHOT_FRAME_BYTES } from "./limits.ts";
import type { Capture } from "./replica.ts";
import { encodePlainFrame, type FrameKind } from "./snapshot-frame.ts";

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
  /** Transformer.writesWith; absent where nothing was encrypted. */
  readonly writtenWith?: string;
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
  /** Default: texts are written as they are. */
  readonly transformer?: Transformer | undefined;
  /** Default true. */
  readonly compress?: boolean;
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

/** Packs a state into frames, the summary last, without holding the event loop for longer than one frame takes. */
export async function* packSnapshot(capture: Capture, options: PackOptions): AsyncGenerator<PackedFrame, SnapshotSummary> {
  const { log, frameBytesMax, files = [], transformer, compress = true } = options;
  const hash = createHash("sha256");
  const encoder = new FrameEncoder();
  let index = 0;
  let objects = 0;
  const finish = async (kind: FrameKind, { items, payload }: Packed): Promise<PackedFrame> => {
    const frame = { kind, index, items, payload };
    const bytes = compress ? await encoder.encode(frame) : encodePlainFrame(frame);
    if (kind !== "summary") hash.update(bytes);
    if (kind === "objects") objects += items;
    return { kind, index: index++, bytes };
  };
  const packer = new Packer(Math.min(SNAPSHOT_FRAME_BYTES, frameBytesMax - FRAME_MARGIN_BYTES));
  try {
    for (const entry of capture.entries) {
      const { key, revision } = entry;
      if (packer.object(key, revision, transformer?.toStorage(key, entry) ?? entry)) yield await finish("objects", packer.full);
    }
    if (packer.items > 0) yield await finish("objects", packer.rest());
    for (const [request, revision] of capture.requests) {
      if (packer.request(request, revision)) yield await finish("requests", packer.full);
    }
    if (packer.items > 0) yield await finish("requests", packer.rest());
    for (const file of files) yield await finish("file", { items: 1, payload: packFile(file) });
    const { sequence, revision } = capture;
    const summary: SnapshotSummary = {
      log,
      sequence,
      revision,
      requestsSince: capture.requests.since,
      frames: index,
      objects,
      sha256: hash.digest("hex"),
      ...(transformer?.writesWith === undefined ? {} : { writtenWith: transformer.writesWith }),
    };
    yield await finish("summary", { items: 1, payload: Buffer.from(JSON.stringify(summary)) });
    return summary;
  } finally {
    await encoder.close();
  }
}

interface Packed {
  readonly items: number;
  readonly payload: Buffer;
}

/** Gathers items until a frame is full. What it gives stays as it is until the next frame is full. */
class Packer {
  items = 0;
  /** The frame that the last item did not fit into. */
  full: Packed = { items: 0, payload: Buffer.alloc(0) };
  readonly #bytesMax: number;
  #buffer: Buffer;
  /** Takes turns with #buffer: who encodes the one must not see the other change. */
  #other: Buffer;
  #end = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#buffer = shared(bytesMax * 2);
    this.#other = shared(bytesMax * 2);
  }

  /** Gives whether a frame is full without it. */
  object(key: string, revision: number, stored: StoredText): boolean {
    const start = this.#reserve(OBJECT_HEADER_BYTES + (key.length + charactersOf(stored)) * UTF8_BYTES_PER_UNIT_MAX);
    const buffer = this.#buffer;
    const keyStart = start + OBJECT_HEADER_BYTES;
    const textStart = keyStart + buffer.write(key, keyStart);
    this.#end = writeText(buffer, textStart, stored);
    buffer.writeUInt16LE(textStart - keyStart, start);
    buffer.writeUInt32LE(this.#end - textStart, start + 2);
    writeRevision(buffer, revision, start + 6);
    return this.#added(start);
  }

  /** Gives whether a frame is full without it. */
  request(request: string, revision: number): boolean {
    const start = this.#reserve(REQUEST_HEADER_BYTES + request.length * UTF8_BYTES_PER_UNIT_MAX);
    const nameStart = start + REQUEST_HEADER_BYTES;
    this.#end = nameStart + this.#buffer.write(request, nameStart);
    this.#buffer.writeUInt16LE(this.#end - nameStart, start);
    writeRevision(this.#buffer, revision, start + 2);
    return this.#added(start);
  }

  /** What has been gathered and is in no frame yet. */
  rest(): Packed {
    const rest = { items: this.items, payload: this.#buffer.subarray(0, this.#end) };
    [this.#buffer, this.#other] = [this.#other, this.#buffer];
    this.#end = 0;
    this.items = 0;
    return rest;
  }

  /** An item that makes the frame too large begins the next. */
  #added(start: number): boolean {
    this.items++;
    if (this.#end <= this.#bytesMax || start === 0) return false;
    const bytes = this.#end - start;
    if (this.#other.length < bytes) this.#other = shared(bytes);
    this.#buffer.copy(this.#other, 0, start, this.#end);
    this.items--;
    this.#end = start;
    this.full = this.rest();
    this.#end = bytes;
    this.items = 1;
    return true;
  }

  #reserve(bytes: number): number {
    if (this.#end + bytes > this.#buffer.length) {
      const larger = shared(this.#end + bytes);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    return this.#end;
  }
}

/** Memory that a thread can read without a copy. */
function shared(bytes: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(bytes));
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
