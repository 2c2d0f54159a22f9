import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { until } from "../../cluster/chaos/until.ts";
import { type ProcessSeen, processesThatMention } from "./processes.ts";

const ROOT = join(import.meta.dirname, "../..");
export const LAUNCHER: string = join(ROOT, "cluster/troupe.mjs");
const READY_PATIENCE_MS = 150_000;

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LaunchOptions {
  /** Start it as a user does, with `npm start`; else the launcher is started directly, which spares npm's own half second. */
  readonly npm?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** Default `up`. */
  readonly command?: "up" | "init" | "join";
  /** What goes before all that is run. */
  readonly within?: readonly string[];
}

/** A `troupe up` that was started: perhaps ready, perhaps not yet, perhaps never. */
export class Launch {
  readonly data: string;
  readonly child: ChildProcess;
  /** Resolves when the process that was started (npm or the launcher) has ended. */
  readonly ended: Promise<Outcome>;
  #outcome: Outcome | undefined;
  #stdout = "";
  #stderr = "";

  constructor(data: string, flags: readonly string[], { npm = false, env = {}, command = "up", within = [] }: LaunchOptions = {}) {
    this.data = data;
    const args = ["--data", data, ...(command === "join" ? [] : ["--api-port", "0"]), ...flags];
    const [program, ...words] = npm ? ["npm", "start", "--", ...args] : [process.execPath, LAUNCHER, command, ...args];
    const [first = "", ...others] = [...within, program, ...words];
    this.child = spawn(first, others, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.child.stdout?.on("data", (chunk) => {
      this.#stdout += chunk;
    });
    this.child.stderr?.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        this.#outcome = { code, signal };
        resolve(this.#outcome);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Everything that runs on its data directory: npm, the launcher, the program, nats-server. */
  processes(): readonly ProcessSeen[] {
    return processesThatMention(this.data);
  }

  /** The program itself; undefined before the launcher has started it, and after its end. */
  get programPid(): number | undefined {
    return this.processes().find(({ command }) => /cluster\/main\.ts (up|init|join) /.test(command))?.pid;
  }

  get natsServerPids(): readonly number[] {
    return this.processes()
      .filter(({ command }) => /nats-server.* -c /.test(command))
      .map(({ pid }) => pid);
  }

  /** Resolves with the ready line; rejects with what was printed when it ends before, and then leaves nothing running. */
  async readyLine(): Promise<string> {
    try {
      return await until(
        "the ready line",
        () => {
          const line = this.#stdout.split("\n").find((printed) => printed.startsWith("ready in "));
          if (line === undefined && this.#outcome !== undefined)
            throw new Error(`troupe up ended with ${this.#outcome.code ?? this.#outcome.signal} before it was ready`);
          return line;
        },
        READY_PATIENCE_MS,
      );
    } catch (error) {
      this.killAll();
      throw new Error(`${(error as Error).message}:\n${this.#stdout}${this.#stderr}`);
    }
  }

  /** Ends all of it, the hard way. */
  killAll(): void {
    for (const { pid } of this.processes()) killIfThere(pid);
  }
}

export function killIfThere(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // Ended in between.
  }
}
