/** The thread of a service's pod: answers HTTP requests with 1 KB, and datagrams with themselves. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort } from "node:worker_threads";

const BODY = Buffer.alloc(1_024, "x");
const CHUNK = Buffer.alloc(65_536, "y");

const server = createServer((request, response) => {
  const bytes = Number(/^\/bytes\/(\d+)$/.exec(request.url ?? "")?.[1] ?? 0);
  if (bytes === 0) {
    response.setHeader("content-length", BODY.length);
    response.end(BODY);
    return;
  }
  response.setHeader("content-length", bytes);
  let left = bytes;
  const write = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (!response.write(chunk)) {
        response.once("drain", write);
        return;
      }
    }
    response.end();
  };
  write();
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1");
const udp = createSocket("udp4");
udp.on("message", (datagram, { port, address }) => udp.send(datagram, port, address));
udp.bind(0, "127.0.0.1");
await Promise.all([once(server, "listening"), once(udp, "listening")]);
parentPort?.postMessage({ tcp: (server.address() as AddressInfo).port, udp: udp.address().port });
