import { once } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import { MessageChannel, Worker } from "node:worker_threads";
import { Packr } from "msgpackr";
import { connect } from "nats";
import { Bench } from "tinybench";
import {
  type ActorKind,
  addressOf,
  Directory,
  Host,
  type Member,
  natsTransport,
  PortTransport,
  silentLogger,
  systemClock,
  systemRandom,
} from "../runtime/mod.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";
import { NatsForBench } from "./nats-for-bench.ts";
import type { FarThread, SinkMessage } from "./transport-far-thread.ts";

/**
 * `node bench/transport.bench.ts [--json]`: messages and questions between two threads, by the kernel over NATS and over a MessagePort, beside NATS and
 * a MessagePort alone with one message each, in turn, in one run.
 */
const BURST = 20_480;
/** Fewer, because each is a message of its own: a burst takes about as long. */
const RAW_BURST = 5_120;
const RUN_TIME_MS = 1_500;
const MAILBOX_MESSAGES = 1_000_000;
const US_PER_MS = 1_000;

const MEMBERS: readonly Member[] = [
  { host: "nats-near", kinds: ["nats-driver"] },
  { host: "nats-far", kinds: ["nats-sink"] },
  { host: "port-near", kinds: ["port-driver"] },
  { host: "port-far", kinds: ["port-sink"] },
];

type Drive = { readonly type: "drive"; readonly tells: number };
type Way = "nats" | "port";

const pod = (node: number): SinkMessage => ({ type: "pod", name: "web-7d4b9c", node, phase: "Running" });

/** Sends a burst from within a turn, then asks the sink for its count: the answer comes after the last of the burst was handled. */
function driver(way: Way): ActorKind<Drive> {
  return {
    kind: `${way}-driver`,
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "stop" },
    activate: (context) => ({
      async receive({ tells }, sender) {
        const sink = addressOf(`${way}-sink`, "main");
        for (let n = 0; n < tells; n++) context.tell<SinkMessage>(sink, pod(n));
        sender.answer(await context.ask<number>(sink, { type: "count" }));
      },
    }),
  };
}

interface Case {
  readonly name: string;
  /** Messages in one run of it; 1 for a question, of which the time counts. */
  readonly per: number;
  readonly conditions: string;
  run(): Promise<unknown>;
}

/** Processor time of the measured runs of one case: of this process with both threads, and of nats-server. */
interface Cost {
  runs: number;
  process_us: number;
  server_us: number;
}

async function measure(server: NatsForBench): Promise<Figure[]> {
  const { port1: hostPort, port2: farHostPort } = new MessageChannel();
  const { port1: rawPort, port2: farRawPort } = new MessageChannel();
  const workerData: FarThread = { url: server.address, members: MEMBERS, hostPort: farHostPort, rawPort: farRawPort };
  const far = new Worker(new URL("./transport-far-thread.ts", import.meta.url), { workerData, transferList: [farHostPort, farRawPort] });
  await once(far, "message");
  const [connection, raw] = await Promise.all([connect({ servers: server.address }), connect({ servers: server.address })]);
  const ports = new PortTransport();
  ports.connect("port-far", hostPort);
  const hostOn = (way: Way): Host => {
    const name = `${way}-near`;
    const transport = way === "nats" ? natsTransport({ connection, prefix: "bench", host: name }) : ports;
    const directory = new Directory(MEMBERS);
    const host = new Host({ name, clock: systemClock(), random: systemRandom(), log: silentLogger, directory, transport });
    host.register(driver(way));
    return host;
  };
  const hosts = { nats: hostOn("nats"), port: hostOn("port") };
  await Promise.all([hosts.nats.ready(), hosts.port.ready()]);

  const drive = (way: Way): Promise<number> => {
    const message: Drive = { type: "drive", tells: BURST };
    return hosts[way].messenger.ask<number>(addressOf(`${way}-driver`, "main"), message);
  };
  const ask = (way: Way): Promise<number> => hosts[way].messenger.ask<number>(addressOf(`${way}-sink`, "main"), { type: "count" });
  const packr = new Packr({ useRecords: true, moreTypes: false });
  const request = (): Promise<unknown> => raw.request("raw.count", new Uint8Array(0), { timeout: 10_000 });
  const portAnswer = async (): Promise<unknown> => {
    const answer = once(rawPort, "message");
    rawPort.postMessage({ type: "count" });
    return await answer;
  };
  const cases: readonly Case[] = [
    { name: "messages, hosts over NATS", per: BURST, conditions: `bursts of ${BURST}, four fields each`, run: () => drive("nats") },
    {
      name: "messages, hosts over a MessagePort",
      per: BURST,
      conditions: `bursts of ${BURST}, four fields each`,
      run: () => drive("port"),
    },
    {
      name: "messages, NATS alone",
      per: RAW_BURST,
      conditions: `bursts of ${RAW_BURST}, one publish each, the same fields in msgpack, not unpacked`,
      run: async () => {
        for (let n = 0; n < RAW_BURST; n++) raw.publish("raw.pod", packr.pack(pod(n)));
        await request();
      },
    },
    {
      name: "messages, a MessagePort alone",
      per: RAW_BURST,
      conditions: `bursts of ${RAW_BURST}, one object each`,
      run: async () => {
        for (let n = 0; n < RAW_BURST; n++) rawPort.postMessage(pod(n));
        await portAnswer();
      },
    },
    { name: "ask, hosts over NATS", per: 1, conditions: "one after the other", run: () => ask("nats") },
    { name: "ask, hosts over a MessagePort", per: 1, conditions: "one after the other", run: () => ask("port") },
    { name: "request, NATS alone", per: 1, conditions: "one after the other", run: request },
    { name: "question, a MessagePort alone", per: 1, conditions: "one after the other", run: portAnswer },
  ];

  const costs = new Map<string, Cost>();
  const bench = new Bench({ time: RUN_TIME_MS, warmupTime: RUN_TIME_MS / 3, throws: true });
  for (const { name, run } of cases) {
    const cost: Cost = { runs: 0, process_us: 0, server_us: 0 };
    costs.set(name, cost);
    let before: NodeJS.CpuUsage = process.cpuUsage();
    let before_us = 0;
    bench.add(
      name,
      async () => {
        cost.runs += 1;
        await run();
      },
      {
        beforeAll() {
          cost.runs = 0;
          before = process.cpuUsage();
          before_us = server.cpu_us();
        },
        afterAll() {
          const { user, system } = process.cpuUsage(before);
          cost.process_us = user + system;
          cost.server_us = server.cpu_us() - before_us;
        },
      },
    );
  }
  await bench.run();

  far.postMessage("end");
  await once(far, "exit");
  rawPort.close();
  await Promise.all([hosts.nats.stop(), hosts.port.stop()]);
  await Promise.all([connection.close(), raw.close()]);
  const machine = `Node ${process.versions.node}, ${server.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`;
  return bench.tasks.flatMap((task, index) => {
    const each = cases[index];
    const cost = costs.get(task.name);
    const { result } = task;
    if (each === undefined || cost === undefined || !("latency" in result))
      throw new BenchFailure(`${task.name}: no result (${result.state})`);
    const { p50, p99 } = result.latency;
    const of = (metric: string, value: number, unit: string): Figure => ({
      ...{ suite: "transport", case: each.name, metric, value, unit },
      conditions: `${each.conditions}; ${machine}`,
    });
    const messages = cost.runs * each.per;
    const speed =
      each.per === 1 ? [of("p50", p50, "ms"), of("p99", p99, "ms")] : [of("rate, median run", (each.per * US_PER_MS) / p50, "messages/s")];
    return [
      ...speed,
      of("processor time, both threads", cost.process_us / messages, "µs each"),
      of("processor time, nats-server", cost.server_us / messages, "µs each"),
    ];
  });
}

const server = await NatsForBench.start();
try {
  await waitFor(server);
  printFigures(await measure(server), process.argv.includes("--json"));
} finally {
  await server.remove();
}

/** The server has no other way to say that it is ready than to take a connection. */
async function waitFor({ address }: NatsForBench): Promise<void> {
  const connection = await connect({ servers: address, waitOnFirstConnect: true, reconnectTimeWait: 20, maxReconnectAttempts: 500 });
  await connection.close();
}
