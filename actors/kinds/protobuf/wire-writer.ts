import { DELIMITED, FIXED64, VARINT } from "./wire-reader.ts";

const UINT32 = 2 ** 32;
const DOUBLE_BYTES = 8;
const VARINT_BYTES_MAX = 10;

/**
 * Writes protobuf's wire format from its end to its beginning, as Kubernetes' own encoders do: the length of a nested message, which stands
 * before it, is known when it is written. So fields, items and entries are to be given last to first; and of one field first the value, then
 * its tag (`tag`) or, for what has a length, `close`.
 */
export class WireWriter {
  #bytes: Buffer;
  /** What is written lies from here to the end. */
  #at: number;

  constructor(capacity_bytes: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(capacity_bytes, VARINT_BYTES_MAX));
    this.#at = this.#bytes.length;
  }

  /** How much is written. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** All that is written; the writer is not to be used after it. */
  finish(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  /** The value of a string field, with its length and tag. */
  text(number: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(length);
    this.#at -= length;
    this.#bytes.write(value, this.#at, length, "utf8");
    this.varint(length);
    this.tag(number, DELIMITED);
  }

  /** The same for bytes. */
  bytes(number: number, value: Uint8Array): void {
    this.raw(value);
    this.varint(value.length);
    this.tag(number, DELIMITED);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
  }

  /** The length and tag of a nested message whose fields are all that was written since `length` was `before`. */
  close(number: number, before: number): void {
    this.varint(this.length - before);
    this.tag(number, DELIMITED);
  }

  bool(number: number, value: boolean): void {
    this.varint(value ? 1 : 0);
    this.tag(number, VARINT);
  }

  /** A whole number; negative ones take ten bytes, as in all of protobuf's plain integers. */
  int(number: number, value: number): void {
    this.varint(value);
    this.tag(number, VARINT);
  }

  double(number: number, value: number): void {
    this.#room(DOUBLE_BYTES);
    this.#at -= DOUBLE_BYTES;
    this.#bytes.writeDoubleLE(value, this.#at);
    this.tag(number, FIXED64);
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType);
  }

  varint(value: number): void {
    this.#room(VARINT_BYTES_MAX);
    if (value >= 0 && value < 0x80) {
      this.#at -= 1;
      this.#bytes[this.#at] = value;
      return;
    }
    // In two halves, each without sign: a shift of a JavaScript number sees only 32 bits.
    let high = Math.floor(value / UINT32) >>> 0;
    let low = value >>> 0;
    let bytes = 1;
    for (let rest = high, below = low; rest > 0 || below >= 0x80; bytes++) {
      below = ((rest << 25) | (below >>> 7)) >>> 0;
      rest >>>= 7;
    }
    this.#at -= bytes;
    for (let at = this.#at; ; at++) {
      const last = high === 0 && low < 0x80;
      this.#bytes[at] = last ? low : (low & 0x7f) | 0x80;
      if (last) return;
      low = ((high << 25) | (low >>> 7)) >>> 0;
      high >>>= 7;
    }
  }

  #room(bytes: number): void {
    if (this.#at >= bytes) return;
    const { length } = this;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, length + bytes));
    this.#bytes.copy(grown, grown.length - length, this.#at);
    this.#at = grown.length - length;
    this.#bytes = grown;
  }
}
