import { zstdCompress, zstdDecompressSync } from "node:zlib";
import type { StoredText } from "../kinds/text.ts";
import { charactersOf, readText, wholeText, writeText } from "../kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../kinds/utf8.ts";
import { ZSTD_OPTIONS } from "./compression.ts";
import { Recent } from "./recent.ts";
import { releasableBytes, release } from "./release.ts";

/** Bytes of the first chunk; each is twice as large as the one before, up to the second. A text that is larger has a chunk of its own. */
const CHUNK_BYTES_FIRST: number = 16 * 1024;
const CHUNK_BYTES: number = 1024 * 1024;
/** So many of the newest chunks stay as they are: who looks back mostly looks back a second. */
const CHUNKS_PLAIN = 4;
/** Chunks that were decompressed for somebody and are kept for the next. */
const CHUNKS_UNPACKED_MAX = 8;
/** A place is the number of the chunk times this, and the offset in it. */
const OFFSETS_PER_CHUNK: number = 2 ** 20;
const LENGTH_BYTES = 4;

interface Chunk {
  bytes: Buffer;
  /** Of the texts, before they were compressed; undefined: they are as they were. */
  plainBytes: number | undefined;
}

/**
 * Texts that are added at one end, forgotten at the other and seldom read: a queue outside of the heap, which the collector does not go through, and
 * compressed by threads of zlib's own but for the newest.
 */
export class PackedTexts {
  /** From the number #first on. */
  #chunks: Chunk[] = [];
  #first = 0;
  /** Where the next text goes in the newest chunk. */
  #end = 0;
  readonly #unpacked = new Recent<Buffer>(CHUNKS_UNPACKED_MAX);

  /** Where the next text will be, or after. Grows with each. */
  get end(): number {
    return Math.max(0, this.#first + this.#chunks.length - 1) * OFFSETS_PER_CHUNK + this.#end;
  }

  /** What they take, forgotten ones aside. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Gives its place. */
  add(stored: StoredText): number {
    const { bytes } = this.#withRoom(stored);
    const place = this.end;
    const start = this.#end + LENGTH_BYTES;
    this.#end = writeText(bytes, start, stored);
    bytes.writeUInt32LE(this.#end - start, start - LENGTH_BYTES);
    return place;
  }

  /** `place` must be one that `add` gave, and not be forgotten. */
  read(place: number): StoredText {
    const number = Math.floor(place / OFFSETS_PER_CHUNK);
    const bytes = this.#plain(number);
    const start = (place % OFFSETS_PER_CHUNK) + LENGTH_BYTES;
    return readText(bytes, start, start + bytes.readUInt32LE(start - LENGTH_BYTES));
  }

  /** What lies before `place`, which `end` gave once, is not asked for any more. */
  forgetBefore(place: number): void {
    const gone = Math.floor(place / OFFSETS_PER_CHUNK) - this.#first;
    if (gone <= 0) return;
    this.#chunks = this.#chunks.slice(gone);
    this.#first += gone;
  }

  #withRoom(stored: StoredText): Chunk {
    const newest = this.#chunks.at(-1);
    const left = (newest?.bytes.length ?? 0) - this.#end - LENGTH_BYTES;
    if (newest !== undefined && charactersOf(stored) * UTF8_BYTES_PER_UNIT_MAX <= left) return newest;
    const bytes = Buffer.byteLength(wholeText(stored));
    if (newest !== undefined && bytes <= left) return newest;
    const chunk = { bytes: Buffer.allocUnsafeSlow(Math.max(this.#nextBytes(newest), bytes + LENGTH_BYTES)), plainBytes: undefined };
    this.#chunks.push(chunk);
    this.#end = 0;
    this.#compress(this.#chunks.at(-1 - CHUNKS_PLAIN));
    return chunk;
  }

  #nextBytes(newest: Chunk | undefined): number {
    return newest === undefined ? CHUNK_BYTES_FIRST : Math.min(CHUNK_BYTES, newest.bytes.length * 2);
  }

  #compress(chunk: Chunk | undefined): void {
    if (chunk === undefined) return;
    const { bytes } = chunk;
    zstdCompress(bytes, ZSTD_OPTIONS, (error, compressed) => {
      // It stays as it is where there is no memory for it.
      if (error !== null) return;
      chunk.bytes = compressed;
      chunk.plainBytes = bytes.length;
      release(bytes);
    });
  }

  #plain(number: number): Buffer {
    const chunk = this.#chunks[number - this.#first];
    if (chunk === undefined) throw new RangeError(`chunk ${number} is forgotten, or was never there`);
    if (chunk.plainBytes === undefined) return chunk.bytes;
    const name = String(number);
    const before = this.#unpacked.find(name);
    if (before !== undefined) return before;
    const bytes = zstdDecompressSync(chunk.bytes, { chunkSize: releasableBytes(chunk.plainBytes) });
    this.#unpacked.remember(name, bytes);
    return bytes;
  }
}
