import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { SpdySession } from "../../../../actors/node/streaming/spdy/session.ts";
import type { DialPort } from "../../../../cluster/gateway/connections/dial-port.ts";
import { acceptSpdy } from "../../../../cluster/gateway/connections/spdy-command.ts";
import { StreamPairs } from "../../../../cluster/gateway/connections/stream-pairs.ts";
import { systemClock } from "../../../../runtime/mod.ts";
import { type Backend, tcpBackend } from "../../../actors/node/proxy/loopback.ts";
import { SpdyClient, switchingServer } from "./switching-server.ts";

/** Says its name, gives back what it gets, and `bye` when its client has ended its half. */
let backend: Backend;
beforeAll(async () => {
  backend = await tcpBackend("127.0.0.1", "pod");
});
afterAll(() => backend.close());

let spdy: SpdyClient;
let close = (): void => {};
afterEach(() => {
  spdy.close();
  close();
});

async function forwarding(): Promise<void> {
  const dial: DialPort = async (port) => {
    if (port !== backend.port) throw new Error(`error forwarding port ${port}`);
    const socket = connect({ host: backend.address, port, allowHalfOpen: true });
    await once(socket, "connect");
    return socket;
  };
  const server = await switchingServer((request, response) => {
    const pairs = new StreamPairs("p", dial, systemClock());
    const session = new SpdySession(acceptSpdy("portforward.k8s.io", request, response), (stream) => pairs.add(stream));
    void session.run().then(() => pairs.end());
  });
  close = server.close;
  spdy = await SpdyClient.connect(server.port, "portforward.k8s.io");
}

test("each pair of streams is a connection of its own, in both directions to its end", async () => {
  await forwarding();
  const connections = [];
  for (const requestid of ["0", "1"]) {
    const headers = { port: String(backend.port), requestid };
    const error = await spdy.open({ ...headers, streamtype: "error" });
    error.end();
    connections.push({ error, data: await spdy.open({ ...headers, streamtype: "data" }) });
  }
  for (const [index, { data }] of connections.entries()) data.write(`hello ${index}`);
  for (const [index, { data }] of connections.entries()) await data.until(`hello ${index}`);
  for (const { data } of connections) data.end();
  for (const [index, { data, error }] of connections.entries()) {
    expect(await data.ended).toEqual({ text: `pod 127.0.0.1\nhello ${index}bye`, isReset: false });
    expect(await error.ended).toEqual({ text: "", isReset: false });
  }
});

test("many bytes come through whole, and a client that resets its stream ends the connection in the pod", async () => {
  await forwarding();
  const headers = { port: String(backend.port), requestid: "0" };
  const error = await spdy.open({ ...headers, streamtype: "error" });
  const data = await spdy.open({ ...headers, streamtype: "data" });
  for (let piece = 0; piece < 32; piece++) data.write(Buffer.alloc(32_768, "x"));
  data.write("end");
  await data.until("xend");
  const connection = backend.connections.at(-1);
  const closed = connection === undefined ? undefined : once(connection, "close");
  data.reset();
  expect(await error.ended).toEqual({ text: "", isReset: false });
  await closed;
});

test("old clients number no requests; what cannot be reached says why on the stream for errors; nonsense is refused", async () => {
  await forwarding();
  const port = String(backend.port);
  await spdy.open({ port, streamtype: "error" });
  const data = await spdy.open({ port, streamtype: "data" });
  await data.until("pod 127.0.0.1\n");
  const error = await spdy.open({ port: "9", streamtype: "error", requestid: "1" });
  const refused = await spdy.open({ port: "9", streamtype: "data", requestid: "1" });
  expect(await error.ended).toEqual({ text: "error forwarding port 9", isReset: false });
  expect((await refused.ended).isReset).toBe(true);
  for (const headers of [{ port: "0", streamtype: "data" }, { port, streamtype: "other" }, { streamtype: "data" }]) {
    expect((await (await spdy.open(headers)).ended).isReset).toBe(true);
  }
});
