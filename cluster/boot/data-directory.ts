import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BootFailure } from "./failure.ts";
import { RESTORING_FILE } from "./layout.ts";

/** A holder that was told to stop a moment ago may not have said so yet, and its launcher takes a moment to notice that npm is gone. */
const HOLDER_PATIENCE_MS = 1_500;
/** A holder that drains is gone after this. */
const DRAIN_PATIENCE_MS = 12_000;
const POLL_MS = 20;

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

  /**
   * Makes the directory if need be and takes its lock; waits for a holder that is about to end. Throws BootFailure when it cannot be written
   * or somebody else runs it.
   */
  static async open(path: string): Promise<DataDirectory> {
    const directory = new DataDirectory(resolve(path));
    try {
      mkdirSync(directory.path, { recursive: true, mode: 0o700 });
      chmodSync(directory.path, 0o700);
      await directory.#takeLock();
    } catch (error) {
      if (error instanceof BootFailure) throw error;
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new BootFailure(
        `cannot write the data directory ${directory.path} (${reason}); choose another with --data DIR or mend its permissions`,
      );
    }
    return directory;
  }

  /** The process that runs the cluster on this directory, if one does. */
  static holder(path: string): number | undefined {
    const lock = join(resolve(path), "lock");
    const holder = readHolder(lock);
    return holder !== undefined && holds(holder, lock) ? holder.pid : undefined;
  }

  /** Throws BootFailure when a restore into this directory was cut short. */
  refuseHalf(): void {
    if (!existsSync(this.file(RESTORING_FILE))) return;
    throw new BootFailure(`a restore into ${this.path} was cut short, so there is half a cluster in it; remove it and restore again`);
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

  /** Tells those who wait for this directory that it will be free soon. */
  draining(): void {
    this.write("lock", JSON.stringify({ ...self(), ...placeOf(this.#lock), draining: true }));
  }

  close(): void {
    this.remove("lock");
  }

  async #takeLock(): Promise<void> {
    const since_ms = performance.now();
    while (!this.#linkLock()) {
      const holder = readHolder(this.#lock);
      if (holder !== undefined && holds(holder, this.#lock)) {
        if (performance.now() - since_ms < (holder.draining === true ? DRAIN_PATIENCE_MS : HOLDER_PATIENCE_MS)) {
          await delay(POLL_MS);
          continue;
        }
        throw new BootFailure(
          `the data directory ${this.path} is in use by a Troupe with pid ${holder.pid}; stop that one (kill ${holder.pid}) or choose another with --data DIR`,
        );
      }
      this.#clearStale(holder);
    }
  }

  /** A link either makes the lock, with its whole content, or fails because there is one. */
  #linkLock(): boolean {
    const draft = `${this.#lock}.draft-${process.pid}`;
    try {
      writeFileSync(draft, JSON.stringify({ ...self(), ...placeOf(this.#lock) }), { mode: 0o600 });
      linkSync(draft, this.#lock);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return false;
    } finally {
      rmSync(draft, { force: true });
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
  readonly draining?: boolean;
  /** The directory's number in its file system: in a copy of it the lock is nobody's. */
  readonly inode?: number;
}

function self(): Holder {
  return { pid: process.pid, started: startOf(process.pid) };
}

function readHolder(lock: string): Holder | undefined {
  try {
    const { pid, started, draining, inode } = JSON.parse(readFileSync(lock, "utf8")) as Partial<Holder>;
    if (typeof pid !== "number") return undefined;
    return { pid, started, draining: draining === true, ...(typeof inode === "number" ? { inode } : {}) };
  } catch {
    return undefined;
  }
}

function placeOf(lock: string): Pick<Holder, "inode"> {
  return { inode: statSync(dirname(lock)).ino };
}

/** Whether who wrote this lock still runs, on this directory and not on one that it was copied from. */
function holds(holder: Holder, lock: string): boolean {
  return isRunning(holder) && (holder.inode === undefined || holder.inode === placeOf(lock).inode);
}

/** Whether the process that wrote this still runs. */
export function isRunning(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return holder.pid !== process.pid && !isZombie(holder.pid) && (holder.started === undefined || holder.started === startOf(holder.pid));
}

/** When a process started, in clock ticks since boot; undefined where /proc is not. */
function startOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** Whether a process has ended and only its parent has not taken note yet. */
function isZombie(pid: number): boolean {
  return statOf(pid)?.[0] === "Z";
}

/** The fields of /proc/<pid>/stat from the third (the state) on; the second, the command's name, may hold spaces and parentheses. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
