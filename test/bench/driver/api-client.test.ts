import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ApiClient } from "../../../bench/driver/api-client.ts";
import { makeAuthority } from "../../cluster/gateway/certificates.ts";

const authority = await makeAuthority();
const { key, cert } = await authority.server();
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function clientOf(
  connections: number,
  serve: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<{ readonly client: ApiClient; readonly server: Server }> {
  const server = createServer({ key, cert }, (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => serve(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const access = {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: "/",
    authority: authority.cert,
    serverName: undefined,
    insecure: false,
    clientCertificate: undefined,
    clientKey: undefined,
    token: "secret",
  };
  const client = new ApiClient(access, connections);
  closers.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, server };
}

test("more requests than connections are all answered, each with its own answer", async () => {
  let opened = 0;
  const { client, server } = await clientOf(3, ({ method, url, headers }, response, body) => {
    response.end(JSON.stringify({ method, url, body, type: headers["content-type"], who: headers.authorization }));
  });
  server.on("secureConnection", () => opened++);
  const asked = Array.from({ length: 50 }, (_, i) => client.call({ method: "POST", path: `/${i}`, body: `ä${i}` }));
  expect(await Promise.all(asked)).toEqual(
    asked.map((_, i) => ({ method: "POST", url: `/${i}`, body: `ä${i}`, type: "application/json", who: "Bearer secret" })),
  );
  expect(opened).toBe(3);
});

test("a refusal has its body and says when to come again; a server that closes each connection is asked on others", async () => {
  const { client } = await clientOf(1, (_request, response) => {
    response.writeHead(429, { "Retry-After": "7", Connection: "close" }).end('{"message":"busy"}');
  });
  for (let i = 0; i < 3; i++)
    expect(await client.send({ method: "GET", path: "/" })).toEqual({ status: 429, body: '{"message":"busy"}', retryAfter_s: 7 });
});

test("a connection that the server has closed while it was idle is not used again", async () => {
  const { client, server } = await clientOf(1, (_request, response) => response.end("{}"));
  await client.call({ method: "GET", path: "/" });
  const closed = new Promise((resolve) => server.once("secureConnection", resolve));
  server.closeAllConnections();
  let failed = 0;
  // The client may learn of the end only after it has sent once more.
  while (
    await client.call({ method: "GET", path: "/" }).then(
      () => false,
      () => ++failed < 2,
    )
  );
  await closed;
  expect(failed).toBeLessThan(2);
});

test("a stream gives its bytes as they come, and ends when either side closes it", async () => {
  const open: ServerResponse[] = [];
  const { client } = await clientOf(2, (_request, response) => {
    open.push(response);
    response.write("first ");
  });
  let text = "";
  const gather = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  const byServer = await client.stream("/watch", gather);
  open[0]?.end("last");
  await byServer.ended;
  expect(text).toBe("first last");
  const byDriver = await client.stream("/watch", gather);
  byDriver.close();
  await byDriver.ended;
});

test("what is under way when the client is closed fails, and so does what comes after", async () => {
  const { client } = await clientOf(1, () => {});
  const asked = [client.send({ method: "GET", path: "/" }), client.send({ method: "GET", path: "/" })];
  const outcomes = Promise.allSettled(asked);
  await client.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(client.send({ method: "GET", path: "/" })).rejects.toThrow("closed");
});
