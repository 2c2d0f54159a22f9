import { execFileSync, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { availableParallelism, loadavg } from "node:os";
import { Worker } from "node:worker_threads";
import type { Target } from "../actors/node/proxy/forwarding.ts";
import { findNftables, type Nftables } from "../actors/node/proxy/nftables/nft.ts";
import { ThreadedForwarder } from "../actors/node/proxy/threaded-forwarder.ts";
import { systemClock } from "../runtime/mod.ts";
import { percentile } from "./driver/percentile.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";

/**
 * `npm run bench -- proxy [--json]`: what a request costs that goes through the service proxy, in userspace and by nftables, beside the same request without it. All are asked
 * in turn, a few hundred at a time, so that what else the machine does falls on all of them. The rules of the kernel are there in the turns that they are measured in, and only in a
 * network namespace that the bench makes for itself, which takes root.
 */
const TURNS = 20;
const REQUESTS_A_TURN = 500;
const CONNECTIONS_A_TURN = 100;
const BULK_BYTES = 256 * 1_024 * 1_024;
const BULK_TURNS = 3;
const SERVICE_PORT = 18_080;
const US_PER_MS = 1_000;
const MIB: number = 1_024 * 1_024;
const S_PER_MS = 1e-3;
const LISTEN_TRIES_MAX = 200;
const LISTEN_TRY_MS = 10;
const ACKNOWLEDGED_MS = 100;
const IN_OWN_NETWORK = "TROUPE_BENCH_IN_OWN_NETWORK";

const json = process.argv.includes("--json");
if (process.env[IN_OWN_NETWORK] === undefined && process.getuid?.() === 0) {
  const script = 'ip link set lo up && exec "$0" "$@"';
  const words = ["--net", "sh", "-c", script, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync("unshare", words, { stdio: "inherit", env: { ...process.env, [IN_OWN_NETWORK]: "1" } });
  process.exit(status ?? 1);
}
const nftables =
  process.env[IN_OWN_NETWORK] === undefined ? "it takes root" : await findNftables("bench").catch((error: Error) => error.message);
for (const caution of typeof nftables === "string" ? [`nftables is not measured: ${nftables}`] : nftables.wants)
  process.stderr.write(`${caution}\n`);

const conditions = `HTTP/1.1 with 1 KiB answers on loopback, client, proxy and server on a thread each; ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.versions.node}`;
const figures: Figure[] = [];
const backend = new Worker(new URL("./proxy-backend.ts", import.meta.url));
const [ports] = (await once(backend, "message")) as [{ readonly tcp: number; readonly udp: number }];

/** A way to the server. */
interface Way {
  readonly name: string;
  readonly to: Target;
  readonly udp: Target;
  /** The rules are there while it is measured. */
  readonly byRules: boolean;
}

const direct = { to: { address: "127.0.0.1", port: ports.tcp }, udp: { address: "127.0.0.1", port: ports.udp } };
const services = { userspace: { address: "127.96.200.1", port: SERVICE_PORT }, nftables: { address: "127.96.200.2", port: SERVICE_PORT } };
const ways: Way[] = [
  { name: "direct", ...direct, byRules: false },
  { name: "userspace", to: services.userspace, udp: services.userspace, byRules: false },
];
const forwarders = [await forwarderAt(services.userspace, undefined)];
const rules = typeof nftables === "string" ? undefined : await takeRules(nftables);
if (rules !== undefined) {
  ways.push({ name: "nftables", to: services.nftables, udp: services.nftables, byRules: true });
  ways.push({ name: "direct beside nftables", ...direct, byRules: true });
}

await compare("kept connection", REQUESTS_A_TURN, async ({ to }) => {
  const socket = await dial(to);
  return { ask: () => ask(socket), end: () => socket.destroy() };
});
await compare("a connection each", CONNECTIONS_A_TURN, async ({ to }) => ({
  ask: async () => {
    const socket = await dial(to);
    await ask(socket);
    socket.destroy();
  },
  end: () => {},
}));
await compare("UDP", REQUESTS_A_TURN, async ({ udp }) => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.connect(udp.port, udp.address, resolve));
  const datagram = Buffer.alloc(100, "u");
  return {
    ask: async () => {
      socket.send(datagram);
      await once(socket, "message");
    },
    end: () => socket.close(),
  };
});
const bulk = new Map<string, number>();
for (let turn = 0; turn < BULK_TURNS; turn++) {
  for (const way of ways) bulk.set(way.name, Math.max(bulk.get(way.name) ?? 0, await by(way, () => throughput(way.to))));
}
for (const [name, value] of bulk)
  figures.push({ suite: "proxy", case: "bulk", metric: `${name} throughput`, value, unit: "MiB/s", conditions });
await rules?.set(true);
for (const forwarder of forwarders) await forwarder.close();
await backend.terminate();
printFigures(figures, json);

/** Forwards at an address, and does so when this resolves. */
async function forwarderAt(at: Target, nftables: Nftables | undefined): Promise<ThreadedForwarder> {
  const forwarder = new ThreadedForwarder(
    systemClock(),
    { nftables },
    (report) => {
      throw new BenchFailure(
        report.type === "rulesRefused" ? report.error : `cannot listen on ${report.address}:${report.port}: ${report.code}`,
      );
    },
    (error) => {
      throw error;
    },
  );
  forwarder.apply("services/bench/web", {
    namespace: "bench",
    name: "web",
    healthCheck: undefined,
    ports: (["TCP", "UDP"] as const).map((protocol) => {
      const target = protocol === "TCP" ? direct.to : direct.udp;
      const entrance = { ...at, traffic: "internal", sources: [] } as const;
      return { name: protocol, protocol, affinity_ms: 0, entrances: [entrance], internal: [target], external: [], keepsClients: false };
    }),
  });
  await untilListening(at);
  return forwarder;
}

/** Rules that are laid and lifted again: without them the kernel does not even look who speaks with whom. */
interface Rules {
  set(laid: boolean): Promise<void>;
}

async function takeRules(nftables: Nftables): Promise<Rules> {
  const { nft, table } = nftables;
  forwarders.push(await forwarderAt(services.nftables, nftables));
  const print = (): string => {
    try {
      return execFileSync(nft, ["list", "table", "ip", table], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      return "";
    }
  };
  let text = "";
  for (let tried = 0; tried < LISTEN_TRIES_MAX && !text.includes(services.nftables.address); tried++) {
    text = print();
    await new Promise((resolve) => setTimeout(resolve, LISTEN_TRY_MS));
  }
  if (!text.includes(services.nftables.address)) throw new BenchFailure("the rules have not come");
  let laid = true;
  return {
    async set(wanted) {
      if (laid === wanted) return;
      laid = wanted;
      // An acknowledgement that is on its way still goes the way of its connection.
      await new Promise((resolve) => setTimeout(resolve, ACKNOWLEDGED_MS));
      if (wanted) execFileSync(nft, ["--file", "-"], { input: text });
      else execFileSync(nft, ["delete", "table", "ip", table]);
    },
  };
}

async function by<T>({ byRules }: Way, measure: () => Promise<T>): Promise<T> {
  await rules?.set(byRules);
  return measure();
}

interface Client {
  ask(): Promise<void>;
  end(): void;
}

async function compare(name: string, asked: number, client: (way: Way) => Promise<Client>): Promise<void> {
  const measured: { readonly way: Way; readonly client: Client; readonly times: number[] }[] = [];
  for (const way of ways) measured.push({ way, client: await by(way, () => client(way)), times: [] });
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const { way, times, client: asker } of measured) {
      await by(way, async () => {
        for (let n = 0; n < asked; n++) {
          const began_ms = performance.now();
          await asker.ask();
          // The first turn is for the compiler.
          if (turn > 0) times.push((performance.now() - began_ms) * US_PER_MS);
        }
      });
    }
  }
  for (const { client: asker } of measured) asker.end();
  for (const share of [0.5, 0.99]) {
    const figure = (metric: string, value: number, unit: string): void =>
      void figures.push({ suite: "proxy", case: name, metric: `p${share * 100} ${metric}`, value, unit, conditions });
    const plain = percentile(measured[0]?.times ?? [], share) ?? 0;
    for (const { way, times } of measured) {
      const value = percentile(times, share) ?? 0;
      figure(way.name, value, "µs");
      if (way === ways[0]) continue;
      figure(`${way.name}, more`, value - plain, "µs");
      figure(`${way.name}, more in proportion`, (value / plain - 1) * 100, "%");
    }
  }
}

async function dial({ address, port }: Target): Promise<Socket> {
  const socket = connect({ host: address, port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

function ask(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = -1;
    const take = (chunk: Buffer): void => {
      // The head comes in one piece; what it says the length of follows it.
      if (left < 0) left = chunk.indexOf("\r\n\r\n") + 4 + 1_024;
      left -= chunk.length;
      if (left > 0) return;
      socket.off("data", take);
      socket.off("error", reject);
      resolve();
    };
    socket.on("data", take);
    socket.once("error", reject);
    socket.write("GET / HTTP/1.1\r\nhost: web\r\n\r\n");
  });
}

async function throughput(to: Target): Promise<number> {
  const socket = await dial(to);
  const began_ms = performance.now();
  socket.write(`GET /bytes/${BULK_BYTES} HTTP/1.1\r\nhost: web\r\n\r\n`);
  let received = 0;
  for await (const chunk of socket) {
    received += (chunk as Buffer).length;
    if (received > BULK_BYTES) break;
  }
  socket.destroy();
  return BULK_BYTES / MIB / ((performance.now() - began_ms) * S_PER_MS);
}

/** The thread opens its doors a moment after it was told of them. */
async function untilListening(to: Target): Promise<void> {
  for (let tried = 0; tried < LISTEN_TRIES_MAX; tried++) {
    const socket = await dial(to).catch(() => undefined);
    socket?.destroy();
    if (socket !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, LISTEN_TRY_MS));
  }
  throw new BenchFailure(`nobody listens on ${to.address}:${to.port}`);
}
