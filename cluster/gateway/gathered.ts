import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { UTF8_BYTES_PER_UNIT_MAX } from "../../actors/kinds/utf8.ts";

/** Large enough to be quick, small enough not to hold up the others. */
const GATHERED_BYTES = 128 * 1024;
/** Buffers that leave in one turn of the event loop, if the client takes them at once: some milliseconds. One alone would make a long list wait for a busy server. */
const BUFFERS_IN_A_TURN = 8;

/**
 * Writes texts one after the other, many at a time, and resolves when the stream has taken all of them, or is gone. They are gathered in one buffer that is used
 * again as soon as the stream has passed it on: a long answer would otherwise leave its whole length behind as strings that the garbage collector keeps for long,
 * because they are large. The stream must be one that is done with a piece when it says so, as sockets and compressors are, and a PassThrough is not. A client
 * that reads as fast as this writes leaves the others their turns of the event loop.
 */
export async function writeGathered(stream: Writable, texts: Iterable<string>): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(GATHERED_BYTES);
  let end = 0;
  let left = BUFFERS_IN_A_TURN;
  for (const text of texts) {
    const bytesMax = text.length * UTF8_BYTES_PER_UNIT_MAX;
    if (end + bytesMax > GATHERED_BYTES) {
      await passedOn(stream, buffer.subarray(0, end));
      end = 0;
      if (--left === 0) {
        left = BUFFERS_IN_A_TURN;
        await nextTurn();
      }
      if (stream.destroyed) return;
    }
    if (bytesMax <= GATHERED_BYTES) end += buffer.write(text, end);
    else await passedOn(stream, Buffer.from(text));
  }
  if (end > 0) await passedOn(stream, buffer.subarray(0, end));
}

/** Resolves when the bytes are the stream's no more. */
function passedOn(stream: Writable, bytes: Buffer): Promise<void> {
  if (stream.destroyed || bytes.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("close", done);
      resolve();
    };
    stream.once("close", done);
    stream.write(bytes, done);
  });
}
