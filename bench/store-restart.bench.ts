import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { connect, type NatsConnection } from "nats";
import {
  createStoreClient,
  follow,
  HighWaterFile,
  JetStreamLog,
  JetStreamSnapshots,
  LOG_CONNECTION_OPTIONS,
  type Replica,
  readHighWater,
  recover,
  SNAPSHOTTER_ADDRESS,
  type SnapshotterMessage,
  snapshotterKind,
  WRITER_ADDRESS,
  writerKind,
} from "../actors/mod.ts";
import { Host, silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";
import { printFigures } from "./figure.ts";
import { NatsForBench } from "./nats-for-bench.ts";
import { podText } from "./pod-text.ts";

/**
 * `npm run bench -- store-restart [--json] [pods]`: that many pods (150,000) are created and then change their status, as when a cluster fills;
 * snapshots are taken meanwhile. Then everything is killed and started again: how long until the store can be read and written.
 */
const IN_FLIGHT = 2_000;
/** What an event loop may wait for its turn is sampled this often. */
const RESOLUTION_MS = 1;

const json = process.argv.includes("--json");
const pods = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 150_000);
const clock = systemClock();
const random = systemRandom();
const stream = "bench";

interface Store {
  readonly connection: NatsConnection;
  readonly log: JetStreamLog;
  readonly snapshots: JetStreamSnapshots;
  readonly replica: Replica;
  readonly host: Host;
  stop(): Promise<void>;
}

async function open(server: NatsForBench): Promise<Store> {
  const file = `${server.directory}/high-water`;
  const mark = readHighWater(file);
  const connection = await connect({ ...LOG_CONNECTION_OPTIONS, servers: server.address, reconnectTimeWait: 5 });
  const log = await JetStreamLog.open({ connection, clock, stream });
  const snapshots = await JetStreamSnapshots.open({ connection, prefix: stream });
  const marks = mark === undefined || mark === "damaged" ? [] : [mark];
  const { replica, damages } = await recover({ log, snapshots, clock, logger: silentLogger, replica: {}, marks });
  if (damages.length > 0) throw new Error(damages.join("; "));
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  const host = new Host({ name: "bench", clock, random, log: silentLogger });
  const highWater = new HighWaterFile(file, log.id);
  host.register(writerKind({ log, replica, noteHighWater: (sequence, revision) => highWater.note(sequence, revision) }));
  host.register(snapshotterKind({ log, snapshots, replica, highWater }));
  host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "start" });
  const stop = async (): Promise<void> => {
    await host.stop();
    follower.stop();
    highWater.close();
    await connection.close();
  };
  return { connection, log, snapshots, replica, host, stop };
}

const server = await NatsForBench.start();
try {
  const store = await open(server);
  const client = createStoreClient({ messenger: store.host.messenger, clock, random, address: WRITER_ADDRESS, view: store.replica });
  const each = async (change: (i: number) => Promise<unknown>): Promise<number> => {
    const begun_ms = performance.now();
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < pods; i = next++) await change(i);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return performance.now() - begun_ms;
  };
  const uids = Array.from({ length: pods }, () => random.uuid());
  const keyOf = (i: number): string => `pods/ns-${i % 50}/web-${i}`;
  const text = (i: number, phase: "Pending" | "Running") => podText(`web-${i}`, `ns-${i % 50}`, uids[i] ?? "", phase, i) as never;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const write_ms = await each((i) =>
    client.propose({ request: `c${i}`, mutations: [{ op: "create", key: keyOf(i), text: text(i, "Pending") }] }),
  );
  const update_ms = await each((i) => {
    const expect = store.replica.entry(keyOf(i))?.revision ?? 0;
    return client.propose({ request: `u${i}`, mutations: [{ op: "update", key: keyOf(i), expect, text: text(i, "Running") }] });
  });
  // A quiet cluster now, and a snapshot of all of it: what else holds the event loop is not counted then.
  const { sequence, revision } = store.replica;
  const host = new Host({ name: "quiet", clock, random, log: silentLogger });
  delay.enable();
  host.register(snapshotterKind({ log: store.log, snapshots: store.snapshots, replica: store.replica, everyRevisions: 1 }));
  host.messenger.tell<SnapshotterMessage>(SNAPSHOTTER_ADDRESS, { type: "start" });
  const snapshot_ms = performance.now();
  while (!(await store.snapshots.list()).some(({ summary }) => "sequence" in summary && summary.sequence === sequence)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const snapshotTook_ms = performance.now() - snapshot_ms;
  delay.disable();
  await host.stop();
  const listed = (await store.snapshots.list()).map(({ id }) => id);
  const { bytes } = await store.log.bounds();
  await store.stop();
  await server.stop("SIGKILL");

  const begun_ms = performance.now();
  const cpu = process.cpuUsage();
  server.start();
  const again = await open(server);
  const list = again.replica.list("pods");
  const serving_ms = performance.now() - begun_ms;
  const used = process.cpuUsage(cpu);
  const first = list[0];
  if (list.length !== pods || again.replica.revision !== revision || first === undefined)
    throw new Error("the store did not come back whole");
  const writer = createStoreClient({ messenger: again.host.messenger, clock, random, address: WRITER_ADDRESS, view: again.replica });
  await writer.propose({ request: "first", mutations: [{ op: "delete", key: first.key, expect: first.revision }] });
  const written_ms = performance.now() - begun_ms;
  await again.stop();

  const conditions = `${pods} pods of ${Buffer.byteLength(text(1, "Running"))} bytes, ${revision} revisions, snapshots ${listed.join(", ")}, log ${Math.round(bytes / 2 ** 20)} MiB, ${server.version}`;
  const named = { suite: "store-restart", case: "kill -9, restart", conditions };
  printFigures(
    [
      { ...named, metric: "created", value: (pods / write_ms) * 1000, unit: "1/s" },
      { ...named, metric: "updated", value: (pods / update_ms) * 1000, unit: "1/s" },
      { ...named, metric: "restart to readable, nats-server included", value: serving_ms, unit: "ms" },
      { ...named, metric: "restart to first write", value: written_ms, unit: "ms" },
      { ...named, metric: "processor time here until readable", value: (used.user + used.system) / 1000, unit: "ms" },
      { ...named, metric: "snapshot of all, quiet", value: snapshotTook_ms, unit: "ms" },
      { ...named, metric: "event loop delay meanwhile, p99", value: delay.percentile(99) / 1e6, unit: "ms" },
      { ...named, metric: "event loop delay meanwhile, max", value: delay.max / 1e6, unit: "ms" },
    ],
    json,
  );
} finally {
  await server.remove();
}
