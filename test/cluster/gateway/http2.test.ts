import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { connect, constants } from "node:http2";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { STREAMS_PER_CONNECTION_MAX } from "../../../cluster/gateway/http2.ts";
import type { Json, TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const PATH = "/api/v1/namespaces/default/configmaps";

const FLOOD_AT_ONCE = 200;
const FLOOD_MAX = 20_000;

let server: TestGateway;
let session: ClientHttp2Session;
beforeAll(async () => {
  server = await startGateway();
});
afterAll(() => server.stop());
beforeEach(() => {
  session = connect(server.url, { ca: server.authority.cert, ...server.admin });
  session.on("error", () => {});
});
afterEach(() => session.destroy());

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Json;
}

function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("error", reject);
    stream.once("close", () => reject(new Error(`closed: ${stream.rstCode}`)));
  });
}

async function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answered> {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const stream = session.request({ ":method": method, ":path": path, ...type, ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const head = await headOf(stream);
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return { status: Number(head[":status"]), headers: head, text, json: () => JSON.parse(text) as Json };
}

function configMap(name: string, more: object = {}): string {
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { of: "http2" } }, ...more });
}

describe("HTTP/2", () => {
  test("is what a client that knows it gets, with the identity of its certificate", async () => {
    const got = await ask("GET", "/api/v1/namespaces/default");
    expect(session.alpnProtocol).toBe("h2");
    expect(got.status).toBe(200);
    expect(got.json().metadata.name).toBe("default");
    expect(got.headers["content-type"]).toBe("application/json");
    const stranger = connect(server.url, { ca: server.authority.cert });
    const stream = stranger.request({ ":path": PATH });
    expect((await headOf(stream))[":status"]).toBe(403);
    stranger.destroy();
  });

  test("writes, warns, refuses and deletes as over HTTP/1.1", async () => {
    const created = await ask("POST", PATH, configMap("a", { x: 1, y: 2 }));
    expect(created.status).toBe(201);
    expect(created.headers.warning).toBe('299 - "unknown field \\"x\\"", 299 - "unknown field \\"y\\""');
    expect((await ask("POST", PATH, configMap("a"))).json()).toMatchObject({ reason: "AlreadyExists", code: 409 });
    expect((await ask("HEAD", `${PATH}/a`)).status).toBe(405);
    expect((await ask("PATCH", `${PATH}/a`, '{"data":{"a":"b"}}', { "content-type": "application/merge-patch+json" })).status).toBe(200);
    expect((await ask("DELETE", `${PATH}/a`)).status).toBe(200);
    expect((await ask("GET", "/nope")).text).toBe("404 page not found\n");
  });

  test("many at once on one connection, with a long list among them", async () => {
    const data = { text: "x".repeat(2_000) };
    const made = await Promise.all(Array.from({ length: 300 }, (_, at) => ask("POST", PATH, configMap(`many-${at}`, { data }))));
    expect(made.map(({ status }) => status)).toEqual(Array(300).fill(201));
    const [list, zipped, ...gets] = await Promise.all([
      ask("GET", `${PATH}?labelSelector=of=http2`),
      ask("GET", PATH, undefined, { "accept-encoding": "gzip" }),
      ...Array.from({ length: 50 }, (_, at) => ask("GET", `${PATH}/many-${at}`)),
    ]);
    expect(list?.json().items).toHaveLength(300);
    expect(zipped?.headers["content-encoding"]).toBe("gzip");
    expect(gets.every(({ status }) => status === 200)).toBe(true);
  });

  test("a watch tells events until its client ends it, and many share a connection", async () => {
    const streams = Array.from({ length: 200 }, () => session.request({ ":path": `${PATH}?watch=1&fieldSelector=metadata.name=seen` }));
    const heads = await Promise.all(streams.map(headOf));
    expect(heads.map((head) => Number(head[":status"]))).toEqual(Array(200).fill(200));
    const lines = streams.map(async (stream) => {
      let text = "";
      for await (const chunk of stream.setEncoding("utf8")) {
        text += chunk;
        if (text.includes("\n")) break;
      }
      return JSON.parse(text) as Json;
    });
    await ask("POST", PATH, configMap("seen"));
    for (const line of await Promise.all(lines)) expect(line).toMatchObject({ type: "ADDED", object: { metadata: { name: "seen" } } });
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await until(async () => (await watches()) === 0);
  });

  test("a body that is too large is refused before it is read, and the connection goes on", async () => {
    const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/json" });
    const head = headOf(stream);
    stream.on("error", () => {});
    const chunk = Buffer.alloc(64 * 1024, "x");
    const push = (): void => {
      while (!stream.destroyed && !stream.writableEnded && stream.write(chunk));
    };
    stream.on("drain", push);
    push();
    expect((await head)[":status"]).toBe(413);
    let text = "";
    stream.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
    await new Promise((resolve) => stream.once("end", resolve));
    expect(JSON.parse(text)).toMatchObject({ reason: "RequestEntityTooLarge", code: 413 });
    stream.destroy();
    expect((await ask("GET", "/version")).status).toBe(200);
  });

  test("a request that its client gives up is forgotten", async () => {
    const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/json" });
    stream.on("error", () => {});
    stream.write('{"apiVersion":');
    await until(async () => (await inFlight()) === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await until(async () => (await inFlight()) === 0);
  });

  test("more streams than a connection may have wait for others to end", async () => {
    await ask("GET", "/version");
    expect(session.remoteSettings.maxConcurrentStreams).toBe(STREAMS_PER_CONNECTION_MAX);
  });

  test("a client that opens and resets streams without end loses its connection, and others do not notice", async () => {
    const closed = new Promise((resolve) => session.once("close", resolve));
    let opened = 0;
    const flood = (): void => {
      for (let count = 0; count < FLOOD_AT_ONCE && !session.destroyed && !session.closed; count++) {
        opened++;
        const stream = session.request({ ":path": "/version" });
        stream.on("error", () => {});
        stream.on("ready", () => stream.close(constants.NGHTTP2_CANCEL));
      }
      if (!session.destroyed && opened < FLOOD_MAX) setTimeout(flood);
    };
    flood();
    await closed;
    expect(opened).toBeLessThan(FLOOD_MAX);
    expect((await server.call("GET", "/version")).status).toBe(200);
  });

  test("too many headers are refused", async () => {
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`x-h-${at}`, "v"]));
    const stream = session.request({ ":path": "/version", ...many });
    await expect(headOf(stream)).rejects.toThrow();
    expect((await server.call("GET", "/version")).status).toBe(200);
  });
});

/** Of requests that write. */
async function inFlight(): Promise<number> {
  return gauge('apiserver_current_inflight_requests{request_kind="mutating"}');
}

async function watches(): Promise<number> {
  return gauge('apiserver_longrunning_requests{verb="WATCH"}');
}

async function gauge(name: string): Promise<number> {
  const { text } = await server.call("GET", "/metrics");
  const line = text.split("\n").find((one) => one.startsWith(name)) ?? "";
  return Number(line.split(" ").at(-1));
}

const TRIES_MAX = 1_000;

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) if (await holds()) return;
  expect.fail("it never came to hold");
}
