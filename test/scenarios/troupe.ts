import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Ended, Kubectl } from "./kubectl.ts";
import { type ProcessSeen, processesThatMention } from "./processes.ts";
import { until } from "./until.ts";

const LAUNCHER = join(import.meta.dirname, "../../cluster/troupe.mjs");
const READY_LINE = /^ready in (?<took_ms>\d+) ms {2}api=(?<api>https:\/\/\S+) {2}kubeconfig=(?<kubeconfig>\S+) {2}console=(?<console>\S+)/;

const READY_PATIENCE_MS = 60_000;
/** The command line's promise: SIGTERM to exit. */
const DRAIN_MS_MAX = 10_000;
/** The kernel ends children of a killed process soon, not at once. */
const AFTERMATH_MS = 5_000;

/** What status.json says of a running cluster. */
export interface Status {
  readonly pid: number;
  readonly api: string;
  readonly console: string;
  readonly nats: string;
  readonly kubeconfig: string;
  readonly natsServer?: { readonly pid: number; readonly version: string } | null;
}

/** A directory for a cluster, removed with `discard`; what `up` is given with --data. */
export function freshDataDirectory(): string {
  return join(mkdtempSync(join(tmpdir(), "troupe-scenario-")), "data");
}

/** Removes what a scenario left in the file system. */
export function discard(data: string): void {
  rmSync(join(data, ".."), { recursive: true, force: true });
}

/** Runs the launcher to its end: for starts that are to fail. */
export function runTroupe(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** A cluster as a user starts it: the launcher, the program, nats-server, all real. */
export class Troupe {
  readonly data: string;
  readonly readyLine: string;
  readonly api: string;
  readonly kubeconfig: string;
  readonly console: string;
  readonly kubectl: Kubectl;
  readonly #launcher: ChildProcess;
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #stderr: () => string;

  private constructor(data: string, readyLine: string, launcher: ChildProcess, ended: Troupe["ended"], stderr: () => string) {
    const fields = READY_LINE.exec(readyLine)?.groups;
    if (fields === undefined) throw new Error(`not a ready line: ${readyLine}`);
    this.data = data;
    this.readyLine = readyLine;
    this.api = fields.api ?? "";
    this.kubeconfig = fields.kubeconfig ?? "";
    this.console = fields.console ?? "";
    const home = join(data, "../home");
    mkdirSync(home, { recursive: true });
    this.kubectl = new Kubectl(this.kubeconfig, home);
    this.#launcher = launcher;
    this.#ended = ended;
    this.#stderr = stderr;
  }

  /** Starts a cluster on `data` and resolves when it says that it is ready. Rejects with what it printed when it ends before. */
  static async up(data: string, flags: readonly string[] = ["--nodes", "5"]): Promise<Troupe> {
    const launcher = spawn(process.execPath, [LAUNCHER, "up", "--data", data, "--api-port", "0", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    launcher.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    launcher.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    let outcome: { code: number | null; signal: NodeJS.Signals | null } | undefined;
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      launcher.once("close", (code, signal) => {
        outcome = { code, signal };
        resolve(outcome);
      });
    });
    try {
      const readyLine = await until(
        "the ready line",
        () => {
          if (outcome !== undefined) throw new Error(`troupe up ended with ${outcome.code ?? outcome.signal} before it was ready`);
          return stdout.split("\n").find((line) => line.startsWith("ready in "));
        },
        READY_PATIENCE_MS,
      );
      return new Troupe(data, readyLine, launcher, ended, () => stderr);
    } catch (error) {
      launcher.kill("SIGKILL");
      for (const { pid } of processesThatMention(data)) killIfThere(pid);
      throw new Error(`${(error as Error).message}:\n${stdout}${stderr}`);
    }
  }

  status(): Status {
    return JSON.parse(readFileSync(join(this.data, "status.json"), "utf8")) as Status;
  }

  /** Processes of this cluster: the launcher, the program, nats-server. */
  processes(): readonly ProcessSeen[] {
    return processesThatMention(this.data);
  }

  /** Resolves when the launcher has ended. */
  get ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return this.#ended;
  }

  get launcherPid(): number {
    return this.#launcher.pid ?? 0;
  }

  /** Stops the cluster as a user does and holds it to its promise: exit 0, in time, nothing left. */
  async stop(): Promise<void> {
    if (this.#launcher.exitCode !== null || this.#launcher.signalCode !== null) return;
    const asked_ms = performance.now();
    this.#launcher.kill("SIGTERM");
    const { code, signal } = await this.#ended;
    const took_ms = performance.now() - asked_ms;
    expect({ code, signal }, `exit after SIGTERM; it printed:\n${this.#stderr()}`).toEqual({ code: 0, signal: null });
    expect(took_ms, "milliseconds from SIGTERM to exit").toBeLessThan(DRAIN_MS_MAX);
    await this.nothingLeft();
  }

  /** Kills the program the hard way, as a power cut would, and waits until the launcher has ended too. */
  async kill9(): Promise<void> {
    process.kill(this.status().pid, "SIGKILL");
    await this.#ended;
  }

  /** Asserts that no process of this cluster is left. */
  async nothingLeft(): Promise<void> {
    await until("the end of the last process", () => this.processes().length === 0, AFTERMATH_MS).catch(() => {});
    expect(this.processes()).toEqual([]);
  }

  /** For `afterAll`: whatever became of the scenario, leaves nothing on the machine. */
  async discard(): Promise<void> {
    this.#launcher.kill("SIGTERM");
    const gone = await until("the end", () => this.processes().length === 0, DRAIN_MS_MAX).catch(() => false);
    if (!gone) for (const { pid } of this.processes()) killIfThere(pid);
    discard(this.data);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Ended in between.
  }
}
