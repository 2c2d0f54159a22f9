import { Writable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { createGunzip, createGzip } from "node:zlib";
import { describe, expect, test } from "vitest";
import { writeGathered } from "../../../cluster/gateway/gathered.ts";

describe("texts that are gathered", () => {
  test.each([
    ["none", []],
    ["one", ["a"]],
    ["with bytes that no ASCII has", Array.from({ length: 20_000 }, (_, i) => `${i}é漢😀`)],
    ["one of which is larger than the buffer", ["before", "ü".repeat(300_000), "after"]],
    ["as long as many turns send", Array.from({ length: 5_000 }, (_, i) => `${i}:${"x".repeat(1_000)}`)],
  ])("arrive as they are: %s", async (_, texts) => {
    const stream = createGzip();
    const read = textOf(stream.pipe(createGunzip()));
    await writeGathered(stream, texts);
    stream.end();
    expect(await read).toBe(texts.join(""));
  });

  test("are not asked for any more once the stream has gone", async () => {
    let asked = 0;
    const texts = function* (): Generator<string> {
      for (; asked < 10_000; asked++) yield "x".repeat(1_000);
    };
    const stream = new Writable({ write: () => void stream.destroy() });
    await writeGathered(stream, texts());
    expect(asked).toBeLessThan(200);
  });

  test("wait for a stream that takes its time: the buffer is not written on before it has passed on what is in it", async () => {
    const taken: Buffer[] = [];
    const stream = new Writable({
      highWaterMark: 1,
      write: (bytes: Buffer, _encoding, done) =>
        void setTimeout(() => {
          taken.push(Buffer.from(bytes));
          done();
        }, 1),
    });
    const texts = Array.from({ length: 1_000 }, (_, i) => `${i}:${"y".repeat(997)}`);
    await writeGathered(stream, texts);
    expect(Buffer.concat(taken).toString()).toBe(texts.join(""));
  });

  test.each([
    ["a millisecond", 1, 8],
    ["long", 60, 15],
    ["very long", 10_000, 25],
  ])("leave as many at a time as is fair to others, whose turns take %s", async (_, others_ms, buffers) => {
    let clock_ms = 0;
    const inTurns = [0];
    let isOver = false;
    const others = (): void => {
      clock_ms += others_ms;
      inTurns.push(0);
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    const stream = new Writable({
      write: (_bytes, _encoding, done) => {
        clock_ms += 1;
        inTurns.push((inTurns.pop() ?? 0) + 1);
        done();
      },
    });
    await writeGathered(
      stream,
      Array.from({ length: 100_000 }, () => "z".repeat(1_000)),
      () => clock_ms,
    );
    isOver = true;
    expect(new Set(inTurns.slice(2, -3))).toEqual(new Set([buffers]));
  });
});
