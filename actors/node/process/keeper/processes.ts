import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** One process of the machine, as /proc shows it. */
export interface Process {
  readonly pid: number;
  readonly session: number;
  /** When it started, in ticks since the machine did: with the pid it names one process for certain. */
  readonly started: number;
  /** Its mount namespace; undefined where it may not be looked at. */
  readonly mounts: string | undefined;
  readonly cpu_ms: number;
  readonly memory_bytes: number;
}

/** Source: proc(5); the unit of its times, USER_HZ, is 100 on every Linux. */
const MS_PER_TICK = 10;
const PAGE_BYTES = 4_096;

/** All processes that run. Those that end meanwhile are left out. */
export function processes(): readonly Process[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    const process = Number.isInteger(pid) ? processOf(pid) : undefined;
    return process === undefined ? [] : [process];
  });
}

/** Undefined: there is none, or it has ended. */
export function processOf(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name, the second field, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return {
      pid,
      session: Number(fields[3]),
      started: Number(fields[19]),
      mounts: mountsOf(pid),
      cpu_ms: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
      memory_bytes: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}

export function mountsOf(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

/**
 * The mount namespace of a process, by the name that `mountsOf` gives it. The kernel gives the number of one that has ended to the next that is made, which may be
 * that of a stranger; as long as this is held, there is no such next.
 */
export class HeldMounts {
  readonly name: string;
  readonly #file: number;

  private constructor(name: string, file: number) {
    this.name = name;
    this.#file = file;
  }

  /** Undefined: the process has ended, or its mounts are those of this one. */
  static of(pid: number): HeldMounts | undefined {
    let file: number;
    try {
      file = openSync(`/proc/${pid}/ns/mnt`, "r");
    } catch {
      return undefined;
    }
    const name = readlinkSync(`/proc/self/fd/${file}`);
    if (name !== mountsOf("self")) return new HeldMounts(name, file);
    closeSync(file);
    return undefined;
  }

  release(): void {
    closeSync(this.#file);
  }
}
