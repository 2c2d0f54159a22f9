import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { connect } from "nats";
import { LOG_CONNECTION_OPTIONS } from "../../../actors/store/jetstream-log.ts";

const STOP_POLL_MS = 5;

/** A nats-server with JetStream in a directory of its own, which can be killed and started again with the same port and data. */
export class NatsServer {
  /** Of a log. */
  readonly copies = 1;
  readonly #directory: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#port = port;
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(mkdtempSync(join(tmpdir(), "troupe-nats-")), await freePort());
    server.start();
    return server;
  }

  /** Another server on a copy of this one's files, not started yet; this one must be stopped. */
  async copy(): Promise<NatsServer> {
    const directory = mkdtempSync(join(tmpdir(), "troupe-nats-"));
    cpSync(join(this.#directory, "data"), join(directory, "data"), { recursive: true });
    return new NatsServer(directory, await freePort());
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** A file of the test's own, beside JetStream's. */
  file(name: string): string {
    return join(this.#directory, name);
  }

  /** Where JetStream keeps this stream: `msgs/` with blocks and index, `meta.inf`, `meta.sum`. */
  streamFiles(stream: string): string {
    return join(this.#directory, "data/jetstream/$G/streams", stream);
  }

  start(): void {
    const config = join(this.#directory, "nats.conf");
    const store = `store_dir: "${join(this.#directory, "data")}"${syncsAlways() ? ", sync_interval: always" : ""}`;
    writeFileSync(config, `host: 127.0.0.1\nport: ${this.#port}\nmax_payload: 8388608\njetstream { ${store} }\n`);
    this.#child = spawn(natsServerBinary(), ["-c", config], { stdio: "ignore" });
    this.#exited = new Promise((resolve) => this.#child?.once("exit", resolve));
  }

  connect(): Promise<NatsConnection> {
    return connect({ ...LOG_CONNECTION_OPTIONS, servers: this.url });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Stands still when this resolves: a thread that runs gets SIGSTOP a moment after it was sent, and may answer until then. */
  async pause(): Promise<void> {
    this.signal("SIGSTOP");
    while (!isStopped(this.#child?.pid ?? 0)) await delay(STOP_POLL_MS);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#exited;
  }

  /** Ends in good order, which writes JetStream's indexes. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    await this.#exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Whether all threads of a process have stopped, by /proc; where there is none, nobody knows, and it has to be believed. */
export function isStopped(pid: number): boolean {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.every((task) => /\) [Tt] /.test(readFileSync(`/proc/${pid}/task/${task}/stat`, "latin1")));
  } catch {
    return true;
  }
}

export function natsServerBinary(): string {
  return process.env.NATS_SERVER ?? "nats-server";
}

/** Whether the server can sync before each acknowledgement: since 2.10. */
export function syncsAlways(): boolean {
  const version = execFileSync(natsServerBinary(), ["--version"], { encoding: "utf8" });
  const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
