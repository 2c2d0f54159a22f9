import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { request as secureRequest } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { IngressDoor, Routing } from "../../../../actors/node/ingress/ingress-door.ts";
import { NO_ROUTES, type RoutingTable } from "../../../../actors/node/ingress/routing-table.ts";
import type { Target } from "../../../../actors/node/proxy/forwarding.ts";
import { makeAuthority } from "../../../cluster/gateway/certificates.ts";
import { freePortOf } from "../proxy/loopback.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

interface Web extends Target {
  readonly asked: IncomingMessage[];
  readonly server: Server;
}

/** A server that says its name, the method, the path and what it was sent. */
async function web(name: string, answer?: (request: IncomingMessage) => void): Promise<Web> {
  const asked: IncomingMessage[] = [];
  const server = createServer(async (incoming, response) => {
    asked.push(incoming);
    answer?.(incoming);
    let body = "";
    for await (const chunk of incoming) body += chunk;
    response.end(`${name} ${incoming.method} ${incoming.url} ${body}`);
  });
  server.on("upgrade", (incoming, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${incoming.headers.upgrade}\r\n\r\n`);
    socket.pipe(socket);
  });
  server.listen(0, "127.58.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { address: "127.58.0.1", port: (server.address() as AddressInfo).port, asked, server };
}

async function door(table: Partial<RoutingTable>, secure = false): Promise<IngressDoor & { readonly routing: Routing }> {
  const routing = new Routing({ ...NO_ROUTES, ...table });
  const made = new IngressDoor({ address: "127.58.1.1", port: 0, secure, routing });
  await made.open();
  closers.push(() => {
    made.shut();
    routing.agent.destroy();
  });
  return Object.assign(made, { routing });
}

const backend = (...targets: Target[]): RoutingTable["defaultBackend"] => ({ name: "d/s:80", targets });

function ask(at: IngressDoor, path: string, options: { method?: string; body?: string; headers?: object } = {}): Promise<[number, string]> {
  const { method = "GET", body = "", headers = {} } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.58.1.1",
      port: at.port,
      path,
      method,
      headers: { host: "shop.example", ...headers },
      agent: false,
    });
    outgoing.on("error", reject);
    outgoing.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve([response.statusCode ?? 0, text]);
    });
    outgoing.end(body);
  });
}

describe("requests", () => {
  test("go on as they came, with whence, to all endpoints in turn", async () => {
    const [a, b] = [await web("a"), await web("b")];
    const at = await door({ defaultBackend: backend(a, b) });
    const answers = [await ask(at, "/x?y=%2F", { method: "POST", body: "hello" }), await ask(at, "/"), await ask(at, "/")];
    expect(answers).toEqual([
      [200, "a POST /x?y=%2F hello"],
      [200, "b GET / "],
      [200, "a GET / "],
    ]);
    expect(a.asked[0]?.headers).toMatchObject({
      host: "shop.example",
      "x-forwarded-host": "shop.example",
      "x-forwarded-proto": "http",
      "x-forwarded-port": String(at.port),
      "x-forwarded-for": "127.0.0.1",
    });
  });

  test("that lead nowhere are told so", async () => {
    const at = await door({});
    expect((await ask(at, "/"))[0]).toBe(404);
    at.routing.change({ ...NO_ROUTES, defaultBackend: backend() });
    expect(await ask(at, "/")).toEqual([503, "nobody is behind d/s:80\n"]);
    at.routing.change({ ...NO_ROUTES, defaultBackend: backend({ address: "127.58.0.9", port: await freePortOf("127.58.0.9") }) });
    expect(await ask(at, "/")).toEqual([502, "nobody answers behind d/s:80\n"]);
  });

  test("lose nothing to an endpoint that refuses, whatever they bring", async () => {
    const dead = { address: "127.58.0.9", port: await freePortOf("127.58.0.9") };
    const at = await door({ defaultBackend: backend(dead, await web("a")) });
    const body = "z".repeat(300_000);
    for (let n = 0; n < 4; n++) expect(await ask(at, "/", { method: "POST", body })).toEqual([200, `a POST / ${body}`]);
  });

  test("lose nothing to a kept connection that has ended meanwhile", async () => {
    const a = await web("a");
    const at = await door({ defaultBackend: backend(a) });
    for (let n = 0; n < 5; n++) {
      expect((await ask(at, "/"))[0]).toBe(200);
      a.server.closeAllConnections();
    }
  });

  test("that an endpoint took and broke off are not asked of another", async () => {
    const breaking = await web("a", ({ socket }) => socket.destroy());
    const other = await web("b");
    const at = await door({ defaultBackend: backend(breaking, other) });
    expect((await ask(at, "/", { method: "POST", body: "pay" }))[0]).toBe(502);
    expect(other.asked).toHaveLength(0);
  });

  test("may switch to another protocol", async () => {
    const at = await door({ defaultBackend: backend(await web("a")) });
    const socket = connect(at.port, "127.58.1.1");
    closers.push(() => socket.destroy());
    socket.write("GET /live HTTP/1.1\r\nhost: shop.example\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n");
    let text = "";
    while (!text.includes("\r\n\r\n")) text += ((await once(socket, "data")) as [Buffer])[0];
    expect(text).toMatch(/^HTTP\/1.1 101 /);
    socket.write("hello");
    expect(String(((await once(socket, "data")) as [Buffer])[0])).toBe("hello");
  });
});

test("by TLS each host has its certificate, and who has none is not let in", async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.server();
  const at = await door({ defaultBackend: backend(await web("a")), certificates: new Map([["localhost", { cert, key }]]) }, true);
  const asked = (servername: string): Promise<string> =>
    new Promise((resolve) => {
      const options = { host: "127.58.1.1", port: at.port, path: "/", servername, ca: authority.cert, agent: false } as const;
      secureRequest(options, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(text);
      })
        .on("error", (error: NodeJS.ErrnoException) => resolve(`refused: ${error.code}`))
        .end();
    });
  expect(await asked("localhost")).toBe("a GET / ");
  expect(await asked("other.example")).toMatch(/^refused: /);
});
