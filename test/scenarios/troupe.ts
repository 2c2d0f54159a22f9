import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { Kubectl } from "./kubectl.ts";
import { LAUNCHER, Launch, type LaunchOptions, type Outcome } from "./launch.ts";
import type { ProcessSeen } from "./processes.ts";
import { type Ended, runProgram } from "./run-program.ts";

const READY_LINE = /^ready in (?<took_ms>\d+) ms {2}api=(?<api>https:\/\/\S+) {2}kubeconfig=(?<kubeconfig>\S+) {2}console=(?<console>\S+)/;

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

/** Where the nats-server of a cluster keeps its streams. */
export function streamsOf(data: string): string {
  const accounts = join(data, "nats/jetstream/jetstream");
  const account = readdirSync(accounts).find((name) => existsSync(join(accounts, name, "streams/troupe-log")));
  return join(accounts, account ?? "none", "streams");
}

const DISCARD_TRIES = 20;

/**
 * Removes what a scenario left in the file system. Servers that were killed a moment ago may still write there, or remove what is looked into, upon which Node's
 * rmSync ends the whole process.
 */
export function discard(data: string): void {
  const directory = join(data, "..");
  for (let tries = 1; ; tries++) {
    const { status, stderr } = spawnSync("rm", ["-rf", directory], { encoding: "utf8" });
    if (status === 0) return;
    if (tries === DISCARD_TRIES) throw new Error(`${directory} could not be removed: ${stderr}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

/** Runs the launcher to its end: for starts that are to fail. */
export function runTroupe(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return runProgram(process.execPath, [LAUNCHER, ...args], { ...process.env, ...env });
}

/** A cluster as a user starts it, and that is ready: the launcher, the program, nats-server, all real. */
export class Troupe {
  readonly data: string;
  readonly readyLine: string;
  readonly api: string;
  readonly kubeconfig: string;
  readonly console: string;
  readonly kubectl: Kubectl;
  readonly launch: Launch;

  private constructor(launch: Launch, readyLine: string) {
    const fields = READY_LINE.exec(readyLine)?.groups;
    if (fields === undefined) throw new Error(`not a ready line: ${readyLine}`);
    this.launch = launch;
    this.data = launch.data;
    this.readyLine = readyLine;
    this.api = fields.api ?? "";
    this.kubeconfig = fields.kubeconfig ?? "";
    this.console = fields.console ?? "";
    this.kubectl = new Kubectl(this.kubeconfig, this.home("kubectl"));
  }

  /** Starts a cluster on `data` and resolves when it says that it is ready. Rejects with what it printed when it ends before. */
  static up(data: string, flags: readonly string[] = ["--nodes", "5"], options?: LaunchOptions): Promise<Troupe> {
    return Troupe.of(new Launch(data, flags, options));
  }

  /** Resolves when a start that is under way is through. */
  static async of(launch: Launch): Promise<Troupe> {
    return new Troupe(launch, await launch.readyLine());
  }

  /** A home directory for one client, so that nothing that it remembers comes from another. */
  home(client: string): string {
    const home = join(this.data, "../homes", client);
    mkdirSync(home, { recursive: true });
    return home;
  }

  status(): Status {
    return JSON.parse(readFileSync(join(this.data, "status.json"), "utf8")) as Status;
  }

  /** Processes of this cluster: the launcher, the program, nats-server. */
  processes(): readonly ProcessSeen[] {
    return this.launch.processes();
  }

  /** Resolves when the launcher has ended. */
  get ended(): Promise<Outcome> {
    return this.launch.ended;
  }

  get launcherPid(): number {
    return this.launch.pid;
  }

  /** Stops the cluster as a user does and holds it to its promise: exit 0, in time, nothing left. */
  async stop(...signals: readonly NodeJS.Signals[]): Promise<void> {
    if (this.launch.outcome !== undefined) return;
    const asked_ms = performance.now();
    for (const signal of signals.length === 0 ? (["SIGTERM"] as const) : signals) this.launch.child.kill(signal);
    const { code, signal } = await this.ended;
    const took_ms = performance.now() - asked_ms;
    expect({ code, signal }, `exit after SIGTERM; it printed:\n${this.launch.stderr}`).toEqual({ code: 0, signal: null });
    expect(took_ms, "milliseconds from SIGTERM to exit").toBeLessThan(DRAIN_MS_MAX);
    expect(existsSync(join(this.data, "status.json")), "status.json is there").toBe(false);
    await this.nothingLeft();
  }

  /** Kills the program the hard way, as a power cut would, and waits until the launcher has ended too. */
  async kill9(): Promise<void> {
    process.kill(this.status().pid, "SIGKILL");
    await this.ended;
  }

  /** Asserts that no process of this cluster is left. */
  async nothingLeft(): Promise<void> {
    await until("the end of the last process", () => this.processes().length === 0, AFTERMATH_MS).catch(() => {});
    expect(this.processes()).toEqual([]);
  }

  /** For `afterAll`: whatever became of the scenario, leaves nothing on the machine. */
  async discard(): Promise<void> {
    this.launch.child.kill("SIGTERM");
    const gone = await until("the end", () => this.processes().length === 0, DRAIN_MS_MAX).catch(() => false);
    if (!gone) this.launch.killAll();
    discard(this.data);
  }
}
