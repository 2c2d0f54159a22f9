import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { sendTo, Unsent, WATCH_BUFFER_BYTES_MAX, Watcher } from "../../../cluster/gateway/watcher.ts";

/** An answer that is done with a piece when it is told to. */
class Answer extends Writable {
  readonly pieces: Buffer[] = [];
  readonly done: ((error?: Error) => void)[] = [];

  constructor() {
    super({ highWaterMark: 1 });
    this.on("error", () => {});
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.pieces.push(piece);
    this.done.push(done);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const watcherOf = (answer: Answer, unsent: Unsent): Watcher =>
  new Watcher(answer as unknown as ServerResponse, unsent, { bookmarks: false, now_ms: 0, protobuf: false });
function begin(): { readonly answers: readonly [Answer, Answer]; readonly watchers: readonly [Watcher, Watcher] } {
  const unsent = new Unsent();
  const answers = [new Answer(), new Answer()] as const;
  return { answers, watchers: [watcherOf(answers[0], unsent), watcherOf(answers[1], unsent)] };
}
const large = (): Buffer => Buffer.from("line\n".repeat(100_000));

test("what is sent to many stays as it is until the last of them is done with it, and is given back then", async () => {
  const { answers, watchers } = begin();
  const [bytes, text] = [large(), large().toString()];
  sendTo(watchers, bytes);
  answers[0].done[0]?.();
  await turn();
  expect(answers[1].pieces[0]?.toString()).toBe(text);
  answers[1].done[0]?.();
  await turn();
  expect(bytes.buffer.byteLength).toBe(0);
});

test("who has gone, or is cut off now, is not waited for; of whom it is not known what is still read, all stays", async () => {
  const { answers, watchers } = begin();
  answers[0].destroy();
  const first = large();
  sendTo(watchers, first);
  answers[1].done[0]?.();
  await turn();
  expect(first.buffer.byteLength).toBe(0);

  const second = large();
  sendTo(watchers, second);
  answers[1].destroy();
  answers[1].done[1]?.();
  await turn();
  expect(second.buffer.byteLength).toBe(second.length);

  const { watchers: others } = begin();
  const tooMuch = Buffer.alloc(WATCH_BUFFER_BYTES_MAX + 1);
  sendTo(others, tooMuch);
  expect(tooMuch.buffer.byteLength).toBe(0);
});
