import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const START_MS_MAX = 20_000;
const POLL_MS = 50;

/** Why there is no etcd to compare with; undefined when there is one. */
export const ETCD_MISSING: string | undefined =
  process.env.ETCD_SERVER === undefined
    ? "there is no etcd-server to compare with: npm test and npm run bench fetch one where apt is; or set ETCD_SERVER to its path"
    : undefined;

/** An etcd of one member in a directory of its own, with fsync as etcd always does it. */
export class EtcdServer {
  readonly url: string;
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(url: string, version: string, child: ChildProcess, directory: string) {
    this.url = url;
    this.version = version;
    this.#child = child;
    this.#directory = directory;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts $ETCD_SERVER; rejects when it does not answer in time. */
  static async start(): Promise<EtcdServer> {
    const binary = process.env.ETCD_SERVER ?? "etcd";
    const version = /etcd Version: (\S+)/.exec(execFileSync(binary, ["--version"], { encoding: "utf8" }))?.[1] ?? "of an unknown version";
    const directory = mkdtempSync(join(tmpdir(), "troupe-etcd-"));
    const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`) as [string, string];
    const flags = {
      name: "one",
      "data-dir": join(directory, "data"),
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `one=${peer}`,
      // The default of 2 GiB is less than a benchmark writes.
      "quota-backend-bytes": String(8 * 1024 ** 3),
    };
    const child = spawn(
      binary,
      Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
      { stdio: "ignore" },
    );
    const server = new EtcdServer(client, version, child, directory);
    for (let waited_ms = 0; waited_ms < START_MS_MAX; waited_ms += POLL_MS) {
      const healthy = await fetch(`${client}/health`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (healthy) return server;
      if (child.exitCode !== null) break;
      await delay(POLL_MS);
    }
    await server.remove();
    throw new Error(`etcd did not answer within ${START_MS_MAX} ms`);
  }

  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
