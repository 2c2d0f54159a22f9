import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { UTF8_BYTES_PER_UNIT_MAX } from "../../actors/kinds/utf8.ts";

/** Large enough to be quick, small enough not to hold up the others. */
const GATHERED_BYTES = 128 * 1024;
/** Buffers of one list that the stream may have at a time: a TLS socket is done with a piece in the next turn of the event loop at the earliest, and turns of a busy server are long. */
const ON_THEIR_WAY_MAX = 32;
/** Buffers that leave in one turn at least, if the client takes them: a millisecond or two. */
const BUFFERS_IN_A_TURN = 8;
/** Of the time that the others took for their turn a list has as much for its own: where turns are long, the fewest buffers would leave it far behind. */
const SHARE_OF_TURN = 0.25;
/** Nobody waits longer for a list that is sent. */
const IN_A_TURN_MS_MAX = 25;
/** Kept for the next lists: what is made for each is old when it is done, and memory outside its heap is what has the garbage collector go through all of that. */
const KEPT_MAX = 64;

const kept: Buffer[] = [];

/**
 * Writes texts one after the other, many at a time, and resolves when the stream has taken all of them, or is gone. They are gathered in buffers that are used
 * again as soon as the stream has passed them on: a long answer would otherwise leave its whole length behind as strings that the garbage collector keeps for long,
 * because they are large. The stream must be one that is done with a piece when it says so, as sockets and compressors are, and a PassThrough is not. A client
 * that reads as fast as this writes leaves the others their turns of the event loop.
 */
export async function writeGathered(
  stream: Writable,
  texts: Iterable<string>,
  now_ms: () => number = () => performance.now(),
): Promise<void> {
  const way = new Way(stream);
  let buffer = kept.pop() ?? Buffer.allocUnsafeSlow(GATHERED_BYTES);
  let end = 0;
  let left = BUFFERS_IN_A_TURN;
  let until_ms = 0;
  for (const text of texts) {
    const bytesMax = text.length * UTF8_BYTES_PER_UNIT_MAX;
    if (end + bytesMax > GATHERED_BYTES) {
      if (end > 0) way.take(buffer, end);
      left -= 1;
      if (left <= 0 && now_ms() >= until_ms) {
        until_ms = await othersTurn(now_ms);
        left = BUFFERS_IN_A_TURN;
      }
      await way.hasRoom(ON_THEIR_WAY_MAX);
      if (stream.destroyed) return;
      if (end > 0) buffer = kept.pop() ?? Buffer.allocUnsafeSlow(GATHERED_BYTES);
      end = 0;
    }
    if (bytesMax <= GATHERED_BYTES) end += buffer.write(text, end);
    else way.take(Buffer.from(text));
  }
  if (end > 0) way.take(buffer, end);
  else keep(buffer);
  await way.hasRoom(1);
}

function keep(buffer: Buffer): void {
  if (kept.length < KEPT_MAX) kept.push(buffer);
}

/** Lets the others have their turn, and resolves with the time until when the list may have the next one. */
async function othersTurn(now_ms: () => number): Promise<number> {
  const left_ms = now_ms();
  await nextTurn();
  const back_ms = now_ms();
  return back_ms + Math.min((back_ms - left_ms) * SHARE_OF_TURN, IN_A_TURN_MS_MAX);
}

/** What a stream has of one list. */
class Way {
  readonly #stream: Writable;
  #pieces = 0;
  #wake: (() => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.once("close", () => this.#wake?.());
  }

  /** A buffer that is full to `end` is kept when the stream is done with it, unless that has ended: then it is not known what still reads it. */
  take(buffer: Buffer, end?: number): void {
    if (this.#stream.destroyed) return;
    this.#pieces += 1;
    this.#stream.write(buffer.subarray(0, end), (error) => {
      this.#pieces -= 1;
      if (end !== undefined && !error && !this.#stream.destroyed) keep(buffer);
      this.#wake?.();
    });
  }

  /** Resolves when the stream has fewer pieces than so many, or is gone. */
  async hasRoom(pieces: number): Promise<void> {
    while (this.#pieces >= pieces && !this.#stream.destroyed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}
