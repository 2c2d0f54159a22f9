import { type FileHandle, open, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Source: kubelet's --container-log-max-size and --container-log-max-files. */
const FILE_BYTES_MAX = 10 * 1_024 * 1_024;
const FILES_MAX = 5;
/** A longer line goes on in the next entry. Source: containerd's max_container_log_line_size. */
const LINE_BYTES_MAX = 16_384;
/** Who prints more waits; so one loud container takes neither the disk nor the processor from the others. */
const BYTES_PER_S_MAX = 16 * 1_024 * 1_024;

export interface LogLimits {
  readonly fileBytes: number;
  readonly files: number;
  readonly bytesPerSecond: number;
}

/**
 * Writes what a container prints to a file in CRI's log format, and puts the file aside when it is full. `write` resolves when it can take more: who
 * waits for it before reading on holds a chunk at a time.
 */
export class LogWriter {
  readonly #path: string;
  readonly #limits: LogLimits;
  #file: FileHandle | undefined;
  #size = 0;
  /** One write after the other, of both streams. */
  #last: Promise<void> = Promise.resolve();
  /** Since when the bytes of the running second are counted. */
  #second_ms = 0;
  #inSecond = 0;

  constructor(path: string, limits: LogLimits = { fileBytes: FILE_BYTES_MAX, files: FILES_MAX, bytesPerSecond: BYTES_PER_S_MAX }) {
    this.#path = path;
    this.#limits = limits;
  }

  /** Throws what the file system says; the next write tries again. */
  async pump(source: AsyncIterable<Buffer>, stream: "stdout" | "stderr"): Promise<void> {
    /** The end of a line is still to come. */
    let rest = "";
    for await (const chunk of source) {
      const text = rest + chunk.toString("latin1");
      const end = text.lastIndexOf("\n") + 1;
      const whole = end === 0 ? "" : entries(text.slice(0, end - 1).split("\n"), stream);
      rest = text.slice(end);
      let partial = "";
      while (rest.length >= LINE_BYTES_MAX) {
        partial += entry(rest.slice(0, LINE_BYTES_MAX), stream, "P");
        rest = rest.slice(LINE_BYTES_MAX);
      }
      if (whole !== "" || partial !== "") await this.#write(whole + partial);
    }
    // Whoever reads it is to see that no newline came. Source: containerd's redirectLogs.
    if (rest !== "") await this.#write(entry(rest, stream, "P"));
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  #write(text: string): Promise<void> {
    const next = this.#last.catch(() => {}).then(() => this.#append(Buffer.from(text, "latin1")));
    this.#last = next;
    return next;
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#file !== undefined && this.#size + bytes.length > this.#limits.fileBytes) await this.#putAside();
    if (this.#file === undefined) {
      this.#file = await open(this.#path, "a", 0o600);
      this.#size = (await this.#file.stat()).size;
    }
    await this.#file.write(bytes);
    this.#size += bytes.length;
    await this.#pace(bytes.length);
  }

  async #pace(bytes: number): Promise<void> {
    const now_ms = performance.now();
    if (now_ms - this.#second_ms >= 1_000) {
      this.#second_ms = now_ms;
      this.#inSecond = 0;
    }
    this.#inSecond += bytes;
    if (this.#inSecond >= this.#limits.bytesPerSecond) await delay(this.#second_ms + 1_000 - now_ms);
  }

  async #putAside(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rename(this.#path, `${this.#path}.${new Date().toISOString().replace(/[-:]/g, "")}`);
    const aside = (await readdir(dirname(this.#path))).filter((name) => name.startsWith(`${basename(this.#path)}.`)).sort();
    for (const name of aside.slice(0, Math.max(0, aside.length - (this.#limits.files - 1)))) await unlink(join(dirname(this.#path), name));
  }
}

function entries(lines: readonly string[], stream: string): string {
  const prefix = `${timeNow()} ${stream} F `;
  if (lines.every((line) => line.length <= LINE_BYTES_MAX)) return `${prefix}${lines.join(`\n${prefix}`)}\n`;
  let text = "";
  for (const line of lines) {
    let rest = line;
    for (; rest.length > LINE_BYTES_MAX; rest = rest.slice(LINE_BYTES_MAX)) text += entry(rest.slice(0, LINE_BYTES_MAX), stream, "P");
    text += `${prefix}${rest}\n`;
  }
  return text;
}

function entry(text: string, stream: string, tag: "F" | "P"): string {
  return `${timeNow()} ${stream} ${tag} ${text}\n`;
}

/** With nanoseconds, as far as they are known. */
function timeNow(): string {
  const now_ms = performance.timeOrigin + performance.now();
  const whole_ms = Math.floor(now_ms);
  const nanos = Math.floor((now_ms - whole_ms) * 1_000_000);
  return `${new Date(whole_ms).toISOString().slice(0, -1)}${String(nanos).padStart(6, "0")}Z`;
}
