import { Packr, RESET_BUFFER_MODE } from "msgpackr";
import type { Envelope, Frame, FrameHead, Refused } from "./envelope.ts";

/**
 * Version of what `packFrame` writes: msgpack of `[version, head, envelopes]`, the head a tuple, messages as msgpackr records.
 * @contract frames between hosts
 */
export const FRAME_VERSION = 4;

/** The msgpack header of an array of three, with which every frame of every version begins; the version follows. */
const ARRAY_OF_THREE = 0x93;

/** Records are defined inside each frame, so that a frame needs no memory of earlier ones: one may be lost. */
const packr = new Packr({ useRecords: true, moreTypes: false });

/**
 * The head as it is packed; what the numbers mean is said at FrameHead.
 * @contract frames between hosts
 */
export type HeadTuple = [
  from: string,
  incarnation: number,
  view: number,
  life: number,
  position: number,
  wants: number,
  heardLife: number,
  heard: number,
  heardFor: number,
];

/** Where packed frames go. */
export interface Loading {
  /** No frame may be larger. */
  readonly frame_bytes_max: number;
  /** Of envelopes that are about to be packed, those that there is room for. */
  admit(envelopes: readonly Envelope[]): readonly Envelope[];
  /** For the frame that is packed next. */
  head(): FrameHead;
  load(bytes: Uint8Array, envelopes: readonly Envelope[]): void;
  refuse(refused: Refused): void;
}

/**
 * Packs envelopes into one frame, or into as many as needed for none to be larger than the limit, in order. An envelope that is too
 * large by itself, or cannot be packed, is refused and the others go on.
 */
export function packFrames(envelopes: readonly Envelope[], loading: Loading): void {
  const admitted = loading.admit(envelopes);
  const [first] = admitted;
  if (first === undefined) return;
  const packed = packFrame(loading.head(), admitted);
  if (packed !== undefined && packed.byteLength <= loading.frame_bytes_max) {
    loading.load(packed, admitted);
  } else if (admitted.length === 1) {
    loading.refuse({ envelope: first, reason: packed === undefined ? "not-plain-data" : "too-large" });
  } else {
    const half = admitted.length >> 1;
    packFrames(admitted.slice(0, half), loading);
    packFrames(admitted.slice(half), loading);
  }
}

/**
 * One frame; undefined when an envelope holds what msgpack cannot carry. The bytes are its own: a frame is kept until the other host has taken it in, and would
 * keep with it the whole buffer that it was packed in, megabytes outside the heap that make the garbage collector go through all of it.
 */
export function packFrame(head: FrameHead, envelopes: readonly Envelope[]): Uint8Array | undefined {
  const { from, incarnation, view, life, position, wants, heardLife, heard, heardFor } = head;
  const tuple: HeadTuple = [from, incarnation, view, life, position, wants, heardLife, heard, heardFor];
  try {
    return new Uint8Array(packr.pack([FRAME_VERSION, tuple, envelopes], RESET_BUFFER_MODE));
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
    const [, head, envelopes]: [number, HeadTuple, Envelope[]] = packr.unpack(bytes);
    const [from, incarnation, view, life, position, wants, heardLife, heard, heardFor] = head;
    return { head: { from, incarnation, view, life, position, wants, heardLife, heard, heardFor }, envelopes };
  } catch (error) {
    return `broken frame: ${String(error)}`;
  }
}
