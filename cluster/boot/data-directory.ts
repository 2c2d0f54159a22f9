import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { BootFailure } from "./failure.ts";

/**
 * The directory that holds a cluster: `lock` (who runs it), `pki/`, `nats/` (JetStream's files and configuration), `kubeconfig` and
 * `status.json`. One process at a time owns it.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: string;

  private constructor(path: string) {
    this.path = path;
    this.#lock = join(path, "lock");
  }

  /** Makes the directory if need be and takes its lock. Throws BootFailure when it cannot be written or somebody else runs it. */
  static open(path: string): DataDirectory {
    const directory = new DataDirectory(resolve(path));
    try {
      mkdirSync(directory.path, { recursive: true, mode: 0o700 });
      chmodSync(directory.path, 0o700);
      directory.#takeLock();
    } catch (error) {
      if (error instanceof BootFailure) throw error;
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new BootFailure(
        `cannot write the data directory ${directory.path} (${reason}); choose another with --data DIR or mend its permissions`,
      );
    }
    return directory;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file by atomic rename, synced before. */
  write(name: string, content: string, mode = 0o600): void {
    const path = this.file(name);
    const draft = `${path}.${process.pid}`;
    const handle = openSync(draft, "w", mode);
    try {
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, path);
  }

  remove(name: string): void {
    rmSync(this.file(name), { force: true });
  }

  close(): void {
    this.remove("lock");
  }

  #takeLock(): void {
    const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
    for (;;) {
      try {
        writeFileSync(this.#lock, mine, { flag: "wx", mode: 0o600 });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readHolder(this.#lock);
      if (holder !== undefined && isRunning(holder)) {
        throw new BootFailure(
          `the data directory ${this.path} is in use by a Troupe with pid ${holder.pid}; stop that one (kill ${holder.pid}) or choose another with --data DIR`,
        );
      }
      this.#clearStale(holder);
    }
  }

  /** Takes a dead holder's lock away; puts it back when another start has replaced it in the meantime. */
  #clearStale(holder: Holder | undefined): void {
    const aside = `${this.#lock}.${process.pid}`;
    try {
      renameSync(this.#lock, aside);
    } catch {
      return;
    }
    const moved = readHolder(aside);
    if (moved?.pid === holder?.pid && moved?.started === holder?.started) rmSync(aside, { force: true });
    else renameSync(aside, this.#lock);
  }
}

interface Holder {
  readonly pid: number;
  /** What `startOf` said of it; tells a live holder from a process that was given its pid later. */
  readonly started: string | undefined;
}

function readHolder(lock: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(lock, "utf8")) as Partial<Holder>;
    return typeof pid === "number" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process that wrote this still runs. */
export function isRunning(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return holder.pid !== process.pid && (holder.started === undefined || holder.started === startOf(holder.pid));
}

/** When a process started, in clock ticks since boot; undefined where /proc is not. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold spaces and parentheses; the fields after the last one are numbers. Start time is field 22.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
