/**
 * The streams of a command over one connection: frames of a byte for the channel, four for the length, and so much. The channels are those of
 * Kubernetes' remote commands, so that who passes them on to a client has nothing to translate. Source: apimachinery's remotecommand constants.
 */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const HEAD_BYTES = 5;
/** More is nothing that anybody here has sent. */
const PAYLOAD_BYTES_MAX = 64 * 1_024 * 1_024;

export interface Frame {
  readonly channel: number;
  readonly payload: Buffer;
}

/** How a command ended: the only frame of the channel `status`, and the last of all. */
export interface Ended {
  readonly exitCode: number;
  /** Why it could not be run; then the exit code says nothing. */
  readonly message?: string;
}

export function frame(channel: number, payload: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(channel, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Cuts what comes over a connection into frames. */
export class Frames {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** Throws RangeError on what is no frame. */
  *take(bytes: Buffer): Generator<Frame> {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    for (let next = this.#next(); next !== undefined; next = this.#next()) yield next;
  }

  #next(): Frame | undefined {
    if (this.#bytes < HEAD_BYTES) return undefined;
    const head = this.#whole(HEAD_BYTES);
    const length = head.readUInt32BE(1);
    if (length > PAYLOAD_BYTES_MAX) throw new RangeError(`a frame of ${length} bytes`);
    const end = HEAD_BYTES + length;
    if (this.#bytes < end) return undefined;
    const all = this.#whole(end);
    const rest = all.subarray(end);
    this.#pieces = rest.length === 0 ? this.#pieces.slice(1) : [rest, ...this.#pieces.slice(1)];
    this.#bytes -= end;
    return { channel: all.readUInt8(0), payload: all.subarray(HEAD_BYTES, end) };
  }

  /** The first piece, which has at least so many bytes. A long frame is put together once, not with each piece of it. */
  #whole(bytes: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    if (first.length >= bytes) return first;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }
}
