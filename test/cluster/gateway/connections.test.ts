import { Agent, WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answered, Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

let server: TestGateway;
const STARTED = "2026-01-01T00:00:00Z";
const PODS = "/api/v1/namespaces/default/pods";
const LINE = "This container is hollow: it has the states of a container, but no process runs in it. It prints nothing but this line.\n";
const MERGE = { "content-type": "application/merge-patch+json" };

async function pod(name: string, nodeName: string | undefined, names: readonly string[], running: boolean): Promise<void> {
  const containers = names.map((one) => ({ name: one, image: "i", ports: [{ containerPort: 80 }] }));
  await server.call("POST", PODS, { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { nodeName, containers } });
  if (!running) return;
  const containerStatuses = names.map((one) => ({
    name: one,
    image: "i",
    imageID: "",
    ready: true,
    restartCount: 0,
    state: { running: { startedAt: STARTED } },
  }));
  const answer = await server.call("PATCH", `${PODS}/${name}/status`, { status: { podIP: "10.128.0.2", containerStatuses } }, MERGE);
  expect(answer.status, answer.text).toBe(200);
}

beforeAll(async () => {
  server = await startGateway();
  const node = (name: string, labels: object): object => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  await server.call("POST", "/api/v1/nodes", node("hollow", { "troupe.dev/runtime": "hollow" }));
  await server.call("POST", "/api/v1/nodes", node("foreign", {}));
  await pod("one", "hollow", ["c"], true);
  await pod("two", "hollow", ["a", "b"], true);
  await pod("waits", "hollow", ["c"], false);
  await pod("unbound", undefined, ["c"], false);
  await pod("abroad", "foreign", ["c"], true);
});
afterAll(() => server.stop());

const get = (path: string): Promise<Answered> => server.call("GET", path);
const statusOf = async (path: string): Promise<[number, string]> => {
  const { code, message } = (await get(path)).json();
  return [code, message];
};

describe("log", () => {
  test("a hollow container has one line, which all options are about", async () => {
    const answer = await get(`${PODS}/one/log`);
    expect([answer.status, answer.headers["content-type"], answer.text]).toEqual([200, "text/plain", LINE]);
    expect((await get(`${PODS}/one/log?timestamps=true`)).text).toBe(`2026-01-01T00:00:00.000000000Z ${LINE}`);
    expect((await get(`${PODS}/one/log?tailLines=0`)).text).toBe("");
    expect((await get(`${PODS}/one/log?limitBytes=4`)).text).toBe("This");
    expect((await get(`${PODS}/one/log?sinceTime=2026-01-01T00:00:01Z`)).text).toBe("");
    expect((await get(`${PODS}/two/log?container=b`)).text).toBe(LINE);
    expect((await get(`${PODS}/unbound/log`)).text).toBe("");
  });

  test.each([
    ["absent/log", 404, 'pods "absent" not found'],
    ["two/log", 400, "a container name must be specified for pod two, choose one of: [a b]"],
    ["one/log?container=x", 400, "container x is not valid for pod one"],
    ["one/log?previous=true", 400, 'previous terminated container "c" in pod "one" not found'],
    ["waits/log", 400, 'container "c" in pod "waits" is waiting to start: ContainerCreating'],
    ["one/log?tailLines=-1", 422, 'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ["one/log?tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["abroad/log", 500, "Internal error occurred: node foreign is not run by Troupe, which so has no way to its containers"],
    ["one/log/more", 404, "the server could not find the requested resource"],
  ])("%s", async (path, code, message) => {
    expect(await statusOf(`${PODS}/${path}`)).toEqual([code, message]);
  });

  test("who follows is told when the pod goes", async () => {
    await pod("short", "hollow", ["c"], true);
    const following = get(`${PODS}/short/log?follow=true`);
    await expect.poll(async () => (await get("/metrics")).text).toMatch(/subresource="log"/);
    await server.call("DELETE", `${PODS}/short?gracePeriodSeconds=0`);
    expect((await following).text).toBe(LINE);
  });

  test("goes over a WebSocket to who asks for one, in the protocol that is offered, or in none", async () => {
    const path = `${PODS}/one/log?container=c`;
    expect(await heard(path, [])).toEqual({ protocol: "", messages: [Buffer.alloc(0), Buffer.from(LINE)] });
    expect(await heard(path, ["binary.k8s.io"])).toEqual({ protocol: "binary.k8s.io", messages: [Buffer.alloc(0), Buffer.from(LINE)] });
    const text = Buffer.from(LINE).toString("base64");
    expect(await heard(path, ["base64.binary.k8s.io"])).toEqual({ protocol: "base64.binary.k8s.io", messages: ["", text] });
    await expect(heard(path, ["channel.k8s.io"])).rejects.toThrow();
  });
});

/** Opens a WebSocket as clients do and gives what came. */
function heard(path: string, protocols: string[]): Promise<{ readonly protocol: string; readonly messages: (string | Buffer)[] }> {
  const agent = new Agent({ connect: { ca: server.authority.cert, ...server.admin } });
  const socket = new WebSocket(`${server.url.replace("https", "wss")}${path}`, { protocols, dispatcher: agent });
  socket.binaryType = "arraybuffer";
  const messages: (string | Buffer)[] = [];
  return new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => {
      messages.push(typeof data === "string" ? data : Buffer.from(data as ArrayBuffer));
    });
    socket.addEventListener("error", ({ error }) => reject(error));
    socket.addEventListener("close", ({ code }) => {
      void agent.close();
      if (code === 1000) resolve({ protocol: socket.protocol, messages });
      else reject(new Error(`closed with ${code}`));
    });
  });
}

/** The same, by channel. */
async function spoken(path: string, protocols: string[]): Promise<{ readonly protocol: string; readonly messages: [number, Buffer][] }> {
  const { protocol, messages } = await heard(path, protocols);
  return { protocol, messages: messages.map((bytes) => [Buffer.from(bytes)[0] ?? 0, Buffer.from(bytes).subarray(1)]) };
}

describe("exec, attach and portforward", () => {
  const WHY = "node hollow is hollow: its containers have states, but no processes and no ports";

  test.each([
    ["absent/exec?stdout=1", 404, 'pods "absent" not found'],
    ["two/exec?stdout=1", 400, "a container name must be specified for pod two, choose one of: [a b]"],
    ["unbound/attach?stdout=1", 400, "pod unbound does not have a host assigned"],
    ["unbound/portforward", 400, "pod unbound does not have a host assigned"],
    ["one/exec?stdout=1", 400, "Upgrade request required"],
  ])("%s", async (path, code, message) => {
    expect(await statusOf(`${PODS}/${path}`)).toEqual([code, message]);
  });

  test.each(["v5.channel.k8s.io", "v4.channel.k8s.io"])("%s: the Status comes on the error channel", async (protocol) => {
    const { protocol: chosen, messages } = await spoken(`${PODS}/one/exec?command=ls&stdout=1&stderr=1`, [protocol, "unknown"]);
    expect([chosen, messages.map(([channel]) => channel)]).toEqual([protocol, [3]]);
    const status = JSON.parse(String(messages[0]?.[1])) as Json;
    expect(status).toMatchObject({ kind: "Status", code: 400, message: `cannot exec in container c of pod one: ${WHY}` });
  });

  test("an old client reads plain text", async () => {
    const { messages } = await spoken(`${PODS}/one/attach?stdout=1`, ["channel.k8s.io"]);
    expect(messages.map(([channel, text]) => [channel, String(text)])).toEqual([[3, `cannot attach in container c of pod one: ${WHY}`]]);
  });

  test("ports: each has a channel for data and one for errors, which begin with its number", async () => {
    const { messages } = await spoken(`${PODS}/one/portforward?ports=80&ports=443`, ["v4.channel.k8s.io"]);
    const number = (port: number): Buffer => Buffer.of(port & 255, port >> 8);
    const words = Buffer.from(`cannot forward ports of pod one: ${WHY}`);
    expect(messages.sort(([one], [other]) => one - other)).toEqual([
      [0, number(80)],
      [1, number(80)],
      [1, words],
      [2, number(443)],
      [3, number(443)],
      [3, words],
    ]);
  });

  test("SPDY: the HTTP answer is the Status", async () => {
    const { request } = await import("node:https");
    const { port } = new URL(server.url);
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" };
    const path = `${PODS}/one/exec?command=ls&stdout=1`;
    const answer = await new Promise<string>((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path, method: "POST", headers, ca: server.authority.cert, ...server.admin });
      asked.on("error", reject);
      asked.on("response", (response) => {
        let text = `${response.statusCode} `;
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      });
      asked.end();
    });
    expect(answer).toMatch(/^400 \{"kind":"Status"/);
    expect(answer).toContain(WHY);
  });
});

describe("proxy", () => {
  beforeAll(async () => {
    const service = (name: string): object => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ name: "http", port: 80 }] },
    });
    await server.call("POST", "/api/v1/namespaces/default/services", service("web"));
    await server.call("POST", "/api/v1/namespaces/default/services", service("empty"));
    const addresses = [{ ip: "10.128.0.2", targetRef: { kind: "Pod", namespace: "default", name: "one" } }];
    const subsets = [{ addresses, ports: [{ name: "http", port: 80 }] }];
    const endpoints = (name: string, sets: object[]): object => ({
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name },
      subsets: sets,
    });
    await server.call("POST", "/api/v1/namespaces/default/endpoints", endpoints("web", subsets));
    await server.call("POST", "/api/v1/namespaces/default/endpoints", endpoints("empty", []));
  });
  const WHY = "error trying to reach service: node hollow is hollow: its containers have states, but no processes and no ports";

  test.each([
    ["namespaces/default/pods/one:80/proxy/healthz", 503, WHY],
    ["namespaces/default/pods/absent/proxy", 404, 'pods "absent" not found'],
    ["namespaces/default/pods/a:b:c:d/proxy", 400, 'invalid pod request "a:b:c:d"'],
    ["namespaces/default/pods/unbound/proxy", 400, "address not allowed"],
    ["namespaces/default/services/http:web:http/proxy/x/y", 503, WHY],
    ["namespaces/default/services/web:80/proxy", 503, WHY],
    ["namespaces/default/services/web:81/proxy", 503, 'no service port 81 found for service "web"'],
    ["namespaces/default/services/empty:http/proxy", 503, 'no endpoints available for service "empty:http"'],
    ["nodes/hollow/proxy/stats/summary", 503, WHY],
    ["nodes/absent/proxy", 404, 'nodes "absent" not found'],
  ])("%s", async (path, code, message) => {
    expect(await statusOf(`/api/v1/${path}`)).toEqual([code, message]);
  });
});
