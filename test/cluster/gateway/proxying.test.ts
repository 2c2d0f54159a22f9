import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { request } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../../bench/driver/free-port.ts";
import type { TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

let server: TestGateway;
let web: Server;
const POD = "127.57.0.1";
const NAMESPACE = "/api/v1/namespaces/default";
const seen: IncomingMessage[] = [];
let port: number;
let ownPort: number;

/** What a pod's server is: it tells what it was asked, leads away, and echoes on a connection that it was asked to switch. */
function podServer(): Server {
  const made = createServer(async (asked, answer) => {
    seen.push(asked);
    let body = "";
    for await (const chunk of asked) body += chunk;
    if (asked.url?.startsWith("/away") === true) {
      answer.writeHead(302, { location: new URLSearchParams(asked.url.split("?")[1]).get("to") ?? "" }).end();
      return;
    }
    answer.writeHead(asked.url === "/missing" ? 404 : 200, { "content-type": "text/x-pod", "set-cookie": ["a=1", "b=2"] });
    answer.end(`${asked.method} ${asked.url} ${body}`);
  });
  made.on("upgrade", (asked, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${asked.headers.upgrade}\r\nx-path: ${asked.url}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  return made;
}

beforeAll(async () => {
  ownPort = await freePort();
  server = await startGateway({ serviceCidr: "127.96.0.0/16", ownPorts: [ownPort] });
  web = podServer();
  await new Promise<void>((resolve) => web.listen(0, POD, resolve));
  port = (web.address() as AddressInfo).port;
  await server.call("POST", "/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "real", labels: { "troupe.dev/runtime": "process" } },
    status: { addresses: [{ type: "InternalIP", address: POD }] },
  });
  const containers = [{ name: "c", image: "i", ports: [{ containerPort: port }] }];
  await server.call("POST", `${NAMESPACE}/pods`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { nodeName: "real", containers },
  });
  const merge = { "content-type": "application/merge-patch+json" };
  const placed = await server.call("PATCH", `${NAMESPACE}/pods/web/status`, { status: { podIP: POD, podIPs: [{ ip: POD }] } }, merge);
  expect(placed.status, placed.text).toBe(200);
  const ports = [{ name: "http", port: 80 }];
  await server.call("POST", `${NAMESPACE}/services`, { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { ports } });
  const addresses = [{ ip: POD, targetRef: { kind: "Pod", namespace: "default", name: "web" } }];
  const endpoints = await server.call("POST", `${NAMESPACE}/endpoints`, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "web" },
    subsets: [{ addresses, ports: [{ name: "http", port }] }],
  });
  expect(endpoints.status, endpoints.text).toBe(201);
});
afterAll(async () => {
  web.close();
  await server.stop();
});

test.each([
  ["a pod, at its first port", "GET", "pods/web/proxy/x/y%2Fz/?q=1", "GET /x/y%2Fz/?q=1 "],
  ["a pod, at a port", "GET", "pods/web:PORT/proxy/", "GET / "],
  ["a service, by the name of its port", "POST", "services/http:web:http/proxy/p", 'POST /p {"a":1}'],
  ["what no object answers", "OPTIONS", "services/web:http/proxy/p", 'OPTIONS /p {"a":1}'],
  ["a service, by its port", "DELETE", "services/web:80/proxy/p", 'DELETE /p {"a":1}'],
])("%s", async (_what, method, path, expected) => {
  const body = method === "GET" ? undefined : { a: 1 };
  const answer = await server.call(method, `${NAMESPACE}/${path.replace("PORT", String(port))}`, body, { accept: "text/x-pod" });
  expect([answer.status, answer.headers["content-type"], answer.headers["set-cookie"], answer.text]).toEqual([
    200,
    "text/x-pod",
    ["a=1", "b=2"],
    expected,
  ]);
});

test("a node, at a port", async () => {
  expect((await server.call("GET", `/api/v1/nodes/real:${port}/proxy/stats`)).text).toBe("GET /stats ");
});

test("the other side's failures are its own, and who is not there is told as Kubernetes tells it", async () => {
  expect((await server.call("GET", `${NAMESPACE}/pods/web/proxy/missing`)).status).toBe(404);
  const free = await new Promise<number>((resolve) => {
    const squatter = createTcpServer().listen(0, POD, () => {
      const { port: found } = squatter.address() as AddressInfo;
      squatter.close(() => resolve(found));
    });
  });
  const refused = (await server.call("GET", `${NAMESPACE}/pods/web:${free}/proxy/x`)).json();
  expect([refused.code, refused.message]).toEqual([
    503,
    `error trying to reach service: dial tcp ${POD}:${free}: connect: connection refused`,
  ]);
});

test("what clients show to the API server stays there; whence they come goes along", async () => {
  seen.length = 0;
  await server.call("GET", `${NAMESPACE}/pods/web/proxy/x`, undefined, {
    authorization: "Bearer x",
    "impersonate-user": "kubernetes-admin",
    "impersonate-group": "system:masters",
    "x-mine": "1",
    host: "localhost",
  });
  const headers = seen[0]?.headers ?? {};
  expect(Object.keys(headers).filter((name) => /^(authorization|impersonate)/.test(name))).toEqual([]);
  expect(headers).toMatchObject({
    "x-mine": "1",
    host: "localhost",
    "x-forwarded-host": "localhost",
    "x-forwarded-uri": `${NAMESPACE}/pods/web/proxy/x`,
    "x-forwarded-proto": "https",
  });
});

test.each([
  ["/there?x=1", `${NAMESPACE}/pods/web/proxy/there?x=1`],
  ["there", "there"],
  ["http://HOST/there", `${NAMESPACE}/pods/web/proxy/there`],
  ["https://elsewhere.example/there", "https://elsewhere.example/there"],
])("a redirection to %s comes back by the proxy", async (location, expected) => {
  const to = encodeURIComponent(location.replace("HOST", `${POD}:${port}`));
  const answer = await server.call("GET", `${NAMESPACE}/pods/web/proxy/away?to=${to}`);
  expect([answer.status, answer.headers.location]).toEqual([302, expected]);
});

test("the root without a slash is led to the one with it", async () => {
  const answer = await server.call("GET", `${NAMESPACE}/pods/web/proxy?x=1`);
  expect([answer.status, answer.headers.location]).toEqual([301, `${NAMESPACE}/pods/web/proxy/?x=1`]);
});

test("the cluster's own ports are not for proxies", async () => {
  const refused = (await server.call("GET", `${NAMESPACE}/pods/web:${ownPort}/proxy/`)).json();
  expect([refused.code, refused.message]).toEqual([400, "address not allowed"]);
});

test("a connection may switch to another protocol", async () => {
  const { port: gateway } = new URL(server.url);
  const key = createHash("sha1").update("x").digest("base64");
  const said = await new Promise<string>((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port: gateway,
      path: `${NAMESPACE}/services/web:http/proxy/live`,
      headers: { connection: "Upgrade", upgrade: "echo", "sec-websocket-key": key },
      ca: server.authority.cert,
      ...server.admin,
    });
    asked.on("error", reject);
    asked.on("upgrade", (answer, socket) => {
      socket.once("data", (chunk: Buffer) => {
        socket.destroy();
        resolve(`${answer.statusCode} ${answer.headers["x-path"]} ${chunk}`);
      });
      socket.write("hello");
    });
    asked.end();
  });
  expect(said).toBe("101 /live hello");
});
