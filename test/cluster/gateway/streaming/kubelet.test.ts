import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Kubelets } from "../../../../cluster/outbound/kubelets.ts";
import type { Authority, Pair } from "../certificates.ts";
import { startGateway, type TestGateway } from "../harness.ts";

/** What a machine that has joined answers, that does all that it should not. */
let door: Server;
let authority: Authority;
let gateway: TestGateway;
let kubelet: Pair;
let heard: IncomingMessage[] = [];
/** As whom. */
let shown: unknown[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

const PODS = "/api/v1/namespaces/default/pods";
const LOG = `${PODS}/web/log`;

beforeAll(async () => {
  gateway = await startGateway({
    wrap: (options) => ({
      ...options,
      kubelets: new Kubelets({ view: options.view, own: options.own, credentials: () => ({ ...kubelet, ca: authority.cert }) }),
    }),
  });
  authority = gateway.authority;
  kubelet = await authority.client("kube-apiserver-kubelet-client", []);
  const serving = await authority.server("one.node.troupe.internal");
  door = createServer({ ...serving, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    heard.push(request);
    shown.push((request.socket as TLSSocket).getPeerCertificate().subject.CN);
    answer(request, response);
  });
  door.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    heard.push(request);
    socket.end(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: a=b\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
    );
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  for (const name of ["one", "other"]) await node(name, (door.address() as AddressInfo).port);
  for (const [name, nodeName] of [
    ["web", "one"],
    ["elsewhere", "other"],
  ]) {
    const spec = { nodeName, containers: [{ name: "c", image: "i" }] };
    expect((await gateway.call("POST", PODS, { metadata: { name }, spec })).status).toBe(201);
  }
});
afterAll(async () => {
  door.closeAllConnections();
  door.close();
  await gateway.stop();
});
beforeEach(() => {
  heard = [];
  shown = [];
  answer = (_request, response) => response.end("printed\n");
});

async function node(name: string, port: number): Promise<void> {
  const status = { addresses: [{ type: "InternalIP", address: "127.0.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: port } } };
  const metadata = { name, labels: { "troupe.dev/machine": "process" } };
  expect((await gateway.call("POST", "/api/v1/nodes", { metadata, status })).status).toBe(201);
}

test("a log is the machine's, in the words of kubelets, and asked for as the API server", async () => {
  const log = await gateway.call("GET", `${LOG}?container=c&tailLines=5&timestamps=true`);
  expect([log.status, log.text, log.headers["content-type"]]).toEqual([200, "printed\n", "text/plain"]);
  expect(heard.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /containerLogs/default/web/c?tailLines=5&timestamps=true"]);
  expect(shown).toEqual(["kube-apiserver-kubelet-client"]);
});

test("what clients show of themselves stays at the API server", async () => {
  const shown = { authorization: "Bearer x", cookie: "session=1", "impersonate-user": "admin", "x-remote-user": "admin" };
  await gateway.call("GET", LOG, undefined, shown);
  expect(Object.keys(heard[0]?.headers ?? {}).filter((name) => name in shown)).toEqual([]);
});

test("what a machine answers is text of a pod, and nothing to browsers", async () => {
  answer = (_request, response) =>
    response
      .writeHead(302, {
        "Content-Type": "text/html",
        Location: "https://evil.example/",
        "Set-Cookie": "a=b",
        "Access-Control-Allow-Origin": "*",
      })
      .end("<script>");
  const { headers } = await gateway.call("GET", LOG);
  expect(headers).toMatchObject({ "content-type": "text/plain", "x-content-type-options": "nosniff" });
  for (const name of ["location", "set-cookie", "access-control-allow-origin"]) expect(headers[name], name).toBeUndefined();
});

test("whoever has no certificate of the node hears nothing of what is asked", async () => {
  const log = await gateway.call("GET", `${PODS}/elsewhere/log`);
  expect([log.status, log.json().message]).toEqual([500, expect.stringMatching(/^error dialing backend: .*other\.node\.troupe\.internal/)]);
  expect(heard).toEqual([]);
});

test("nor does the API server itself, where a node says that it is there", async () => {
  await node("self", Number(new URL(gateway.url).port));
  const spec = { nodeName: "self", containers: [{ name: "c", image: "i" }] };
  await gateway.call("POST", PODS, { metadata: { name: "self" }, spec });
  expect((await gateway.call("GET", `${PODS}/self/log`)).status).toBe(500);
});

test("streams are switched with the machine, without the token that a browser shows as a protocol and without what the machine adds", async () => {
  const url = `${gateway.url.replace("https", "wss")}${PODS}/web/exec?command=sh&command=-c&stdin=true&stdout=true&tty=true`;
  const protocols = ["v5.channel.k8s.io", "base64url.bearer.authorization.k8s.io.c2VjcmV0"];
  const socket = new WebSocket(url, protocols, { ca: authority.cert, cert: gateway.admin.cert, key: gateway.admin.key });
  const failed = await new Promise<string>((resolve) => {
    socket.once("upgrade", (response) => resolve(JSON.stringify(response.headers)));
    socket.once("error", () => {});
    socket.once("unexpected-response", (_request, response) => resolve(`${response.statusCode}`));
  });
  socket.terminate();
  expect(heard[0]?.url).toBe("/exec/default/web/c?input=1&output=1&tty=1&command=sh&command=-c");
  expect(heard[0]?.headers["sec-websocket-protocol"]).toBe("v5.channel.k8s.io");
  expect(failed).toContain("v5.channel.k8s.io");
  expect(failed).not.toContain("set-cookie");
});

test("where nobody listens it is said who does not", async () => {
  await node("away", 1);
  await gateway.call("POST", PODS, { metadata: { name: "away" }, spec: { nodeName: "away", containers: [{ name: "c", image: "i" }] } });
  const log = await gateway.call("GET", `${PODS}/away/log`);
  expect([log.status, log.json().message]).toEqual([500, "error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused"]);
});
