import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { availableParallelism, loadavg } from "node:os";
import { Worker } from "node:worker_threads";
import type { Target } from "../actors/node/proxy/forwarding.ts";
import { ThreadedForwarder } from "../actors/node/proxy/threaded-forwarder.ts";
import { systemClock } from "../runtime/mod.ts";
import { percentile } from "./driver/percentile.ts";
import { BenchFailure } from "./failure.ts";
import { type Figure, printFigures } from "./figure.ts";

/**
 * `npm run bench -- proxy [--json]`: what a request costs that goes through the service proxy, beside the same request without it. Both are asked
 * in turn, a few hundred at a time, so that what else the machine does falls on both.
 */
const TURNS = 20;
const REQUESTS_A_TURN = 500;
const CONNECTIONS_A_TURN = 100;
const BULK_BYTES = 256 * 1_024 * 1_024;
const SERVICE = "127.96.200.1";
const US_PER_MS = 1_000;
const MIB: number = 1_024 * 1_024;
const S_PER_MS = 1e-3;
const LISTEN_TRIES_MAX = 200;
const LISTEN_TRY_MS = 10;

const conditions = `HTTP/1.1 with 1 KiB answers on loopback, client, proxy and server on a thread each; ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.versions.node}`;
const figures: Figure[] = [];
const backend = new Worker(new URL("./proxy-backend.ts", import.meta.url));
const [ports] = (await once(backend, "message")) as [{ readonly tcp: number; readonly udp: number }];
const forwarder = new ThreadedForwarder(
  systemClock(),
  ({ address, port, code }) => {
    throw new BenchFailure(`cannot listen on ${address}:${port}: ${code}`);
  },
  (error) => {
    throw error;
  },
);
const SERVICE_PORT = 18_080;
forwarder.apply("services/bench/web", {
  namespace: "bench",
  name: "web",
  healthCheck: undefined,
  ports: (["TCP", "UDP"] as const).map((protocol) => {
    const target: Target = { address: "127.0.0.1", port: protocol === "TCP" ? ports.tcp : ports.udp };
    const entrance = { address: SERVICE, port: SERVICE_PORT, traffic: "internal", sources: [] } as const;
    return { name: protocol, protocol, affinity_ms: 0, entrances: [entrance], internal: [target], external: [] };
  }),
});
const direct: Target = { address: "127.0.0.1", port: ports.tcp };
const proxied: Target = { address: SERVICE, port: SERVICE_PORT };
await untilListening(proxied);

await compare("kept connection", REQUESTS_A_TURN, async (to) => {
  const socket = await dial(to);
  return { ask: () => ask(socket), end: () => socket.destroy() };
});
await compare("a connection each", CONNECTIONS_A_TURN, async (to) => ({
  ask: async () => {
    const socket = await dial(to);
    await ask(socket);
    socket.destroy();
  },
  end: () => {},
}));
await compare("UDP", REQUESTS_A_TURN, async (to) => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.connect(to === direct ? ports.udp : to.port, to.address, resolve));
  const datagram = Buffer.alloc(100, "u");
  return {
    ask: async () => {
      socket.send(datagram);
      await once(socket, "message");
    },
    end: () => socket.close(),
  };
});
for (const [name, to] of [
  ["direct", direct],
  ["proxied", proxied],
] as const)
  figures.push({ suite: "proxy", case: "bulk", metric: `${name} throughput`, value: await throughput(to), unit: "MiB/s", conditions });
await forwarder.close();
await backend.terminate();
printFigures(figures, process.argv.includes("--json"));

interface Client {
  ask(): Promise<void>;
  end(): void;
}

async function compare(name: string, asked: number, client: (to: Target) => Promise<Client>): Promise<void> {
  const times: Record<string, number[]> = { direct: [], proxied: [] };
  const clients = [
    ["direct", await client(direct)],
    ["proxied", await client(proxied)],
  ] as const;
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [way, { ask }] of clients) {
      for (let n = 0; n < asked; n++) {
        const began_ms = performance.now();
        await ask();
        // The first turn is for the compiler.
        if (turn > 0) times[way]?.push((performance.now() - began_ms) * US_PER_MS);
      }
    }
  }
  for (const [, { end }] of clients) end();
  for (const share of [0.5, 0.99]) {
    const of = (way: string): number => percentile(times[way] ?? [], share) ?? 0;
    const [plain, through] = [of("direct"), of("proxied")];
    const figure = (metric: string, value: number, unit: string): void =>
      void figures.push({ suite: "proxy", case: name, metric: `p${share * 100} ${metric}`, value, unit, conditions });
    figure("direct", plain, "µs");
    figure("proxied", through, "µs");
    figure("more", through - plain, "µs");
    figure("more in proportion", (through / plain - 1) * 100, "%");
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
