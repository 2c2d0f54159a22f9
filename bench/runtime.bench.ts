import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { connect } from "nats";
import { Bench } from "tinybench";
import {
  type ActorKind,
  addressOf,
  Directory,
  Host,
  type Member,
  natsTransport,
  silentLogger,
  systemClock,
  systemRandom,
} from "../runtime/mod.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";
import type { FarHost, SinkMessage } from "./runtime-far-host.ts";

/** `node bench/runtime.bench.ts [--json]`: the actor kernel within one host, and between two threads over a nats-server of its own. */
const TELLS_PER_RUN = 1_000;
const ASKS_PER_RUN = 1_000;
const ACTIVATIONS_PER_RUN = 1_000;
const FAR_TELLS_PER_RUN = 20_000;
const RUN_TIME_MS = 1_000;
const SERVER_DEADLINE_MS = 10_000;
const SERVER_POLL_MS = 10;
const MAILBOX_MESSAGES = 1_000_000;

const MEMBERS: readonly Member[] = [
  { host: "near", kinds: ["near-sink", "driver", "once"] },
  { host: "far", kinds: ["sink"] },
];

type Drive = { readonly type: "drive"; readonly to: "near-sink" | "sink"; readonly tells: number };

/** Sends a burst from within a turn, then asks the sink for its count: the answer comes after the last of the burst was handled. */
const driver: ActorKind<Drive> = {
  kind: "driver",
  mailboxCapacity: MAILBOX_MESSAGES,
  supervision: { strategy: "stop" },
  activate: (context) => ({
    async receive({ to, tells }, sender) {
      const sink = addressOf(to, "main");
      for (let n = 0; n < tells; n++) context.tell<SinkMessage>(sink, { type: "pod", name: "web-7d4b9c", node: n, phase: "Running" });
      sender.answer(await context.ask<number>(sink, { type: "count" }));
    },
  }),
};

const nearSink: ActorKind<SinkMessage> = {
  kind: "near-sink",
  mailboxCapacity: MAILBOX_MESSAGES,
  supervision: { strategy: "stop" },
  activate() {
    let count = 0;
    return {
      receive(message, sender) {
        if (message.type === "pod") count += 1;
        else sender.answer(count);
      },
    };
  },
};

const shortLived: ActorKind<{ readonly type: "begin" }> = {
  kind: "once",
  mailboxCapacity: 1,
  supervision: { strategy: "stop" },
  activate: (context) => ({ receive: () => context.stop() }),
};

async function measure(server: string): Promise<Figure[]> {
  const connection = await connect({ servers: server });
  const members: FarHost = { url: server, members: MEMBERS };
  const far = new Worker(new URL("./runtime-far-host.ts", import.meta.url), { workerData: members });
  await once(far, "message");
  const host = new Host({
    name: "near",
    clock: systemClock(),
    random: systemRandom(),
    log: silentLogger,
    directory: new Directory(MEMBERS),
    transport: natsTransport({ connection, prefix: "bench", host: "near" }),
  });
  host.register(driver);
  host.register(nearSink);
  host.register(shortLived);
  await host.ready();

  const { messenger } = host;
  const drive = (to: Drive["to"], tells: number) => {
    const message: Drive = { type: "drive", to, tells };
    return messenger.ask<number>(addressOf("driver", to), message);
  };
  let key = 0;
  const bench = new Bench({ time: RUN_TIME_MS, warmupTime: RUN_TIME_MS / 4, throws: true });
  const cases = new Map<string, { per: number; unit: string; conditions: string }>();
  const add = (name: string, per: number, unit: string, conditions: string, run: () => Promise<unknown>) => {
    cases.set(name, { per, unit, conditions });
    bench.add(name, async () => void (await run()));
  };
  add("tell, same host", TELLS_PER_RUN, "tells/s", `bursts of ${TELLS_PER_RUN} to one actor`, () => drive("near-sink", TELLS_PER_RUN));
  add("ask, same host", ASKS_PER_RUN, "asks/s", `${ASKS_PER_RUN} at once`, () =>
    Promise.all(Array.from({ length: ASKS_PER_RUN }, () => messenger.ask(addressOf("near-sink", "main"), { type: "count" }))),
  );
  add("activation", ACTIVATIONS_PER_RUN, "activations/s", "activate, handle one message, stop", async () => {
    for (let n = 0; n < ACTIVATIONS_PER_RUN; n++) messenger.tell(addressOf("once", `actor-${key++}`), { type: "begin" });
    while (host.counters().kinds.once?.active !== 0) await new Promise((resolve) => setImmediate(resolve));
  });
  add("tell, other thread", FAR_TELLS_PER_RUN, "messages/s", `bursts of ${FAR_TELLS_PER_RUN} over NATS, four fields each`, () =>
    drive("sink", FAR_TELLS_PER_RUN),
  );
  add("ask, other thread, one at a time", 1, "asks/s", "over NATS, the next when the last is answered", () =>
    messenger.ask(addressOf("sink", "main"), { type: "count" }),
  );
  await bench.run();

  far.postMessage("end");
  await once(far, "exit");
  await host.stop();
  await connection.close();
  return bench.tasks.map((task) => {
    const facts = cases.get(task.name);
    const result = task.result;
    if (facts === undefined || !("throughput" in result)) throw new BenchFailure(`${task.name}: no result (${task.result.state})`);
    const conditions = `${facts.conditions}; median run; Node ${process.versions.node}, ${availableParallelism()} cores`;
    return {
      suite: "runtime",
      case: task.name,
      metric: "rate",
      value: (facts.per * 1_000) / result.latency.p50,
      unit: facts.unit,
      conditions,
    };
  });
}

/** Waits for the file in which the server says on which free port it listens. */
async function portOf(server: ChildProcess, folder: string): Promise<string> {
  for (let waited_ms = 0; waited_ms < SERVER_DEADLINE_MS; waited_ms += SERVER_POLL_MS) {
    const file = readdirSync(folder).find((name) => name.endsWith(".ports"));
    if (file !== undefined) {
      const text = readFileSync(join(folder, file), "utf8");
      const url: string | undefined = text === "" ? undefined : JSON.parse(text).nats?.[0];
      if (url !== undefined) return url;
    }
    if (server.exitCode !== null) break;
    await delay(SERVER_POLL_MS);
  }
  throw new BenchFailure("nats-server did not start; set NATS_SERVER to its path or put it on the PATH");
}

const folder = mkdtempSync(join(tmpdir(), "troupe-bench-nats-"));
const server = spawn(process.env.NATS_SERVER ?? "nats-server", ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder], {
  stdio: "ignore",
});
server.on("error", (error) => console.error(`bench: nats-server: ${error.message}; set NATS_SERVER to its path`));
try {
  printFigures(await measure(await portOf(server, folder)), process.argv.includes("--json"));
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
