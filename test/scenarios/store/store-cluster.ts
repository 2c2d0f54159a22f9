import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { NatsConnection } from "nats";
import type { Follower } from "../../../actors/store/follow.ts";
import { follow } from "../../../actors/store/follow.ts";
import { JetStreamLog } from "../../../actors/store/jetstream-log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { WRITER_ADDRESS } from "../../../actors/store/writer.ts";
import { Directory, Host, natsTransport, placeOf, silentLogger, systemClock, systemRandom } from "../../../runtime/mod.ts";
import { SUBJECT_PREFIX } from "./subject.ts";

const PROGRAM = fileURLToPath(new URL("./store-process.ts", import.meta.url));
export const STREAM = "crash";
export const STORE_NAMES = ["store-a", "store-b"] as const;
export type StoreName = (typeof STORE_NAMES)[number];

const memberOf = (host: StoreName): { host: string; kinds: string[] } => ({ host, kinds: ["writer"] });

/** The servers that hold the log: one, or three. */
export interface Nats {
  /** Separated by commas. */
  readonly url: string;
  readonly copies: number;
  connect(): Promise<NatsConnection>;
  remove(): Promise<void>;
}

/** Two processes that can write, one of them the standby; the log's servers; and here the clients' hosts with one replica. */
export class StoreCluster<Servers extends Nats> {
  readonly nats: Servers;
  readonly replica: Replica;
  readonly log: JetStreamLog;
  /** Two hosts of clients, which may be of different minds about where the writer is. */
  readonly hosts: readonly [Host, Host];
  readonly #directories: readonly [Directory, Directory];
  readonly #connection: NatsConnection;
  readonly #follower: Follower;
  readonly #stores = new Map<StoreName, { readonly child: ChildProcess; readonly ready: Promise<void>; expected: boolean }>();
  /** Ends of processes that nobody caused. */
  readonly faults: string[] = [];
  #writer: StoreName = "store-a";

  private constructor(nats: Servers, connection: NatsConnection, log: JetStreamLog) {
    const clock = systemClock();
    const random = systemRandom();
    this.nats = nats;
    this.log = log;
    this.#connection = connection;
    this.replica = new Replica({ clock, log: silentLogger, rememberRequests: false });
    this.#follower = follow({ log, replica: this.replica, clock, logger: silentLogger });
    this.#directories = [new Directory([memberOf("store-a")]), new Directory([memberOf("store-a")])];
    const hostOf = (name: string, directory: Directory): Host => {
      const transport = natsTransport({ connection, prefix: SUBJECT_PREFIX, host: name });
      return new Host({ name, clock, random, log: silentLogger, directory, transport });
    };
    this.hosts = [hostOf("clients-a", this.#directories[0]), hostOf("clients-b", this.#directories[1])];
  }

  /** The servers are the cluster's from here on, and go when it cannot be. */
  static async start<Servers extends Nats>(nats: Servers): Promise<StoreCluster<Servers>> {
    try {
      const connection = await nats.connect();
      const log = await JetStreamLog.open({ connection, clock: systemClock(), stream: STREAM, replicas: nats.copies });
      const cluster = new StoreCluster(nats, connection, log);
      await Promise.all(cluster.hosts.map((host) => host.ready()));
      for (const name of STORE_NAMES) cluster.begin(name);
      await cluster.ready();
      return cluster;
    } catch (error) {
      await nats.remove();
      throw error;
    }
  }

  get writer(): StoreName {
    return this.#writer;
  }

  get standby(): StoreName {
    return this.#writer === "store-a" ? "store-b" : "store-a";
  }

  begin(name: StoreName): void {
    const child = spawn(process.execPath, [PROGRAM, this.nats.url, name, STREAM], { stdio: ["ignore", "pipe", "inherit"] });
    const ready = new Promise<void>((resolve) => child.stdout?.once("data", () => resolve()));
    const store = { child, ready, expected: false };
    child.once("exit", (code, signal) => {
      if (!store.expected) this.faults.push(`${name} ended by itself: code ${code}, signal ${signal}`);
    });
    this.#stores.set(name, store);
  }

  /** Resolves when both processes can write. */
  async ready(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(({ ready }) => ready));
  }

  signal(name: StoreName, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#stores.get(name)?.child.kill(signal);
  }

  async kill(name: StoreName): Promise<void> {
    const store = this.#stores.get(name);
    if (store === undefined || store.child.exitCode !== null || store.child.signalCode !== null) return;
    store.expected = true;
    const exited = new Promise((resolve) => store.child.once("exit", resolve));
    store.child.kill("SIGKILL");
    await exited;
  }

  /** All clients, or those of one host only, take this process for the writer from now on: what membership decides in a cluster. */
  turnTo(name: StoreName, hosts: readonly number[] = [0, 1]): void {
    if (hosts.length === 2) this.#writer = name;
    for (const host of hosts) this.#directories[host]?.update([memberOf(name)]);
  }

  /** Clients know of both processes, and take for the writer's the one that this gives. */
  offerBoth(): StoreName {
    const members = STORE_NAMES.map(memberOf);
    for (const directory of this.#directories) directory.update(members);
    this.#writer = placeOf(WRITER_ADDRESS, members) as StoreName;
    return this.#writer;
  }

  async stop(): Promise<void> {
    for (const name of STORE_NAMES) await this.kill(name);
    for (const host of this.hosts) await host.stop();
    this.#follower.stop();
    await this.#connection.close();
    await this.nats.remove();
  }
}
