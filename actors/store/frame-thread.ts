import { encodeFrameNow, type FrameKind } from "./snapshot-frame.ts";

/** One frame to encode; its payload begins the shared memory, and stays as it is until the answer. */
export interface FrameTask {
  readonly kind: FrameKind;
  readonly index: number;
  readonly items: number;
  readonly shared: SharedArrayBuffer;
  readonly bytes: number;
}

/** The module of the thread that encodes frames. */
export default function encode({ kind, index, items, shared, bytes }: FrameTask): Uint8Array {
  return encodeFrameNow({ kind, index, items, payload: Buffer.from(shared, 0, bytes) });
}
