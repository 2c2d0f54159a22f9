import { readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Writable } from "node:stream";
import type { Logger } from "../../runtime/mod.ts";
import { BootFailure } from "../boot/failure.ts";

/** Where records go; the limits are kube-apiserver's. */
export interface AuditLogSettings {
  /** `-` is standard output. */
  readonly path: string;
  /** Files that another took the place of are kept so many days; 0: for ever. */
  readonly maxAge_days: number;
  /** So many of them are kept; 0: all. */
  readonly maxBackups: number;
  /** A file of so many megabytes gives way to another. */
  readonly maxSize_MB: number;
}

/** What waits for a disk that does not keep up; records beyond are lost, and counted. */
const WAITING_BYTES_MAX: number = 64 * 1024 * 1024;
const OWNER_ONLY = 0o600;
const MS_PER_DAY = 86_400_000;

/** Writes records, one JSON a line. */
export class AuditLog {
  readonly #stream: Writable;
  readonly #log: Logger;
  written = 0;
  lost = 0;

  private constructor(stream: Writable, log: Logger) {
    this.#stream = stream;
    this.#log = log;
  }

  /** Rejects with BootFailure. */
  static async open(settings: AuditLogSettings, log: Logger): Promise<AuditLog> {
    if (settings.path === "-") return new AuditLog(process.stdout, log);
    const stream = await rotating(settings, log).catch((error: NodeJS.ErrnoException) => {
      throw new BootFailure(`cannot write --audit-log-path ${settings.path} (${error.code ?? error.message})`);
    });
    return new AuditLog(stream, log);
  }

  write(record: object): void {
    if (this.#stream.writableLength > WAITING_BYTES_MAX) {
      if (this.lost === 0) this.#log.error({}, "the audit log cannot be written as fast as there is to record; records are lost");
      this.lost += 1;
      return;
    }
    this.#stream.write(`${JSON.stringify(record)}\n`);
    this.written += 1;
  }

  /** Resolves when all that was recorded is in the file. */
  async close(): Promise<void> {
    if (this.#stream === process.stdout) return;
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }
}

async function rotating({ path, maxAge_days, maxBackups, maxSize_MB }: AuditLogSettings, log: Logger): Promise<Writable> {
  const { createStream } = await import("rotating-file-stream");
  const extension = extname(path);
  const stem = basename(path, extension);
  const named = (time: number | Date | null, index = 1): string => {
    if (time === null || typeof time === "number") return basename(path);
    const stamp = time.toISOString().replaceAll(":", "-").slice(0, -1);
    return `${stem}-${stamp}${index > 1 ? `-${index}` : ""}${extension}`;
  };
  const stream = createStream(named, {
    path: dirname(path),
    size: `${maxSize_MB}M`,
    mode: OWNER_ONLY,
    ...(maxBackups > 0 ? { maxFiles: maxBackups } : {}),
  });
  stream.on("rotated", () => removeOld(dirname(path), stem, extension, maxAge_days));
  stream.on("warning", (error) => log.warn({ error: error.message }, "the audit log is not rotated as it should be"));
  await new Promise<void>((resolve, reject) => {
    stream.once("open", () => resolve());
    stream.once("error", reject);
  });
  stream.on("error", (error) => log.error({ error: error.message }, "the audit log cannot be written"));
  return stream;
}

function removeOld(directory: string, stem: string, extension: string, maxAge_days: number): void {
  if (maxAge_days === 0) return;
  for (const name of readdirSync(directory)) {
    const file = join(directory, name);
    if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) continue;
    if (Date.now() - statSync(file).mtimeMs > maxAge_days * MS_PER_DAY) rmSync(file, { force: true });
  }
}
