import { crc32, zstdDecompressSync } from "node:zlib";
import { readText, type StoredText } from "../kinds/text.ts";
import { releasableBytes, release } from "./release.ts";
import type { Key } from "./transaction.ts";

/**
 * The binary form of the log, little-endian. One batch is one message of the log.
 *
 *   batch    u8 magic 0x54 | u8 version | u8 flags (1: zstd) | u8 0 | u32 records | u64 first revision | u32 payload bytes
 *            | u32 crc32 of the payload as it is here when compressed, else 0 | u32 crc32 of the 24 bytes before
 *            | payload (the records, compressed as one when the flag says so)
 *   record   u32 body bytes | u32 crc32 of the body | body
 *   body     u8 op | u8 request bytes | u16 key bytes | u64 revision | request id | key | text (the rest; UTF-8)
 *
 * A text is the whole of a StoredText, or one that a transformer encrypted: encryption/transformer.ts.
 *
 * A record with a request id is the first of its transaction; the others of the transaction have none. Revisions have no hole. Whatever
 * does not fit is an error that names the place, never skipped.
 * @contract the log's batches
 */
export const BATCH_MAGIC = 0x54;
export const RECORD_VERSION = 1;
export const FLAG_ZSTD = 1;
export const BATCH_HEADER_BYTES = 28;
export const RECORD_HEADER_BYTES = 8;
export const BODY_HEADER_BYTES = 12;

/** The bytes of the ops in a body; index is the code. Never renumber: logs on disk hold them. */
export const OPS = ["", "create", "update", "delete"] as const;
export type Op = "create" | "update" | "delete";

/** One change as the log holds it. */
export interface StoredRecord {
  readonly op: Op;
  readonly key: Key;
  readonly revision: number;
  /** Undefined for a deletion. */
  readonly stored: StoredText | undefined;
  /** The request id of the transaction that begins here; undefined in its other records. */
  readonly request: string | undefined;
}

/** One batch of the log, decoded. */
export interface Batch {
  readonly firstRevision: number;
  readonly lastRevision: number;
  readonly records: readonly StoredRecord[];
}

/** A batch that is torn, truncated or altered. `index` is the record's place in the batch, -1 for the batch itself. */
export class CorruptBatch extends Error {
  override readonly name = "CorruptBatch";
  readonly sequence: number;
  readonly index: number;
  constructor(sequence: number, index: number, what: string) {
    super(`the log is corrupt at sequence ${sequence}, ${index < 0 ? "batch header" : `record ${index}`}: ${what}`);
    this.sequence = sequence;
    this.index = index;
  }
}

/**
 * Decodes and checks a whole batch. Strings are fresh and flat: they do not keep `bytes` alive. `wanted` says for which keys the text is
 * of interest; the others' records come without it. Throws CorruptBatch.
 */
export function decodeBatch(sequence: number, bytes: Uint8Array, wanted?: (key: Key) => boolean): Batch {
  const { payloadBytes, packed, compressed, count, firstRevision } = readHeader(sequence, bytes);
  const payload = unpack(sequence, packed, payloadBytes, compressed);
  const records: StoredRecord[] = [];
  let position = 0;
  for (let index = 0; index < count; index++) {
    const end = recordEnd(sequence, index, payload, position);
    const record = decodeBody(sequence, index, payload, position + RECORD_HEADER_BYTES, end, wanted);
    if (record.revision !== firstRevision + index) {
      throw new CorruptBatch(sequence, index, `revision is ${record.revision}, not ${firstRevision + index}`);
    }
    records.push(record);
    position = end;
  }
  if (position !== payload.length) throw new CorruptBatch(sequence, count, `${payload.length - position} bytes follow the last record`);
  if (compressed) release(payload);
  return { firstRevision, lastRevision: firstRevision + count - 1, records };
}

/** Checks a batch by its checksums, without unpacking one that is compressed. Throws CorruptBatch. */
export function verifyBatch(sequence: number, bytes: Uint8Array): Pick<Batch, "firstRevision" | "lastRevision"> {
  const { packed, compressed, count, firstRevision } = readHeader(sequence, bytes);
  if (!compressed) {
    let position = 0;
    for (let index = 0; index < count; index++) position = recordEnd(sequence, index, packed, position);
    if (position !== packed.length) throw new CorruptBatch(sequence, count, `${packed.length - position} bytes follow the last record`);
  }
  return { firstRevision, lastRevision: firstRevision + count - 1 };
}

interface BatchHeader {
  readonly firstRevision: number;
  /** Records. */
  readonly count: number;
  readonly payloadBytes: number;
  /** The payload as it is here. */
  readonly packed: Buffer;
  readonly compressed: boolean;
}

/** Reads the header, and holds the payload's checksum to what is compressed. Throws CorruptBatch. */
function readHeader(sequence: number, bytes: Uint8Array): BatchHeader {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (header.length < BATCH_HEADER_BYTES) throw new CorruptBatch(sequence, -1, `${header.length} bytes are less than a header`);
  if (header[0] !== BATCH_MAGIC) throw new CorruptBatch(sequence, -1, `magic byte is ${header[0]}, not ${BATCH_MAGIC}`);
  if (header.readUInt32LE(24) !== crc32(header.subarray(0, 24)))
    throw new CorruptBatch(sequence, -1, "checksum of the header does not match");
  if (header[1] !== RECORD_VERSION)
    throw new CorruptBatch(sequence, -1, `format version ${header[1]} is not known, only ${RECORD_VERSION}`);
  const flags = header[2] ?? 0;
  if ((flags & ~FLAG_ZSTD) !== 0) throw new CorruptBatch(sequence, -1, `flags ${flags} are not known`);
  const count = header.readUInt32LE(4);
  const firstRevision = Number(header.readBigUInt64LE(8));
  const packed = header.subarray(BATCH_HEADER_BYTES);
  const compressed = (flags & FLAG_ZSTD) !== 0;
  // The records' own checksums do not see all: zstd ignores some bits of what it reads.
  if (header.readUInt32LE(20) !== (compressed ? crc32(packed) : 0)) {
    throw new CorruptBatch(sequence, -1, "checksum of the compressed payload does not match");
  }
  return { firstRevision, count, payloadBytes: header.readUInt32LE(16), packed, compressed };
}

function unpack(sequence: number, packed: Buffer, payloadBytes: number, compressed: boolean): Buffer {
  let payload = packed;
  if (compressed) {
    try {
      // One output chunk: growing by the default 16 KB costs more than the decompression itself.
      payload = zstdDecompressSync(packed, { chunkSize: releasableBytes(payloadBytes), maxOutputLength: Math.max(1, payloadBytes) });
    } catch (error) {
      throw new CorruptBatch(sequence, -1, `the payload cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (payload.length !== payloadBytes) {
    throw new CorruptBatch(sequence, -1, `the payload has ${payload.length} bytes, not ${payloadBytes}`);
  }
  return payload;
}

function recordEnd(sequence: number, index: number, payload: Buffer, position: number): number {
  const body = position + RECORD_HEADER_BYTES;
  if (body > payload.length) throw new CorruptBatch(sequence, index, "the payload ends within its header");
  const end = body + payload.readUInt32LE(position);
  if (end > payload.length) throw new CorruptBatch(sequence, index, `the payload ends ${end - payload.length} bytes too early`);
  if (crc32(payload.subarray(body, end)) !== payload.readUInt32LE(position + 4)) {
    throw new CorruptBatch(sequence, index, "checksum does not match");
  }
  return end;
}

function decodeBody(
  sequence: number,
  index: number,
  payload: Buffer,
  position: number,
  end: number,
  wanted: ((key: Key) => boolean) | undefined,
): StoredRecord {
  if (end - position < BODY_HEADER_BYTES) throw new CorruptBatch(sequence, index, `${end - position} bytes are less than a record`);
  const op = OPS[payload[position] ?? 0];
  if (op === undefined || op === "") throw new CorruptBatch(sequence, index, `op ${payload[position]} is not known`);
  const requestEnd = position + BODY_HEADER_BYTES + (payload[position + 1] ?? 0);
  const keyEnd = requestEnd + payload.readUInt16LE(position + 2);
  if (keyEnd > end) throw new CorruptBatch(sequence, index, "request id and key do not fit");
  const low = payload.readUInt32LE(position + 4);
  const high = payload.readUInt32LE(position + 8);
  const key = payload.toString("utf8", requestEnd, keyEnd);
  const request =
    requestEnd === position + BODY_HEADER_BYTES ? undefined : payload.toString("utf8", position + BODY_HEADER_BYTES, requestEnd);
  const withText = op !== "delete" && (wanted === undefined || wanted(key));
  const stored = withText ? readText(payload, keyEnd, end) : undefined;
  return { op, key, revision: high * 0x1_0000_0000 + low, stored, request };
}
