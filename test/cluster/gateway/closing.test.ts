import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { startGateway } from "./harness.ts";

test.each(["h2", "http/1.1"])("a handshake for %s that ends when all connections have been closed makes none", async (protocol) => {
  const server = await startGateway();
  const plain = connectPlain(Number(new URL(server.url).port), "127.0.0.1");
  await once(plain, "connect");
  // Its accepting side has seen the connection, too.
  await server.call("GET", "/version");
  const stopped = server.stop();
  await new Promise((resolve) => setImmediate(resolve));
  const socket = connect({ socket: plain, ca: server.authority.cert, ALPNProtocols: [protocol], servername: "localhost" });
  socket.on("error", () => {});
  const closed = once(socket, "close");
  await stopped;
  await closed;
  expect(socket.destroyed).toBe(true);
});
