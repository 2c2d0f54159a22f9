import { Agent, createServer, get } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { mayBeSilent, SILENT_CONNECTION_MS } from "../../../cluster/gateway/slow-clients.ts";

test("a connection may be silent while such an answer goes on, and not any longer", async () => {
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    sockets.push(request.socket);
    mayBeSilent(response);
    response.writeHead(200).write("first");
    if (request.url === "/short") response.end();
  });
  server.timeout = SILENT_CONNECTION_MS;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const agent = new Agent({ keepAlive: true });
  const { port } = server.address() as AddressInfo;
  const ask = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port, path, agent }, (answer) => {
        answer.once("data", () => (path === "/short" ? answer.once("end", resolve) : resolve()));
        answer.on("error", () => {});
      }).on("error", reject);
    });
  await ask("/short");
  await expect.poll(() => sockets[0]?.timeout).toBe(SILENT_CONNECTION_MS);
  await ask("/long");
  expect(sockets[1]?.timeout).toBe(0);
  agent.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
