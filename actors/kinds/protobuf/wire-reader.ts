/** The bytes are not what they say; the message is in the words of Go's decoder. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** How the value of a field is laid out. Source: protobuf's encoding guide. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

const UINT32 = 2 ** 32;
const BITS_PER_BYTE = 7;
/** A varint of 64 bits is ten bytes at most. */
const VARINT_SHIFT_MAX = 63;

const EOF_WORDS = "unexpected EOF";

/**
 * A cursor over protobuf's wire format. Nested messages are read in place: `enter` narrows the end, `leave` widens it again. No read goes
 * beyond the end, whatever the bytes say: each throws ProtobufError instead.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  #end: number;
  /** The last varint, in two halves without sign: a number of 64 bits is more than a JavaScript number holds. */
  #low = 0;
  #high = 0;
  /** The wire type of the last tag. */
  wireType: number = VARINT;

  constructor(bytes: Buffer, from = 0) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = bytes.length;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The number of the next field of a message of this name. */
  tag(message: string): number {
    this.#varint();
    const number = ((this.#high & 7) << 29) | (this.#low >>> 3) | 0;
    this.wireType = this.#low & 7;
    if (this.wireType === GROUP_END) throw new ProtobufError(`proto: ${message}: wiretype end group for non-group`);
    if (number <= 0) throw new ProtobufError(`proto: ${message}: illegal tag ${number} (wire type ${this.#high * UINT32 + this.#low})`);
    return number;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  /** To the nearest that a JavaScript number holds, as JSON.parse would read its digits. */
  int64(): number {
    this.#varint();
    return (this.#high | 0) * UINT32 + this.#low;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  double(): number {
    const from = this.#take(8);
    return this.#bytes.readDoubleLE(from);
  }

  text(): string {
    const length = this.#length();
    const from = this.#take(length);
    return this.#bytes.toString("utf8", from, from + length);
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const length = this.#length();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  base64(): string {
    return this.bytes().toString("base64");
  }

  /** Goes into a nested message (or packed list). Returns the end to give back to `leave`. */
  enter(): number {
    const outer = this.#end;
    const length = this.#length();
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** Passes over the value of a field that nobody knows, groups with all that is in them. */
  skip(): void {
    let depth = 0;
    for (;;) {
      switch (this.wireType) {
        case VARINT:
          this.#varint();
          break;
        case FIXED64:
          this.#take(8);
          break;
        case DELIMITED:
          this.#take(this.#length());
          break;
        case FIXED32:
          this.#take(4);
          break;
        case GROUP_START:
          depth += 1;
          break;
        case GROUP_END:
          depth -= 1;
          break;
        default:
          throw new ProtobufError(`proto: illegal wireType ${this.wireType}`);
      }
      if (depth === 0) return;
      this.#varint();
      this.wireType = this.#low & 7;
    }
  }

  /** A length, checked to lie before the end. */
  #length(): number {
    this.#varint();
    if (this.#high >>> 31 === 1) throw new ProtobufError("proto: negative length found during unmarshaling");
    if (this.#high !== 0 || this.#low > this.#end - this.#at) throw new ProtobufError(EOF_WORDS);
    return this.#low;
  }

  #take(length: number): number {
    const from = this.#at;
    if (length > this.#end - from) throw new ProtobufError(EOF_WORDS);
    this.#at = from + length;
    return from;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift <= VARINT_SHIFT_MAX; shift += BITS_PER_BYTE) {
      const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
      if (byte === undefined) throw new ProtobufError(EOF_WORDS);
      this.#at += 1;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw new ProtobufError("proto: integer overflow");
  }
}
