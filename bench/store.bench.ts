import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { connect } from "nats";
import {
  createStoreClient,
  follow,
  JetStreamLog,
  LOG_CONNECTION_OPTIONS,
  Replica,
  type StoreClient,
  WRITER_ADDRESS,
  writerKind,
} from "../actors/mod.ts";
import { Host, silentLogger, systemClock, systemRandom } from "../runtime/mod.ts";
import { printFigures } from "./figure.ts";

/**
 * `node bench/store.bench.ts [--json] [compress bytes]`: creations of pod-sized objects a second on a real nats-server ($NATS_SERVER or PATH), one
 * at a time and 1,000 in flight, with a second replica that follows. The optional number replaces the size from which batches are compressed.
 */
const OBJECT_BYTES = 1_200;
const CASES = [
  { inFlight: 1, puts: 2_000 },
  { inFlight: 64, puts: 30_000 },
  { inFlight: 1_000, puts: 100_000 },
];

const json = process.argv.includes("--json");
const compressBytesMin = Number(process.argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? Number.NaN);
const binary = process.env.NATS_SERVER ?? "nats-server";
const version = execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(version) ?? [];
const syncs = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);

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

/** A pod as a Deployment makes it, filled up to OBJECT_BYTES. */
function podText(name: string): string {
  const head = `"name":"${name}","namespace":"default","uid":"${random.uuid()}","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"web"}}`;
  const container = `{"name":"web","image":"nginx:1.27","resources":{"requests":{"cpu":"100m","memory":"128Mi"}},"imagePullPolicy":"IfNotPresent"}`;
  const rest = `,"spec":{"restartPolicy":"Always","dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler","containers":[${container}]},"x":"`;
  return `${head}${rest}${"f:spec,f:containers,".repeat(100).slice(0, OBJECT_BYTES - head.length - rest.length - 2)}"}`;
}

interface Figures {
  readonly perSecond: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Processor time of this process and of nats-server, microseconds a put: what stays telling on a busy machine. */
  readonly cpu_us: number;
  readonly natsCpu_us: number;
}

/** Processor time that nats-server has used, in microseconds; 0 where /proc does not tell. */
function natsCpu_us(): number {
  try {
    const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
}

async function measure(client: StoreClient, inFlight: number, puts: number): Promise<Figures> {
  const run = random.uuid().slice(0, 8);
  const texts = Array.from({ length: puts }, (_, i) => podText(`p${run}-${i}`));
  const latencies_ms: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < puts; i = next++) {
      const start_ms = performance.now();
      const mutation = { op: "create", key: `pods/default/p${run}-${i}`, text: texts[i] as never } as const;
      const outcome = await client.propose({ request: `${run}-${i}`, mutations: [mutation] });
      if (!outcome.committed) throw new Error(`put ${i} conflicts`);
      latencies_ms.push(performance.now() - start_ms);
    }
  };
  const start_ms = performance.now();
  const cpu = process.cpuUsage();
  const nats_us = natsCpu_us();
  await Promise.all(Array.from({ length: inFlight }, lane));
  const took_ms = performance.now() - start_ms;
  const used = process.cpuUsage(cpu);
  latencies_ms.sort((a, b) => a - b);
  const at = (share: number): number => latencies_ms[Math.floor(latencies_ms.length * share)] ?? 0;
  return {
    perSecond: (puts / took_ms) * 1000,
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    cpu_us: (used.user + used.system) / puts,
    natsCpu_us: (natsCpu_us() - nats_us) / puts,
  };
}

const clock = systemClock();
const random = systemRandom();
const directory = mkdtempSync(join(tmpdir(), "troupe-bench-"));
const port = await freePort();
const config = join(directory, "nats.conf");
const always = syncs ? ", sync_interval: always" : "";
writeFileSync(config, `host: 127.0.0.1\nport: ${port}\nmax_payload: 8388608\njetstream { store_dir: "${directory}/data"${always} }\n`);
const server = spawn(binary, ["-c", config], { stdio: "ignore" });
try {
  const connections = await Promise.all([0, 1].map(() => connect({ ...LOG_CONNECTION_OPTIONS, servers: `127.0.0.1:${port}` })));
  const [log, farLog] = await Promise.all(connections.map((connection) => JetStreamLog.open({ connection, clock, stream: "bench" })));
  if (log === undefined || farLog === undefined) throw new Error("two logs were opened");
  const replica = new Replica({ clock, log: silentLogger });
  const far = new Replica({ clock, log: silentLogger });
  const followers = [
    follow({ log, replica, clock, logger: silentLogger }),
    follow({ log: farLog, replica: far, clock, logger: silentLogger }),
  ];
  await Promise.all(followers.map((follower) => follower.ready));
  const host = new Host({ name: "bench", clock, random, log: silentLogger });
  host.register(writerKind({ log, replica, ...(Number.isNaN(compressBytesMin) ? {} : { compressBytesMin }) }));
  const client = createStoreClient({ messenger: host.messenger, clock, random, address: WRITER_ADDRESS, view: replica });
  await measure(client, 100, 5_000);
  for (const { inFlight, puts } of CASES) {
    const figures = await measure(client, inFlight, puts);
    await far.until(replica.revision);
    const conditions = `${OBJECT_BYTES} bytes, ${version}, ${syncs ? "fsync before each acknowledgement" : "no fsync"}, 2 replicas in one thread`;
    const named = { suite: "store", case: `${inFlight} in flight`, conditions };
    printFigures(
      [
        { ...named, metric: "puts", value: figures.perSecond, unit: "1/s" },
        { ...named, metric: "p50", value: figures.p50_ms, unit: "ms" },
        { ...named, metric: "p99", value: figures.p99_ms, unit: "ms" },
        { ...named, metric: "processor time here", value: figures.cpu_us, unit: "us a put" },
        { ...named, metric: "processor time of nats-server", value: figures.natsCpu_us, unit: "us a put" },
      ],
      json,
    );
  }
  const start_ms = performance.now();
  const restarted = new Replica({ clock, log: silentLogger });
  const replay = follow({ log: farLog, replica: restarted, clock, logger: silentLogger });
  await replay.ready;
  const perSecond = (restarted.revision / (performance.now() - start_ms)) * 1000;
  printFigures(
    [{ suite: "store", case: "replay", metric: "records", value: perSecond, unit: "1/s", conditions: `${restarted.revision} records` }],
    json,
  );
  await host.stop();
  for (const follower of [...followers, replay]) follower.stop();
  for (const connection of connections) await connection.close();
} finally {
  server.kill();
  rmSync(directory, { recursive: true, force: true });
}
