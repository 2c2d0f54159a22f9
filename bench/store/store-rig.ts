import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "nats";
import {
  createStoreClient,
  type Follower,
  follow,
  JetStreamLog,
  LOG_CONNECTION_OPTIONS,
  Replica,
  type StoreClient,
  WRITER_ADDRESS,
  writerKind,
} from "../../actors/mod.ts";
import { Host, silentLogger, systemClock, systemRandom } from "../../runtime/mod.ts";
import { freePort } from "../driver/free-port.ts";
import { podText } from "./pod-text.ts";

const clock = systemClock();
const random = systemRandom();

/** A nats-server of its own, and on it the store of one host: log, replica, writer, client. */
export interface StoreRig {
  readonly client: StoreClient;
  readonly replica: Replica;
  readonly log: JetStreamLog;
  readonly natsPid: number;
  /** Of the figures: server and durability. */
  readonly conditions: string;
  stop(): Promise<void>;
}

/** `compressBytesMin` replaces the size from which batches are compressed. */
export async function startStoreRig(compressBytesMin?: number): Promise<StoreRig> {
  const binary = process.env.NATS_SERVER ?? "nats-server";
  const version = execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
  const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(version) ?? [];
  const syncs = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
  const directory = mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const port = await freePort();
  const config = join(directory, "nats.conf");
  const always = syncs ? ", sync_interval: always" : "";
  writeFileSync(config, `host: 127.0.0.1\nport: ${port}\nmax_payload: 8388608\njetstream { store_dir: "${directory}/data"${always} }\n`);
  const server = spawn(binary, ["-c", config], { stdio: "ignore" });
  const connection = await connect({ ...LOG_CONNECTION_OPTIONS, servers: `127.0.0.1:${port}` });
  const log = await JetStreamLog.open({ connection, clock, stream: "bench" });
  const replica = new Replica({ clock, log: silentLogger });
  const follower: Follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  const host = new Host({ name: "bench", clock, random, log: silentLogger });
  host.register(writerKind({ log, replica, ...(compressBytesMin === undefined ? {} : { compressBytesMin }) }));
  const client = createStoreClient({ messenger: host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  return {
    client,
    replica,
    log,
    natsPid: server.pid ?? 0,
    conditions: `${version}, ${syncs ? "fsync before each acknowledgement" : "no fsync"}`,
    async stop() {
      await host.stop();
      follower.stop();
      await connection.close();
      server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Creates pods `<prefix>-0` and so on, many in flight. */
export async function fill({ client }: StoreRig, count: number, prefix: string, labelsOf?: (i: number) => string): Promise<void> {
  const LANES = 2_000;
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const name = `${prefix}-${i}`;
      const mutation = { op: "create", key: `pods/default/${name}`, text: podText(name, random.uuid(), labelsOf?.(i)) } as const;
      const outcome = await client.propose({ request: `${prefix}/${i}`, mutations: [mutation] });
      if (!outcome.committed) throw new Error(`${name} exists`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
