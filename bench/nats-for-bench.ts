import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A nats-server ($NATS_SERVER or PATH) with JetStream in a directory of its own, synced before each acknowledgement where it knows how. */
export class NatsForBench {
  readonly version: string;
  readonly syncs: boolean;
  readonly directory: string;
  readonly #binary: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.#binary = process.env.NATS_SERVER ?? "nats-server";
    this.version = execFileSync(this.#binary, ["--version"], { encoding: "utf8" }).trim();
    const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(this.version) ?? [];
    this.syncs = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
    this.directory = mkdtempSync(join(tmpdir(), "troupe-bench-"));
    this.#port = port;
  }

  static async start(): Promise<NatsForBench> {
    const server = new NatsForBench(await freePort());
    server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  start(): void {
    const config = join(this.directory, "nats.conf");
    const always = this.syncs ? ", sync_interval: always" : "";
    const store = `jetstream { store_dir: "${this.directory}/data"${always} }`;
    writeFileSync(config, `host: 127.0.0.1\nport: ${this.#port}\nmax_payload: 8388608\nmax_pending: 268435456\n${store}\n`);
    this.#child = spawn(this.#binary, ["-c", config], { stdio: "ignore" });
  }

  /** Processor time that it has used, in microseconds; 0 where /proc does not tell. */
  cpu_us(): number {
    try {
      const fields = readFileSync(`/proc/${this.#child?.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) * 10_000;
    } catch {
      return 0;
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
