import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { oomKills, processesIn, removeGroup } from "../../cgroups/control-group.ts";
import type { ContainerObserved } from "../../container-runtime.ts";
import { LogWriter } from "../../logs/log-writer.ts";
import { terminationMessage } from "../../logs/termination-message.ts";
import { CHANNEL } from "../../streaming/frames.ts";
import type { StreamsWanted } from "../../streaming/stream-door.ts";
import { Attached } from "./attached.ts";
import { outputsIn } from "./outputs.ts";
import { HeldMounts, mountsOf, type Process, processes, processOf } from "./processes.ts";
import type { KeptSpec } from "./protocol.ts";
import { inTerminal, linesOf, Terminal } from "./terminal.ts";

/** What the keeper could not do for a container. */
export class KeeperFailure extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Exit code of a container whose command could not be run, and of one whose keeper died. Source: containerd. */
const CANNOT_RUN = 128;
const LOST = 255;
/** How long what the container has left running may hold its output. */
const OUTPUT_PATIENCE_MS = 500;
const KILL_ROUNDS = 50;
const KILL_ROUND_MS = 10;
const SIGNAL_BASE = 128;
const SPEC_FILE = "container.json";

/**
 * One container: a process in a session of its own and whatever it has started, known by its control group, its mount namespace, or its session, whichever it
 * has. What becomes of it is written down before it is told.
 */
export class KeptContainer {
  readonly spec: KeptSpec;
  #observed: ContainerObserved;
  #child: ChildProcess | undefined;
  #outputs: readonly Readable[] = [];
  #terminal: Terminal | undefined;
  readonly #attached = new Attached();
  #mounts: HeldMounts | undefined;
  /** It has been seen that nothing runs of it any more. */
  #isOver = false;
  /** The process of its own command, where that is not the one that was launched. */
  #own: number | undefined;
  /** Resolves when it is known whether it could be started. */
  readonly #begun = Promise.withResolvers<void>();
  /** Resolves when it has exited and that is written down. */
  readonly #exited = Promise.withResolvers<void>();
  readonly #changed: () => void;
  #kill: NodeJS.Timeout | undefined;
  #killAt_ms = Number.POSITIVE_INFINITY;

  private constructor(spec: KeptSpec, changed: () => void) {
    this.spec = spec;
    this.#observed = spec.observed;
    this.#changed = changed;
  }

  static create(spec: KeptSpec, changed: () => void): KeptContainer {
    mkdirSync(spec.directory, { recursive: true, mode: 0o700 });
    mkdirSync(dirname(spec.observed.logPath), { recursive: true, mode: 0o700 });
    const container = new KeptContainer(spec, changed);
    container.#save();
    return container;
  }

  /** Of a directory that a keeper before has left; what ran then ran with it. Undefined: there is none in it. */
  static found(directory: string, changed: () => void): KeptContainer | undefined {
    let spec: Saved;
    try {
      spec = JSON.parse(readFileSync(join(directory, SPEC_FILE), "utf8")) as Saved;
    } catch {
      return undefined;
    }
    const container = new KeptContainer(spec, changed);
    if (spec.observed.state === "running") {
      // Nobody hears it any more, and another run is to take its place.
      if (spec.main !== undefined) killOrphans(spec.main);
      container.#killGroup();
      container.#exit(LOST, "ContainerStatusUnknown", "the keeper of its process has ended, so how it went on is not known");
    }
    return container;
  }

  get observed(): ContainerObserved {
    return this.#observed;
  }

  /** Of its own command; 0 when it does not run. */
  get pid(): number {
    return this.#observed.state === "running" ? (this.#mainPid ?? 0) : 0;
  }

  get #mainPid(): number | undefined {
    return this.#own ?? this.#terminal?.pid ?? this.#child?.pid;
  }

  /** Throws KeeperFailure, and then it has exited. */
  async start(): Promise<void> {
    if (this.#observed.state !== "created") return;
    const { stdin, tty, terminal } = this.spec;
    const launch = tty ? inTerminal(terminal, this.spec.launch, undefined, true) : this.spec.launch;
    if (launch === undefined) throw this.#refused("a terminal takes the programs script, stty and tty, which this machine does not have");
    const [stdout, stderr, said] = await outputsIn(this.spec.directory);
    const child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: { ...launch.env },
      detached: true,
      // The input of a terminal does not end where nobody types.
      stdio: [stdin || tty ? "pipe" : "ignore", stdout.end, stderr.end, said.end],
    });
    for (const { end } of [stdout, stderr, said]) closeSync(end);
    this.#child = child;
    this.#outputs = [stdout.source, stderr.source];
    child.stdin?.on("error", () => {});
    const spawned = new Promise<string>((resolve) => {
      child.once("spawn", () => resolve(""));
      child.once("error", (error) => resolve(error.message));
    });
    const log = new LogWriter(this.#observed.logPath);
    const written = Promise.all([this.#pumped(log, stdout.source, "stdout"), this.#pumped(log, stderr.source, "stderr")]);
    child.once("exit", (code, signal) => this.#ended(code ?? SIGNAL_BASE + constants.signals[signal ?? "SIGKILL"], log, written));
    const refused = await spawned;
    const trouble = refused === "" ? await this.#trouble(linesOf(said.source)) : refused;
    if (trouble !== "") throw this.#refused(trouble);
    this.#mounts = HeldMounts.of(this.#mainPid ?? 0);
    this.#become({ ...this.#observed, state: "running", startedAt_ms: Date.now() });
    this.#begun.resolve();
  }

  /** What it says before its own command begins; empty: that has begun. */
  async #trouble(lines: AsyncGenerator<string, undefined>): Promise<string> {
    const { tty, terminal, errorLog } = this.spec;
    const { value: line } = tty ? await lines.next() : {};
    if (line !== undefined) this.#terminal = new Terminal(terminal, line);
    const said: string[] = [];
    for await (const each of lines) {
      if (each === "") return "";
      if (each.startsWith("{")) this.#own = (JSON.parse(each) as { readonly pid: number }).pid;
      else said.push(each);
    }
    if (said.length === 0 && errorLog !== undefined) said.push(errorIn(errorLog));
    return said.join("\n").trim();
  }

  #refused(trouble: string): KeeperFailure {
    this.#exit(CANNOT_RUN, "ContainerCannotRun", trouble);
    this.#begun.resolve();
    return new KeeperFailure("RunContainerError", trouble);
  }

  /** The connection gets its streams from now on, and how it ends. */
  attach(socket: Socket, wanted: StreamsWanted): void {
    const { stdin, stdinOnce, tty } = this.spec;
    const input = stdin ? (this.#child?.stdin ?? null) : null;
    // As containerd has it: who leaves a terminal may come back.
    void this.#attached.add(socket, wanted, { input, terminal: this.#terminal, isOnce: stdinOnce && !tty });
  }

  async stop(grace_ms: number): Promise<void> {
    if (this.#observed.state === "created") this.#exit(CANNOT_RUN, "ContainerCannotRun", "it was stopped before it was started");
    if (this.#observed.state === "exited") return;
    const now_ms = performance.now();
    if (this.#killAt_ms === Number.POSITIVE_INFINITY) this.#signal(this.spec.stopSignal);
    if (now_ms + grace_ms < this.#killAt_ms) {
      this.#killAt_ms = now_ms + grace_ms;
      clearTimeout(this.#kill);
      this.#kill = setTimeout(() => this.killAll(), grace_ms);
    }
    await this.#exited.promise;
  }

  /** Ends it and all that it has started, now. */
  killAll(): void {
    this.#signal("SIGKILL");
    for (const pid of this.processes()) killed(pid);
  }

  #killGroup(): void {
    const { cgroup } = this.spec;
    if (cgroup === undefined) return;
    for (const pid of processesIn(cgroup)) killed(pid);
    removeGroup(cgroup);
  }

  /** All that runs of it. Once nothing does, what had its numbers may be others'. */
  processes(all: readonly Process[] = processes()): readonly number[] {
    if (this.#isOver) return [];
    const leaders = [this.#child?.pid, this.#terminal?.pid];
    if (leaders[0] === undefined) return [];
    const grouped = new Set(this.spec.cgroup === undefined ? [] : processesIn(this.spec.cgroup));
    return all
      .filter(
        ({ pid, session, mounts }) =>
          leaders.includes(session) || grouped.has(pid) || (this.#mounts !== undefined && mounts === this.#mounts.name),
      )
      .map(({ pid }) => pid);
  }

  resized(resources: ContainerObserved["resources"]): void {
    this.#become({ ...this.#observed, resources });
  }

  async remove(): Promise<void> {
    this.#killGroup();
    // Not rmSync: when somebody else removes a directory that it looks into, Node ends the whole process, and this one keeps all others'.
    await rm(this.spec.directory, { recursive: true, force: true });
    const { logPath } = this.#observed;
    const log = basename(logPath);
    const logs = (await readdir(dirname(logPath))).filter((name) => name === log || name.startsWith(`${log}.`));
    await Promise.all(logs.map((name) => rm(join(dirname(logPath), name), { force: true })));
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#mainPid;
    if (pid !== undefined && this.#child?.exitCode === null && this.#child.signalCode === null) killed(pid, signal);
  }

  /** Its own command has ended: with it goes all that it has left. */
  async #ended(exitCode: number, log: LogWriter, written: Promise<unknown>): Promise<void> {
    await this.#begun.promise;
    clearTimeout(this.#kill);
    for (let round = 0; round < KILL_ROUNDS; round++) {
      const left = this.processes();
      if (left.length === 0) break;
      for (const pid of left) killed(pid);
      await delay(KILL_ROUND_MS);
    }
    this.#isOver = true;
    this.#mounts?.release();
    await Promise.race([written, delay(OUTPUT_PATIENCE_MS)]);
    for (const output of this.#outputs) output.destroy();
    await log.close();
    this.#attached.end({ exitCode });
    const reason = this.#reason(exitCode);
    await this.#cleanUp();
    if (this.#observed.state === "running") this.#exit(exitCode, reason, await this.#message(exitCode));
  }

  /** Source: containerd, for which what the kernel has killed once for want of memory has ended so. */
  #reason(exitCode: number): string {
    const { cgroup } = this.spec;
    if (cgroup !== undefined && exitCode !== 0 && oomKills(cgroup) > 0) return "OOMKilled";
    return exitCode === 0 ? "Completed" : "Error";
  }

  async #cleanUp(): Promise<void> {
    const { cgroup, cleanUp } = this.spec;
    if (cleanUp !== undefined) {
      const { file, args, env, cwd } = cleanUp;
      await promisify(execFile)(file, args, { env: { ...env }, cwd }).catch(() => {});
    }
    if (cgroup !== undefined) removeGroup(cgroup);
  }

  async #pumped(log: LogWriter, source: Readable, stream: "stdout" | "stderr"): Promise<void> {
    try {
      await log.pump(this.#attached.shown(source, CHANNEL[stream]), stream);
    } catch {
      // Nobody can write it down any more; the container is not to wait for that.
      source.resume();
    }
  }

  #message(exitCode: number): Promise<string> {
    const { terminationFile, fallsBackToLog } = this.spec;
    return terminationMessage(terminationFile, this.#observed.logPath, exitCode, fallsBackToLog);
  }

  #exit(exitCode: number, reason: string, message: string): void {
    this.#become({ ...this.#observed, state: "exited", finishedAt_ms: Date.now(), exitCode, reason, message });
    this.#exited.resolve();
  }

  #become(observed: ContainerObserved): void {
    this.#observed = observed;
    this.#save();
    this.#changed();
  }

  #save(): void {
    try {
      const path = join(this.spec.directory, SPEC_FILE);
      const main = this.pid === 0 ? undefined : processOf(this.pid);
      const saved: Saved = { ...this.spec, observed: this.#observed, ...(main === undefined ? {} : { main }) };
      writeFileSync(`${path}.draft`, JSON.stringify(saved), { mode: 0o600 });
      renameSync(`${path}.draft`, path);
    } catch {
      // The directory has been removed, or the disk is full: it is known as long as the keeper lives.
    }
  }
}

/** Of the last line of a log of an OCI runtime, in JSON. */
function errorIn(log: string): string {
  try {
    const last = readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "";
    return (JSON.parse(last) as { readonly msg: string }).msg;
  } catch {
    return "it did not begin, and nobody has said why";
  }
}

/** What is written down of a container. */
interface Saved extends KeptSpec {
  /** The process of its own command, while it runs. */
  readonly main?: Process;
}

/** Ends a container whose keeper has died, if it is still there. */
function killOrphans(main: Process): void {
  if (processOf(main.pid)?.started !== main.started) return;
  const isOwn = ({ session, mounts }: Process): boolean =>
    session === main.session || (mounts !== undefined && mounts === main.mounts && mounts !== mountsOf("self"));
  for (const { pid } of processes().filter(isOwn)) killed(pid);
}

function killed(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
