import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ErrorCode } from "nats";
import { afterEach, expect, test } from "vitest";
import { firstConnection } from "../../../cluster/nats/first-connection.ts";

const SILENCE_MS = 50;
const INFO = JSON.stringify({ server_id: "S", version: "2.10.27", proto: 1, headers: true, max_payload: 1_048_576 });

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, "close");
  }
});

/** A server that takes connections and says nothing to the first ones; those after them it greets and answers as NATS does. */
async function busyServer(silences: number): Promise<{ readonly address: string; readonly taken: () => number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    if (taken <= silences) return;
    socket.write(`INFO ${INFO}\r\n`);
    socket.on("data", (frame) => {
      if (frame.includes("PING\r\n")) socket.write("PONG\r\n");
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, taken: () => taken };
}

/** Says one time after the other, and the last one from then on. */
function clockOf(...times_ms: readonly number[]): { monotonic_ms(): number } {
  const left = [...times_ms];
  return { monotonic_ms: () => (left.length > 1 ? left.shift() : left[0]) ?? 0 };
}

test("a server that was too busy to answer is asked again", async () => {
  const { address, taken } = await busyServer(2);
  const connection = await firstConnection({ servers: address, timeout: SILENCE_MS }, clockOf(0));
  expect(connection.info?.server_id).toBe("S");
  expect(taken()).toBeGreaterThan(2);
  await connection.close();
});

test("one that keeps silent is given up after ten seconds", async () => {
  const { address, taken } = await busyServer(Number.POSITIVE_INFINITY);
  const given = firstConnection({ servers: address, timeout: SILENCE_MS }, clockOf(0, 2_000, 9_999, 10_000));
  await expect(given).rejects.toMatchObject({ code: ErrorCode.Timeout });
  expect(taken()).toBe(3);
});

test("where nobody listens, it fails at once", async () => {
  const { address } = await busyServer(0);
  const [server] = servers.splice(0);
  server?.close();
  // Whoever asks again as long as time stands still asks for ever.
  await expect(firstConnection({ servers: address }, clockOf(0))).rejects.toMatchObject({ code: ErrorCode.ConnectionRefused });
});
