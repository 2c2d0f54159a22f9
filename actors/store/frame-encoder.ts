import { WorkerPool } from "../../runtime/mod.ts";
import type { FrameTask } from "./frame-thread.ts";
import { encodeFrame, type Frame } from "./snapshot-frame.ts";

/** So many frames are encoded here, before a thread is started for the rest: most stores are small. */
const FRAMES_WITHOUT_THREAD = 8;

/**
 * Encodes the frames of one snapshot. Those of a large one in a thread of its own, out of memory that both share: what zlib allocates for each frame counts as the
 * memory of the thread that asks for it, and made the garbage collector go through the heap of the whole store for every 60 frames.
 */
export class FrameEncoder {
  #pool: WorkerPool<FrameTask, Uint8Array> | undefined;
  #encoded = 0;

  /** The payload must not change before this resolves. Frames are encoded one at a time. */
  async encode(frame: Frame): Promise<Buffer> {
    const { payload, kind, index, items } = frame;
    if (!(payload.buffer instanceof SharedArrayBuffer) || this.#encoded++ < FRAMES_WITHOUT_THREAD) return encodeFrame(frame);
    this.#pool ??= new WorkerPool({ name: "snapshot frames", file: new URL("./frame-thread.ts", import.meta.url), threads: 1 });
    const bytes = await this.#pool.run({ kind, index, items, shared: payload.buffer, bytes: payload.length });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}
