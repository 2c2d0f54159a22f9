import { watch } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Reads what a container has printed, from a file in CRI's log format: a line is `<RFC 3339 time> <stdout or stderr> <F, or P if the line goes on> <text>`.
 * Read by pieces, each asked for with where the one before ended: so a log of any length and a reader of any slowness take no memory, and what is
 * followed goes on over rotations. Source: kubelet's logs.ReadLogs; the newest file alone is read.
 */
export interface LogAsked {
  readonly timestamps: boolean;
  /** Lines before are left out; milliseconds since 1970. */
  readonly since_ms: number;
  /** Absent: both. */
  readonly stream?: "stdout" | "stderr";
  /** Of the first piece: so many lines from the end; absent: all. */
  readonly tailLines?: number;
  /** Where the piece before ended; absent: it is the first. */
  readonly cursor?: LogCursor;
  /** Waits a moment for more when there is none. */
  readonly follow: boolean;
}

export interface LogCursor {
  readonly inode: number;
  readonly offset: number;
  /** What comes next goes on with a line that has begun before. */
  readonly isWithinLine?: boolean;
}

/** `isEnd`: nothing comes after it. */
export interface LogChunk {
  readonly data: Uint8Array;
  readonly cursor: LogCursor;
  readonly isEnd: boolean;
}

const CHUNK_BYTES_MAX = 262_144;
/** A quiet container's reader hears after this that there is nothing, and asks again. Less than an ask's deadline. */
const FOLLOW_WAIT_MS = 4_000;
const NEWLINE = 0x0a;
const NOTHING = new Uint8Array();
const START: LogCursor = { inode: 0, offset: 0 };

/** `isComplete`: nobody writes to the file any more. */
export async function readLog(path: string, asked: LogAsked, isComplete: boolean): Promise<LogChunk> {
  const first = await readOnce(path, asked, isComplete);
  if (first.data.length > 0 || first.isEnd || !asked.follow) return first;
  await changeOf(path);
  return readOnce(path, { ...asked, cursor: first.cursor }, isComplete);
}

async function readOnce(path: string, asked: LogAsked, isComplete: boolean): Promise<LogChunk> {
  const { cursor } = asked;
  const name = cursor === undefined || cursor.inode === 0 ? path : ((await fileOf(path, cursor.inode)) ?? path);
  const file = await open(name, "r").catch(() => undefined);
  if (file === undefined) return { data: NOTHING, cursor: START, isEnd: isComplete || !asked.follow };
  try {
    const { ino, size } = await file.stat();
    const offset = cursor?.inode === ino ? cursor.offset : cursor === undefined ? await firstOffset(file, size, asked.tailLines) : 0;
    const bytes = await readLines(file, offset);
    if (bytes.length > 0) {
      const { text, isWithinLine } = shown(bytes.toString("latin1"), asked);
      return { data: Buffer.from(text, "latin1"), cursor: { inode: ino, offset: offset + bytes.length, isWithinLine }, isEnd: false };
    }
    // A file that has been put aside is followed by the one in its place.
    const next = await stat(path).catch(() => undefined);
    if (next !== undefined && next.ino !== ino) return { data: NOTHING, cursor: { inode: next.ino, offset: 0 }, isEnd: false };
    return { data: NOTHING, cursor: { inode: ino, offset }, isEnd: isComplete || !asked.follow };
  } finally {
    await file.close();
  }
}

/** The last `lines` lines of what a container has printed, at most `bytes` of them. */
export async function lastOf(path: string, lines: number, bytes: number): Promise<string> {
  const all: Buffer[] = [];
  let asked: LogAsked = { timestamps: false, since_ms: 0, tailLines: lines, follow: false };
  for (;;) {
    const { data, cursor, isEnd } = await readLog(path, asked, true);
    all.push(Buffer.from(data));
    if (isEnd) return Buffer.concat(all).subarray(-bytes).toString();
    asked = { ...asked, cursor };
  }
}

/** The name that a file has now, among those that were put aside. */
async function fileOf(path: string, inode: number): Promise<string | undefined> {
  const directory = dirname(path);
  for (const name of await readdir(directory).catch(() => [])) {
    const candidate = join(directory, name);
    if ((await stat(candidate).catch(() => undefined))?.ino === inode) return candidate;
  }
  return undefined;
}

/** Whole lines from there on. */
async function readLines(file: FileHandle, offset: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES_MAX);
  const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES_MAX, offset);
  return buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1);
}

async function firstOffset(file: FileHandle, size: number, tailLines: number | undefined): Promise<number> {
  if (tailLines === undefined) return 0;
  let left = tailLines;
  const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES_MAX));
  // The newline at the end of the last line begins no line.
  for (let end = size - 1; end > 0; ) {
    const begin = Math.max(0, end - buffer.length);
    const { bytesRead } = await file.read(buffer, 0, end - begin, begin);
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (left === 0) return size;
      if (buffer[at] === NEWLINE && --left === 0) return begin + at + 1;
    }
    end = begin;
  }
  return left === 0 ? size : 0;
}

function shown(
  lines: string,
  { timestamps, since_ms, stream, cursor }: LogAsked,
): { readonly text: string; readonly isWithinLine: boolean } {
  let text = "";
  let isWithinLine = cursor?.isWithinLine === true;
  for (let begin = 0, end = lines.indexOf("\n"); end >= 0; begin = end + 1, end = lines.indexOf("\n", begin)) {
    const time = lines.indexOf(" ", begin);
    const source = lines.indexOf(" ", time + 1);
    const tag = lines.indexOf(" ", source + 1);
    if (time < 0 || source < 0 || tag < 0 || tag > end) continue;
    const goesOn = isWithinLine;
    isWithinLine = lines.charAt(source + 1) === "P";
    if (stream !== undefined && lines.slice(time + 1, source) !== stream) continue;
    if (since_ms > 0 && Date.parse(lines.slice(begin, time)) < since_ms) continue;
    if (timestamps && !goesOn) text += lines.slice(begin, time + 1);
    text += lines.slice(tag + 1, isWithinLine ? end : end + 1);
  }
  return { text, isWithinLine };
}

/** Resolves when the file changes, or after a while. */
async function changeOf(path: string): Promise<void> {
  const over = new AbortController();
  try {
    const changed = new Promise<void>((resolve) => {
      watch(dirname(path), { signal: over.signal }, () => resolve()).on("error", () => resolve());
    });
    await Promise.race([changed, delay(FOLLOW_WAIT_MS, undefined, { signal: over.signal, ref: false })]);
  } catch {
    await delay(FOLLOW_WAIT_MS);
  } finally {
    over.abort();
  }
}
