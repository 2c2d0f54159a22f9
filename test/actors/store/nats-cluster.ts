import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager, NatsConnection, StreamInfo } from "nats";
import { connect } from "nats";
import { LOG_CONNECTION_OPTIONS } from "../../../actors/store/jetstream-log.ts";
import { freePort, isStopped, natsServerBinary, syncsAlways } from "./nats-server.ts";

const SERVERS = 3;
const POLL_MS = 50;
const PATIENCE_MS = 100_000;
const STARTS_MAX = 3;
/** Copies of the tests' size are up to date a second or two after their server is back. */
const STUCK_MS = 30_000;
/** A stream that is made and deleted again. */
const PROBE = "probe";

interface Server {
  readonly name: string;
  readonly port: number;
  readonly config: string;
  child: ChildProcess | undefined;
  exited: Promise<unknown>;
}

/** Three nats-servers on loopback that are a JetStream cluster; each can be killed, stopped and started again with the same ports and data. */
export class NatsCluster {
  /** Of a log. */
  readonly copies: number = SERVERS;
  readonly #directory: string;
  readonly #servers: readonly Server[];

  private constructor(directory: string, servers: readonly Server[]) {
    this.#directory = directory;
    this.#servers = servers;
  }

  /** Starts the servers and resolves when JetStream has a place on each of them. A port that was free may be somebody's by then: all begin anew with others. */
  static async start(): Promise<NatsCluster> {
    for (let starts = 1; ; starts++) {
      const cluster = await NatsCluster.#begun();
      try {
        await cluster.ready(STUCK_MS);
        return cluster;
      } catch (error) {
        await cluster.remove();
        if (starts === STARTS_MAX) throw error;
      }
    }
  }

  static async #begun(): Promise<NatsCluster> {
    const directory = mkdtempSync(join(tmpdir(), "troupe-cluster-"));
    const ports = await Promise.all(Array.from({ length: SERVERS * 2 }, freePort));
    const routes = ports.slice(SERVERS).map((port) => `nats://127.0.0.1:${port}`);
    const servers = Array.from({ length: SERVERS }, (_, i): Server => {
      const name = `server-${i + 1}`;
      const config = join(directory, `${name}.conf`);
      const store = `store_dir: "${join(directory, name)}"${syncsAlways() ? ", sync_interval: always" : ""}`;
      writeFileSync(
        config,
        `server_name: ${name}
host: 127.0.0.1
port: ${ports[i]}
max_payload: 8388608
jetstream { ${store} }
cluster { name: three, host: 127.0.0.1, port: ${ports[SERVERS + i]}, routes: [${routes.join(", ")}] }
`,
      );
      return { name, port: ports[i] ?? 0, config, child: undefined, exited: Promise.resolve() };
    });
    const cluster = new NatsCluster(directory, servers);
    for (const { name } of servers) cluster.begin(name);
    return cluster;
  }

  get names(): readonly string[] {
    return this.#servers.map(({ name }) => name);
  }

  get urls(): readonly string[] {
    return this.#servers.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  get url(): string {
    return this.urls.join(",");
  }

  begin(name: string): void {
    const server = this.#server(name);
    const child = spawn(natsServerBinary(), ["-c", server.config], { stdio: "ignore" });
    server.child = child;
    server.exited = new Promise((resolve) => child.once("exit", resolve));
  }

  async kill(name: string): Promise<void> {
    const server = this.#server(name);
    server.child?.kill("SIGKILL");
    await server.exited;
  }

  /** Stands still when this resolves. */
  async pause(name: string): Promise<void> {
    const { child } = this.#server(name);
    child?.kill("SIGSTOP");
    while (!isStopped(child?.pid ?? 0)) await delay(POLL_MS);
  }

  goOn(name: string): void {
    this.#server(name).child?.kill("SIGCONT");
  }

  connect(): Promise<NatsConnection> {
    return connect({ ...LOG_CONNECTION_OPTIONS, servers: [...this.urls] });
  }

  /** What the streams with these names say of themselves, asked until all of them answer, and have a leader. */
  async streams(names: readonly string[]): Promise<readonly StreamInfo[]> {
    return this.#asked(
      (manager) => Promise.all(names.map((name) => manager.streams.info(name))),
      (infos) => infos.every(({ cluster }) => (cluster?.leader ?? "") !== ""),
    );
  }

  /** The server that leads this stream now. */
  async leaderOf(stream: string): Promise<string> {
    const [info] = await this.streams([stream]);
    return info?.cluster?.leader ?? "";
  }

  /**
   * Resolves when every copy of these streams is there and up to date. A server that was killed together with all others sometimes follows nothing when it is back
   * (nats-server 2.10.27: its copies stay where they were, while the other two go on): like whoever runs such a cluster, this starts it once more then.
   */
  async whole(names: readonly string[]): Promise<void> {
    const end_ms = performance.now() + PATIENCE_MS;
    for (;;) {
      const patience_ms = Math.min(STUCK_MS, end_ms - performance.now());
      try {
        await this.#asked(
          (manager) => Promise.all(names.map((name) => manager.streams.info(name))),
          (infos) => infos.every((info) => (info.cluster?.leader ?? "") !== "" && behindOf(info).length === 0),
          patience_ms,
        );
        return;
      } catch (error) {
        if (patience_ms < STUCK_MS) throw error;
      }
      const infos = await this.streams(names);
      for (const name of new Set(infos.flatMap(behindOf))) {
        console.log(`${name} followed nothing for ${STUCK_MS / 1_000} s, and is started once more`);
        await this.kill(name);
        this.begin(name);
      }
    }
  }

  /** Resolves when a stream can have a copy on each server: two of them have a leader and answer, before they know of the third. */
  async ready(patience_ms: number = PATIENCE_MS): Promise<void> {
    await this.#asked(
      async ({ streams }) => {
        await streams.add({ name: PROBE, num_replicas: SERVERS });
        return streams.delete(PROBE);
      },
      (deleted) => deleted,
      patience_ms,
    );
  }

  async remove(): Promise<void> {
    for (const { name } of this.#servers) await this.kill(name);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #asked<Answer>(
    ask: (manager: JetStreamManager) => Promise<Answer>,
    is: (answer: Answer) => boolean | undefined,
    patience_ms: number = PATIENCE_MS,
  ): Promise<Answer> {
    const end_ms = performance.now() + patience_ms;
    const connection = await this.connect();
    try {
      for (;;) {
        let said: unknown;
        try {
          const answer = await ask(await connection.jetstreamManager({ timeout: 2_000 }));
          if (is(answer) === true) return answer;
          said = answer;
        } catch (error) {
          said = String(error);
        }
        if (performance.now() > end_ms)
          throw new Error(`the NATS cluster did not become what it was waited for; it says ${JSON.stringify(said)}`);
        await delay(POLL_MS);
      }
    } finally {
      await connection.close();
    }
  }

  #server(name: string): Server {
    const server = this.#servers.find((each) => each.name === name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }
}

/** The servers whose copies of a stream are not there, or not up to date. */
function behindOf({ cluster }: StreamInfo): readonly string[] {
  return (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline === true).map(({ name }) => name);
}
