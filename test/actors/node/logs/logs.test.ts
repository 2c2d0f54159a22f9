import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LogWriter } from "../../../../actors/node/logs/log-writer.ts";
import { type LogAsked, type LogCursor, lastOf, readLog } from "../../../../actors/node/logs/read-log.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-logs-"));
  path = join(directory, "0.log");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ASKED: LogAsked = { timestamps: false, since_ms: 0, follow: false };

/** All that can be read, piece by piece. */
async function read(asked: Partial<LogAsked> = {}, from?: LogCursor): Promise<string> {
  let text = "";
  for (let cursor = from; ; ) {
    const chunk = await readLog(path, { ...ASKED, ...asked, ...(cursor === undefined ? {} : { cursor }) }, true);
    text += Buffer.from(chunk.data).toString("latin1");
    if (chunk.isEnd) return text;
    cursor = chunk.cursor;
  }
}

async function* pieces(of: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const piece of of) yield Buffer.from(piece);
}

async function printed(...texts: readonly string[]): Promise<void> {
  const log = new LogWriter(path);
  await log.pump(pieces(texts.map((text) => Buffer.from(text))), "stdout");
  await log.close();
}

const lineAt = (second: number, text: string, stream = "stdout", tag = "F"): string =>
  `2026-01-01T00:00:0${second}.000000000Z ${stream} ${tag} ${text}\n`;

describe("what a container prints", () => {
  test("is read as it was printed, however it came and however long its lines are", async () => {
    const text = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Buffer.from("\n")), fc.constant(Buffer.alloc(20_000, 0x61))),
      {
        maxLength: 12,
      },
    );
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        rmSync(path, { force: true });
        const log = new LogWriter(path);
        await log.pump(pieces(parts), "stdout");
        await log.close();
        const all = Buffer.concat(parts).toString("latin1");
        expect(await read()).toBe(all);
      }),
      { numRuns: 60 },
    );
  });

  test("is put aside when the file is full, of which the oldest goes, and a reader that follows misses nothing that is there", async () => {
    const log = new LogWriter(path, { fileBytes: 2_000, files: 3, bytesPerSecond: 1e9 });
    const lines = Array.from({ length: 200 }, (_, number) => `line ${number}\n`);
    await log.pump(pieces(lines.slice(0, 20).map((line) => Buffer.from(line))), "stderr");
    const { cursor, data } = await readLog(path, ASKED, false);
    await log.pump(pieces(lines.slice(20, 60).map((line) => Buffer.from(line))), "stderr");
    expect(Buffer.from(data).toString() + (await read({}, cursor))).toBe(lines.slice(0, 60).join(""));
    await log.pump(pieces(lines.slice(60).map((line) => Buffer.from(line))), "stderr");
    await log.close();
    expect(readdirSync(directory)).toHaveLength(3);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(2_000);
    expect(await read()).toContain("line 199\n");
  });

  test("waits when it is more than may be written in a second", async () => {
    const log = new LogWriter(path, { fileBytes: 1e9, files: 1, bytesPerSecond: 50_000 });
    const begin_ms = performance.now();
    await log.pump(pieces(Array.from({ length: 3 }, () => Buffer.alloc(30_000, "y\n"))), "stdout");
    await log.close();
    expect(performance.now() - begin_ms).toBeGreaterThan(1_000);
    expect((await read()).length).toBe(90_000);
  });
});

describe("who reads", () => {
  test.each([
    [0, ""],
    [1, "c\n"],
    [2, "b\nc\n"],
    [99, "a\nb\nc\n"],
  ])("the last %i lines", async (tailLines, expected) => {
    await printed("a\nb\nc\n");
    expect(await read({ tailLines })).toBe(expected);
  });

  test("gets what came since, of one stream, with times", async () => {
    writeFileSync(path, lineAt(1, "a") + lineAt(2, "b", "stderr") + lineAt(3, "c", "stdout", "P") + lineAt(3, "d"));
    expect(await read({ since_ms: Date.parse("2026-01-01T00:00:02Z") })).toBe("b\ncd\n");
    expect(await read({ stream: "stderr" })).toBe("b\n");
    expect(await read({ stream: "stdout", tailLines: 1, timestamps: true })).toBe("2026-01-01T00:00:03.000000000Z d\n");
    expect(await read({ stream: "stdout", since_ms: Date.parse("2026-01-01T00:00:03Z"), timestamps: true })).toBe(
      "2026-01-01T00:00:03.000000000Z cd\n",
    );
  });

  test("who follows hears of a line when it is printed, in the file that is there by then", async () => {
    writeFileSync(path, lineAt(1, "a"));
    const { cursor } = await readLog(path, ASKED, false);
    const next = readLog(path, { ...ASKED, follow: true, cursor }, false);
    appendFileSync(path, lineAt(2, "b"));
    const second = await next;
    expect(Buffer.from(second.data).toString()).toBe("b\n");
    renameSync(path, `${path}.aside`);
    writeFileSync(path, lineAt(3, "c"));
    const moved = await readLog(path, { ...ASKED, cursor: second.cursor }, false);
    const third = await readLog(path, { ...ASKED, cursor: moved.cursor }, true);
    expect(Buffer.from(third.data).toString()).toBe("c\n");
  });

  test("the last of it, as a termination message has it", async () => {
    await printed(Array.from({ length: 100 }, (_, number) => `${number}\n`).join(""));
    expect(await lastOf(path, 3, 100)).toBe("97\n98\n99\n");
    expect(await lastOf(path, 80, 6)).toBe("98\n99\n");
  });
});
