import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

/** A nats-server of a test's own, on a free port of the loopback interface: `$NATS_SERVER`, or the one on the PATH. */
export class TestNatsServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "troupe-nats-"));
  /** Taken up by the next start. */
  payload_max: number;
  readonly #more: string;
  #child: ChildProcess | undefined;
  #port = -1;

  constructor(payload_max: number, options: { jetStream?: boolean } = {}) {
    this.payload_max = payload_max;
    this.#more = options.jetStream ? `jetstream { store_dir: "${join(this.#folder, "jetstream")}" }\n` : "";
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it; a second start, after `kill`, takes the same port. */
  async start(): Promise<void> {
    const config = join(this.#folder, "nats.conf");
    writeFileSync(
      config,
      `host: "127.0.0.1"\nport: ${this.#port}\nmax_payload: ${this.payload_max}\nports_file_dir: "${this.#folder}"\n${this.#more}`,
    );
    const child = spawn(process.env.NATS_SERVER ?? "nats-server", ["-c", config], { stdio: "ignore" });
    this.#child = child;
    await once(child, "spawn");
    const port = await vi.waitFor(() => {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
      const file = readdirSync(this.#folder).find((name) => name.endsWith(`_${child.pid}.ports`)) ?? "not written yet";
      const ports: { nats: string[] } = JSON.parse(readFileSync(join(this.#folder, file), "utf8"));
      return Number(new URL(ports.nats[0] ?? "").port);
    }, 10_000);
    this.#port = port;
  }

  /** It stands still, with all its connections, until `wake`. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  wake(): void {
    this.#child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
