import { crc32, zstdCompressSync } from "node:zlib";
import { charactersOf, readText, writeText } from "../kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../kinds/utf8.ts";
import { ZSTD_OPTIONS } from "./compression.ts";
import type { Transformer } from "./encryption/transformer.ts";
import { COMPRESS_BYTES_MIN } from "./limits.ts";
import type { Batch, StoredRecord } from "./record.ts";
import { BATCH_HEADER_BYTES, BATCH_MAGIC, BODY_HEADER_BYTES, FLAG_ZSTD, OPS, RECORD_HEADER_BYTES, RECORD_VERSION } from "./record.ts";
import { releasableBytes, release } from "./release.ts";
import type { Mutation, Transaction } from "./transaction.ts";

/** A batch ready for the log, and what it holds. */
export interface BuiltBatch extends Batch {
  readonly bytes: Uint8Array;
}

const CAPACITY_FIRST_BYTES = 64 * 1024;

/** Objects compress to a tenth or less; room for as much as goes in costs more, in fresh pages, than the compression itself. */
const COMPRESSED_SHARE = 8;

/**
 * Packs transactions into one batch. Its records have the texts as they are read back from the bytes: each is one string, where a proposal's own is a part or a chain of others and keeps
 * them, for as long as the object is as it is (those that a transformer encrypts are as they came). One builder is used again and again: its buffer grows to the largest batch.
 */
export class BatchBuilder {
  #buffer: Buffer = Buffer.allocUnsafeSlow(CAPACITY_FIRST_BYTES);
  #end: number = BATCH_HEADER_BYTES;
  #firstRevision = 1;
  #records: StoredRecord[] = [];
  readonly #compressBytesMin: number;
  readonly #transformer: Transformer | undefined;

  constructor(compressBytesMin: number = COMPRESS_BYTES_MIN, transformer?: Transformer) {
    this.#compressBytesMin = compressBytesMin;
    this.#transformer = transformer;
  }

  /** Begins an empty batch whose first record gets this revision. */
  begin(firstRevision: number): void {
    this.#end = BATCH_HEADER_BYTES;
    this.#firstRevision = firstRevision;
    this.#records = [];
  }

  get bytes(): number {
    return this.#end;
  }

  get empty(): boolean {
    return this.#records.length === 0;
  }

  /** The revision that the next record gets. */
  get nextRevision(): number {
    return this.#firstRevision + this.#records.length;
  }

  /** Adds a transaction and returns true; or changes nothing and returns false, when the batch would grow over `bytesMax`. */
  add(transaction: Transaction, bytesMax: number): boolean {
    const end = this.#end;
    const count = this.#records.length;
    let request: string | undefined = transaction.request;
    for (const mutation of transaction.mutations) {
      this.#append(mutation, this.nextRevision, request);
      request = undefined;
      if (this.#end > bytesMax) {
        this.#end = end;
        this.#records.length = count;
        return false;
      }
    }
    return true;
  }

  /** The bytes are a copy and stay valid when the builder is used again. */
  finish(): BuiltBatch {
    const buffer = this.#buffer;
    const payload = buffer.subarray(BATCH_HEADER_BYTES, this.#end);
    const compress = payload.length >= this.#compressBytesMin;
    const packed = compress
      ? zstdCompressSync(payload, { ...ZSTD_OPTIONS, chunkSize: releasableBytes(Math.ceil(payload.length / COMPRESSED_SHARE)) })
      : payload;
    const bytes = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + packed.length);
    bytes[0] = BATCH_MAGIC;
    bytes[1] = RECORD_VERSION;
    bytes[2] = compress ? FLAG_ZSTD : 0;
    bytes[3] = 0;
    bytes.writeUInt32LE(this.#records.length, 4);
    bytes.writeBigUInt64LE(BigInt(this.#firstRevision), 8);
    bytes.writeUInt32LE(payload.length, 16);
    bytes.writeUInt32LE(compress ? crc32(packed) : 0, 20);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 24)), 24);
    packed.copy(bytes, BATCH_HEADER_BYTES);
    if (compress) release(packed);
    return { bytes, firstRevision: this.#firstRevision, lastRevision: this.nextRevision - 1, records: this.#records };
  }

  #append(mutation: Mutation, revision: number, request: string | undefined): void {
    const stored = mutation.op === "delete" ? undefined : { text: mutation.text, managers: mutation.managers };
    const written = stored && (this.#transformer?.toStorage(mutation.key, stored) ?? stored);
    const units = (request?.length ?? 0) + mutation.key.length + (written === undefined ? 0 : charactersOf(written));
    const buffer = this.#reserve(RECORD_HEADER_BYTES + BODY_HEADER_BYTES + units * UTF8_BYTES_PER_UNIT_MAX);
    const start = this.#end;
    const body = start + RECORD_HEADER_BYTES;
    const requestStart = body + BODY_HEADER_BYTES;
    const keyStart = requestStart + (request === undefined ? 0 : buffer.write(request, requestStart));
    const textStart = keyStart + buffer.write(mutation.key, keyStart);
    const end = written === undefined ? textStart : writeText(buffer, textStart, written);
    buffer[body] = OPS.indexOf(mutation.op);
    buffer[body + 1] = keyStart - requestStart;
    buffer.writeUInt16LE(textStart - keyStart, body + 2);
    buffer.writeUInt32LE(revision % 0x1_0000_0000, body + 4);
    buffer.writeUInt32LE(Math.floor(revision / 0x1_0000_0000), body + 8);
    buffer.writeUInt32LE(end - body, start);
    buffer.writeUInt32LE(crc32(buffer.subarray(body, end)), start + 4);
    this.#end = end;
    const kept = written === undefined || written !== stored ? stored : readText(buffer, textStart, end);
    this.#records.push({ op: mutation.op, key: mutation.key, revision, stored: kept, request });
  }

  #reserve(bytes: number): Buffer {
    if (this.#end + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes));
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
