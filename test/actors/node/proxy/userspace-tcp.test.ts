import { once } from "node:events";
import { get } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ForwarderReport, PortForwarding, ServiceForwarding, Target } from "../../../../actors/node/proxy/forwarding.ts";
import { breakOff } from "../../../../actors/node/proxy/userspace/break-off.ts";
import { UserspaceForwarder } from "../../../../actors/node/proxy/userspace/userspace-forwarder.ts";
import { seededRandom, systemClock } from "../../../../runtime/mod.ts";
import { type Backend, dial, freePortOf, lineOf, restOf, tcpBackend } from "./loopback.ts";

const CLUSTER_IP = "127.96.77.1";
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(name: string, address: string): Promise<Backend> {
  const made = await tcpBackend(address, name);
  closers.push(made.close);
  return made;
}

interface Rig {
  readonly forwarder: UserspaceForwarder;
  readonly reports: ForwarderReport[];
  readonly at: Target;
  serve(internal: readonly Target[], more?: Partial<PortForwarding> & { readonly healthCheck?: ServiceForwarding["healthCheck"] }): void;
}

async function rig(): Promise<Rig> {
  const reports: ForwarderReport[] = [];
  const forwarder = new UserspaceForwarder(systemClock(), seededRandom(1), (report) => reports.push(report));
  closers.push(() => forwarder.close());
  const at = { address: CLUSTER_IP, port: await freePortOf(CLUSTER_IP) };
  const serve: Rig["serve"] = (internal, { healthCheck, ...more } = {}) => {
    const entrances = internal.length === 0 ? [] : [{ ...at, traffic: "internal", sources: [] } as const];
    const port: PortForwarding = {
      name: "",
      protocol: "TCP",
      affinity_ms: 0,
      entrances,
      internal,
      external: [],
      keepsClients: false,
      ...more,
    };
    forwarder.apply("services/d/s", { namespace: "d", name: "s", ports: [port], healthCheck });
  };
  return { forwarder, reports, at, serve };
}

/** The name of the backend that a new connection is led to. */
async function ledTo(at: Target, from?: string): Promise<string> {
  const socket = await dial(at, from);
  const [name = ""] = (await lineOf(socket)).split(" ");
  socket.destroy();
  return name;
}

describe("a service by TCP", () => {
  test("leads its clients to all endpoints in turn", async () => {
    const { at, serve } = await rig();
    serve([await backend("a", "127.55.0.1"), await backend("b", "127.55.0.2"), await backend("c", "127.55.0.3")]);
    const names: string[] = [];
    for (let n = 0; n < 6; n++) names.push(await ledTo(at));
    expect([...names.slice(0, 3)].sort()).toEqual(["a", "b", "c"]);
    expect(names.slice(3)).toEqual(names.slice(0, 3));
  });

  test("keeps halves apart: who has said all may hear on", async () => {
    const { at, serve } = await rig();
    serve([await backend("a", "127.55.0.1")]);
    const socket = await dial(at);
    socket.end("one two three");
    expect(await restOf(socket)).toMatch(/^a [\d.]+\none two threebye$/);
  });

  test("a client with an address of its own is seen by it", async () => {
    const { at, serve } = await rig();
    serve([await backend("a", "127.55.0.1")]);
    const socket = await dial(at, "127.55.1.1");
    expect(await lineOf(socket)).toBe("a 127.55.1.1");
    socket.destroy();
  });

  test("who reads slowly makes the other wait, and gets everything", async () => {
    const { at, serve } = await rig();
    const one = await backend("a", "127.55.0.1");
    serve([one]);
    const socket = await dial(at);
    await lineOf(socket);
    const size = 32 * 1_024 * 1_024;
    socket.pause();
    const sent = new Promise<void>((resolve) => socket.end(Buffer.alloc(size, "z"), () => resolve()));
    let received = 0;
    for await (const chunk of socket) received += (chunk as Buffer).length;
    await sent;
    expect(received).toBe(size + "bye".length);
  });

  test("an endpoint that refuses costs nobody a connection", async () => {
    const { at, serve } = await rig();
    const dead = { address: "127.55.0.9", port: await freePortOf("127.55.0.9") };
    serve([dead, await backend("a", "127.55.0.1")]);
    for (let n = 0; n < 4; n++) expect(await ledTo(at)).toBe("a");
  });

  test("when all refuse, the client is told", async () => {
    const { at, serve } = await rig();
    serve([{ address: "127.55.0.9", port: await freePortOf("127.55.0.9") }]);
    const socket = await dial(at);
    await expect(restOf(socket)).rejects.toThrow(/ECONNRESET/);
  });

  test("a connection that is broken off is broken off on the other side", async () => {
    const { at, serve } = await rig();
    const one = await backend("a", "127.55.0.1");
    serve([one]);
    const socket = await dial(at);
    await lineOf(socket);
    const gone = closed(socket);
    one.connections[0]?.resetAndDestroy();
    await gone;
    const other = await dial(at);
    await lineOf(other);
    const ended = closed(one.connections[1] ?? other);
    other.resetAndDestroy();
    await ended;
  });

  test("without endpoints there is nobody, and connections that stand go on", async () => {
    const { at, serve } = await rig();
    const one = await backend("a", "127.55.0.1");
    serve([one]);
    const standing = await dial(at);
    await lineOf(standing);
    serve([]);
    const refused = connect({ host: at.address, port: at.port });
    await expect(once(refused, "connect")).rejects.toThrow(/ECONNREFUSED/);
    standing.write("still here\n");
    expect(await lineOf(standing)).toBe("still here");
    standing.destroy();
    serve([one]);
    expect(await ledTo(at)).toBe("a");
  });

  test("a client comes back to the endpoint that it had, for as long as that is one", async () => {
    const { at, serve } = await rig();
    const both = [await backend("a", "127.55.0.1"), await backend("b", "127.55.0.2")] as const;
    serve(both, { affinity_ms: 60_000 });
    const [first, second] = [await ledTo(at, "127.55.1.1"), await ledTo(at, "127.55.1.2")];
    expect(first).not.toBe(second);
    for (let n = 0; n < 3; n++) expect([await ledTo(at, "127.55.1.1"), await ledTo(at, "127.55.1.2")]).toEqual([first, second]);
    serve(
      both.filter((_one, index) => (index === 0 ? "a" : "b") !== first),
      { affinity_ms: 60_000 },
    );
    expect(await ledTo(at, "127.55.1.1")).toBe(second);
  });

  test("only those of the source ranges are let in", async () => {
    const { at, serve } = await rig();
    const one = await backend("a", "127.55.0.1");
    serve([one], { entrances: [{ ...at, traffic: "internal", sources: ["127.55.1.0/24"] }] });
    expect(await ledTo(at, "127.55.1.7")).toBe("a");
    const other = connect({ host: at.address, port: at.port, localAddress: "127.55.2.7" });
    await expect(restOf(other)).rejects.toThrow(/ECONNRESET/);
  });
});

function closed(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

test("a port that somebody has is reported once, and taken when it is free", async () => {
  const { forwarder, reports, at, serve } = await rig();
  const squatter = await tcpBackend(at.address, "squatter");
  const one = await backend("a", "127.55.0.1");
  const entrance = { address: squatter.address, port: squatter.port, traffic: "internal", sources: [] } as const;
  serve([one], { entrances: [{ ...at, traffic: "internal", sources: [] }, entrance] });
  await expect
    .poll(() => reports)
    .toEqual([
      {
        type: "cannotListen",
        service: "services/d/s",
        protocol: "TCP",
        address: squatter.address,
        port: squatter.port,
        code: "EADDRINUSE",
      },
    ]);
  expect(await ledTo(at)).toBe("a");
  await squatter.close();
  await expect.poll(() => ledTo(entrance), { timeout: 10_000 }).toBe("a");
  expect(reports).toHaveLength(1);
  await forwarder.close();
});

test("load balancers hear how many endpoints are here", async () => {
  const { serve } = await rig();
  const port = await freePortOf("127.55.3.1");
  const asked = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      get({ host: "127.55.3.1", port }, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve([response.statusCode, response.headers["x-load-balancing-endpoint-weight"], JSON.parse(text)]);
      }).on("error", reject);
    });
  const said = (localEndpoints: number): object => ({ service: { namespace: "d", name: "s" }, localEndpoints, serviceProxyHealthy: true });
  serve([], { healthCheck: { addresses: ["127.55.3.1"], port, localEndpoints: 2 } });
  await expect.poll(() => asked().catch(() => undefined)).toEqual([200, "2", said(2)]);
  serve([], { healthCheck: { addresses: ["127.55.3.1"], port, localEndpoints: 0 } });
  expect(await asked()).toEqual([503, "0", said(0)]);
});

describe("a connection that is broken off", () => {
  test.each([
    ["with more to write", (socket: Socket) => void socket.write(Buffer.alloc(8_000_000)), true],
    ["with more to write before its end", (socket: Socket) => void socket.end(Buffer.alloc(8_000_000)), true],
    ["in the moment of its end", (socket: Socket) => void socket.end("all"), false],
    ["with its end on the way", (socket: Socket) => void socket.end(), false],
  ])("%s is closed, and its peer is not deceived", async (_, before, wasCutOff) => {
    const taken = Promise.withResolvers<Socket>();
    const server = createServer({ allowHalfOpen: true }, taken.resolve);
    closers.push(async () => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
    closers.push(async () => peer.destroy());
    const broken = new Promise<boolean>((resolve) => peer.once("error", () => resolve(true)).once("end", () => resolve(false)));
    const socket = await taken.promise;
    const closed = once(socket, "close");
    before(socket);
    breakOff(socket);
    await closed;
    peer.resume();
    expect(await broken).toBe(wasCutOff);
  });
});
