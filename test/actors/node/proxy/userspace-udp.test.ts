import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Target } from "../../../../actors/node/proxy/forwarding.ts";
import { FLOW_IDLE_MS } from "../../../../actors/node/proxy/userspace/limits.ts";
import { UserspaceForwarder } from "../../../../actors/node/proxy/userspace/userspace-forwarder.ts";
import { seededRandom, virtualClock } from "../../../../runtime/mod.ts";
import { freePortOf, udpBackend } from "./loopback.ts";

const CLUSTER_IP = "127.96.78.1";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(name: string, address: string): Promise<Target & { close(): Promise<void> }> {
  const made = await udpBackend(address, name);
  closers.push(made.close);
  return made;
}

async function client(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  closers.push(async () => socket.close());
  return socket;
}

/** The answer to a datagram; sent again until there is one, since who sends one knows nothing of whether it arrives. */
async function asked(socket: Socket, to: Target, text: string): Promise<string> {
  const answer = once(socket, "message");
  const again = setInterval(() => socket.send(text, to.port, to.address), 100);
  socket.send(text, to.port, to.address);
  const [datagram] = (await answer) as [Buffer];
  clearInterval(again);
  return datagram.toString();
}

async function rig(): Promise<{
  serve(targets: readonly Target[]): void;
  readonly at: Target;
  readonly clock: ReturnType<typeof virtualClock>;
}> {
  const clock = virtualClock();
  const forwarder = new UserspaceForwarder(clock, seededRandom(1), () => {});
  closers.push(() => forwarder.close());
  const at = { address: CLUSTER_IP, port: await freePortOf(CLUSTER_IP) };
  const serve = (internal: readonly Target[]): void => {
    const entrances = internal.length === 0 ? [] : [{ ...at, traffic: "internal", sources: [] } as const];
    const port = { name: "", protocol: "UDP", affinity_ms: 0, entrances, internal, external: [], keepsClients: false } as const;
    forwarder.apply("services/d/u", { namespace: "d", name: "u", ports: [port], healthCheck: undefined });
  };
  return { serve, at, clock };
}

test("each client has an endpoint of its own, and keeps it", async () => {
  const { serve, at } = await rig();
  serve([await backend("a", "127.56.0.1"), await backend("b", "127.56.0.2")]);
  const [one, two] = [await client(), await client()];
  const first = await asked(one, at, "x");
  const second = await asked(two, at, "x");
  expect([first, second].sort()).toEqual(["a:x", "b:x"]);
  expect([await asked(one, at, "x"), await asked(two, at, "x")]).toEqual([first, second]);
});

test("who was silent for long is led anew", async () => {
  const { serve, at, clock } = await rig();
  serve([await backend("a", "127.56.0.1"), await backend("b", "127.56.0.2")]);
  const one = await client();
  const first = await asked(one, at, "x");
  clock.advance(FLOW_IDLE_MS / 2);
  clock.advance(FLOW_IDLE_MS);
  expect(await asked(one, at, "x")).not.toBe(first);
});

test("an endpoint that is none any more gets nothing more, and neither does one that refuses", async () => {
  const { serve, at } = await rig();
  const [a, b] = [await backend("a", "127.56.0.1"), await backend("b", "127.56.0.2")];
  serve([a]);
  const one = await client();
  expect(await asked(one, at, "x")).toBe("a:x");
  serve([b]);
  expect(await asked(one, at, "x")).toBe("b:x");
  const dead = { address: "127.56.0.9", port: await freePortOf("127.56.0.9") };
  serve([dead, a]);
  expect(await asked(one, at, "y")).toBe("a:y");
});
