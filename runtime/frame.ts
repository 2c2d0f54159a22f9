import { Packr } from "msgpackr";
import type { Envelope, Frame, Refused } from "./envelope.ts";

/**
 * Version of what `packFrames` writes: msgpack of `[version, [from, incarnation], envelopes]`, messages as msgpackr records.
 * @contract frames between hosts
 */
export const FRAME_VERSION = 2;

/** The msgpack header of an array of three, with which every frame of every version begins; the version follows. */
const ARRAY_OF_THREE = 0x93;

/** Records are defined inside each frame, so that a frame needs no memory of earlier ones: one may be lost. */
const packr = new Packr({ useRecords: true, moreTypes: false });

/** Who sends a frame: the host, and its incarnation. */
export type FrameSender = readonly [host: string, incarnation: number];

export interface PackedFrames {
  readonly frames: readonly Uint8Array[];
  readonly refused: readonly Refused[];
}

/**
 * Packs envelopes into one frame, or into as many as needed for none to be larger than `payload_max` bytes. An envelope that is too
 * large by itself, or cannot be packed, is refused and the others go on.
 */
export function packFrames(from: FrameSender, envelopes: readonly Envelope[], payload_max: number): PackedFrames {
  const frames: Uint8Array[] = [];
  const refused: Refused[] = [];
  packInto(from, envelopes, payload_max, frames, refused);
  return { frames, refused };
}

function packInto(from: FrameSender, envelopes: readonly Envelope[], payload_max: number, frames: Uint8Array[], refused: Refused[]): void {
  const [first] = envelopes;
  if (first === undefined) return;
  const packed = pack(from, envelopes);
  if (packed !== undefined && packed.byteLength <= payload_max) {
    frames.push(packed);
  } else if (envelopes.length === 1) {
    refused.push({ envelope: first, reason: packed === undefined ? "not-plain-data" : "too-large" });
  } else {
    const half = envelopes.length >> 1;
    packInto(from, envelopes.slice(0, half), payload_max, frames, refused);
    packInto(from, envelopes.slice(half), payload_max, frames, refused);
  }
}

function pack(from: FrameSender, envelopes: readonly Envelope[]): Uint8Array | undefined {
  try {
    return packr.pack([FRAME_VERSION, from, envelopes]);
  } catch {
    // Circular data overflows the stack, functions have no form: found out by packing, because looking first would cost every message.
    return undefined;
  }
}

/** Reads a frame, or says in a sentence why it cannot be read. */
export function unpackFrame(bytes: Uint8Array): Frame | string {
  const version = bytes[1];
  if (bytes[0] !== ARRAY_OF_THREE || version === undefined) return "not a frame";
  if (version !== FRAME_VERSION) return `frame of version ${version}, this host reads version ${FRAME_VERSION}`;
  try {
    const [, [from, incarnation], envelopes]: [number, FrameSender, Envelope[]] = packr.unpack(bytes);
    return { from, incarnation, envelopes };
  } catch (error) {
    return `broken frame: ${String(error)}`;
  }
}
