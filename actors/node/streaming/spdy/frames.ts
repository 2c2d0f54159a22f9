/** The frames of SPDY/3.1. Source: the SPDY Protocol, Draft 3.1, 2.2. */
import { SpdyError } from "./headers.ts";

export const TYPE = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const FLAG_FIN = 1;
const CONTROL_BIT = 0x8000_0000;
const VERSION = 3;
const HEAD_BYTES = 8;
const FLAGS_SHIFT = 24;
const LENGTH_MASK = 0xff_ffff;
const STREAM_MASK = 0x7fff_ffff;
/** Clients copy with buffers of 32 KiB. */
const FRAME_BYTES_MAX = 1 << 20;

export type SpdyFrame =
  | { readonly type: "data"; readonly stream: number; readonly flags: number; readonly payload: Buffer }
  | { readonly type: "control"; readonly control: number; readonly flags: number; readonly payload: Buffer };

export function dataFrame(stream: number, flags: number, payload: Buffer): Buffer {
  return framed(stream, flags, payload);
}

export function controlFrame(control: number, flags: number, payload: Buffer): Buffer {
  return framed(CONTROL_BIT + VERSION * 0x1_0000 + control, flags, payload);
}

function framed(first: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(first, 0);
  head.writeUInt32BE(flags * 2 ** FLAGS_SHIFT + payload.length, 4);
  return Buffer.concat([head, payload]);
}

/** The stream that a control frame is about: its first field. */
export function streamOf(payload: Buffer): number {
  if (payload.length < 4) throw new SpdyError("a frame ends too soon");
  return payload.readUInt32BE(0) & STREAM_MASK;
}

/** Cuts what comes into frames. Throws SpdyError. */
export async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<SpdyFrame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of source) {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= HEAD_BYTES) {
      const first = rest.readUInt32BE(0);
      const second = rest.readUInt32BE(4);
      const length = second & LENGTH_MASK;
      if (length > FRAME_BYTES_MAX) throw new SpdyError(`a frame of ${length} bytes`);
      if (rest.length < HEAD_BYTES + length) break;
      const payload = rest.subarray(HEAD_BYTES, HEAD_BYTES + length);
      rest = rest.subarray(HEAD_BYTES + length);
      const flags = second >>> FLAGS_SHIFT;
      if (first < CONTROL_BIT) yield { type: "data", stream: first, flags, payload };
      else yield { type: "control", control: first & 0xffff, flags, payload };
    }
  }
}
