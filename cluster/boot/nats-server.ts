import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Logger } from "../../runtime/mod.ts";
import type { DataDirectory } from "./data-directory.ts";
import { BootFailure } from "./failure.ts";

/** How hosts reach NATS. */
export interface NatsAddress {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
}

/** Largest message: the store's batches and the kernel's frames stay under it. */
const NATS_PAYLOAD_BYTES = 8 * 1024 * 1024;
const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5_000;
const RESTART_BACKOFF_MS = 200;
const RESTART_BACKOFF_MAX_MS = 5_000;
const POLL_MS = 10;
/** The first version with `sync_interval: always`. */
const FSYNC_SINCE = [2, 10] as const;
const USER = "troupe";

/**
 * The nats-server that a Troupe brings along: a child process on the loopback interface with JetStream in the data directory, credentials
 * of its own, and every write synced to disk before it is acknowledged where the server knows how. When it dies it is started again on the same port, so that
 * clients reconnect by themselves; when this process is killed, it goes too, and what an earlier life left behind is ended first.
 */
export class NatsServer {
  readonly address: NatsAddress;
  readonly version: string;
  /** Whether an acknowledged write is on the disk. */
  readonly syncsAlways: boolean;
  readonly #binary: string;
  readonly #config: string;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #stopping = false;
  #backoff_ms = RESTART_BACKOFF_MS;

  private constructor(binary: string, version: string, config: string, address: NatsAddress, log: Logger) {
    this.#binary = binary;
    this.version = version;
    this.syncsAlways = syncsAlways(version);
    this.#config = config;
    this.address = address;
    this.#log = log;
  }

  /** Starts the server and resolves when it listens. Throws BootFailure. */
  static async start(data: DataDirectory, binary: string, log: Logger): Promise<NatsServer> {
    const version = versionOf(binary);
    mkdirSync(data.file("nats"), { recursive: true, mode: 0o700 });
    await endLeftover(data);
    const port = await freePort();
    const pass = randomBytes(24).toString("base64url");
    data.write("nats/nats.conf", configuration(data, port, pass, syncsAlways(version)));
    const address = { servers: [`nats://127.0.0.1:${port}`], user: USER, pass };
    const server = new NatsServer(binary, version, data.file("nats/nats.conf"), address, log);
    server.#spawn();
    await server.#listening(data, port);
    return server;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(force);
  }

  #spawn(): void {
    // setpriv makes the kernel end the server when this process is killed; elsewhere `endLeftover` does at the next start.
    const guarded = process.platform === "linux" && existsSync("/usr/bin/setpriv");
    const [command, args] = guarded
      ? ["/usr/bin/setpriv", ["--pdeathsig", "KILL", this.#binary, "-c", this.#config]]
      : [this.#binary, ["-c", this.#config]];
    // A process group of its own: an interrupt from the terminal is ours to pass on, after the hosts have drained.
    const child = spawn(command as string, args as string[], { stdio: "ignore", detached: true });
    const started_ms = performance.now();
    child.once("error", (error) => this.#log.error({ error: String(error), binary: this.#binary }, "nats-server could not be started"));
    child.once("exit", (code, signal) => {
      if (this.#stopping) return;
      if (performance.now() - started_ms > RESTART_BACKOFF_MAX_MS) this.#backoff_ms = RESTART_BACKOFF_MS;
      this.#log.warn({ code, signal, restart_ms: this.#backoff_ms }, "nats-server ended; starting it again");
      setTimeout(() => !this.#stopping && this.#spawn(), this.#backoff_ms);
      this.#backoff_ms = Math.min(this.#backoff_ms * 2, RESTART_BACKOFF_MAX_MS);
    });
    this.#child = child;
  }

  async #listening(data: DataDirectory, port: number): Promise<void> {
    const deadline = performance.now() + START_DEADLINE_MS;
    while (performance.now() < deadline) {
      if (await accepts(port)) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await this.stop();
    throw new BootFailure(`${this.#binary} did not start within ${START_DEADLINE_MS / 1000} s; its log is ${data.file("nats/nats.log")}`);
  }
}

function configuration(data: DataDirectory, port: number, pass: string, sync: boolean): string {
  return `# Written at every start; changes are lost.
host: 127.0.0.1
port: ${port}
pid_file: ${JSON.stringify(data.file("nats/nats.pid"))}
log_file: ${JSON.stringify(data.file("nats/nats.log"))}
log_size_limit: 10485760
max_payload: ${NATS_PAYLOAD_BYTES}
max_pending: 268435456
write_deadline: "30s"
authorization { user: ${USER}, password: ${JSON.stringify(pass)} }
jetstream {
  store_dir: ${JSON.stringify(data.file("nats/jetstream"))}
${sync ? "  sync_interval: always\n" : ""}}
`;
}

function versionOf(binary: string): string {
  try {
    const printed = execFileSync(binary, ["--version"], { encoding: "utf8" });
    return /v?(\d+\.\d+\.\d+)/.exec(printed)?.[1] ?? "0.0.0";
  } catch (error) {
    throw new BootFailure(
      `cannot run nats-server (${binary}: ${(error as NodeJS.ErrnoException).code ?? "failed"}); install nats-server 2.10 or newer, or name one with NATS_SERVER=/path/to/nats-server`,
    );
  }
}

function syncsAlways(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > FSYNC_SINCE[0] || (major === FSYNC_SINCE[0] && minor >= FSYNC_SINCE[1]);
}

/** Ends a nats-server that an earlier life on this data directory left behind, and waits until it is gone. */
async function endLeftover(data: DataDirectory): Promise<void> {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(data.file("nats/nats.pid"), "utf8"), 10);
  } catch {
    return;
  }
  if (!(pid > 1) || !commandLineOf(pid).includes(data.file("nats/nats.conf"))) return;
  process.kill(pid, "SIGTERM");
  const deadline = performance.now() + STOP_DEADLINE_MS;
  while (commandLineOf(pid).includes(data.file("nats/nats.conf"))) {
    if (performance.now() > deadline) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // No /proc: ask ps, as on macOS.
  }
  try {
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
