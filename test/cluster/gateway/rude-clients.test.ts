import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BODY_BYTES_MAX } from "../../../cluster/gateway/body.ts";
import type { GatewayOptions } from "../../../cluster/gateway/gateway.ts";
import type { TestGateway } from "./harness.ts";
import { startGateway } from "./harness.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const HEAD = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
/** The door's limits of time, shortened. */
const OVERDUE_MS = 300;

let server: TestGateway;
const sockets: TLSSocket[] = [];
beforeAll(async () => {
  const limits = { headers_ms: OVERDUE_MS, request_ms: OVERDUE_MS, check_ms: 20, linger_ms: 200 };
  server = await startGateway({ wrap: (options: GatewayOptions) => ({ ...options, limits }) });
});
afterAll(() => server.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection that says whatever it is told, and all that came back until it was closed. */
class Rude {
  readonly socket: TLSSocket;
  readonly closed: Promise<string>;
  text = "";

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("data", (chunk) => {
        this.text += chunk.toString("latin1");
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(this.text));
    });
  }

  static open(): Promise<Rude> {
    return new Promise((resolve, reject) => {
      const { port } = new URL(server.url);
      const socket = connect({ port: Number(port), host: "127.0.0.1", ca: server.authority.cert, ...server.admin }, () => {
        socket.off("error", reject);
        resolve(new Rude(socket));
      });
      socket.once("error", reject);
      sockets.push(socket);
    });
  }

  say(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** All that came, once it holds. */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!pattern.test(this.text)) return;
        this.socket.off("data", look);
        resolve(this.text);
      };
      this.socket.on("data", look);
      look();
    });
  }
}

async function inFlight(): Promise<number> {
  const { text } = await server.call("GET", "/metrics");
  return Number(/apiserver_current_inflight_requests\{request_kind="mutating"\} (\d+)/.exec(text)?.[1]);
}

describe("slow clients", () => {
  test("a head that never ends is refused when it is overdue", async () => {
    const rude = await Rude.open();
    rude.say(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nX-Slow: `);
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  test("a body that never ends is refused when it is overdue, and forgotten", async () => {
    const rude = await Rude.open();
    rude.say(`${HEAD}Content-Length: 1000\r\n\r\n{"apiVersion":`);
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(await inFlight()).toBe(0);
  });

  test("a client that goes away in the middle of its body is forgotten", async () => {
    const rude = await Rude.open();
    rude.say(`${HEAD}Content-Length: 1000\r\n\r\n{"apiVersion":`);
    rude.socket.destroy();
    await rude.closed;
    let left = 1;
    for (let tries = 0; left > 0 && tries < 500; tries++) left = await inFlight();
    expect(left).toBe(0);
  });
});

describe("bodies that are too large", () => {
  test("are refused by their length alone, and the connection is closed without reading them", async () => {
    const rude = await Rude.open();
    rude.say(`${HEAD}Content-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`);
    const answer = await rude.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(answer).toContain(`"message":"Request entity too large: limit is ${BODY_BYTES_MAX}","reason":"RequestEntityTooLarge"`);
  });

  test("are refused where they have no length, as soon as there is too much", async () => {
    const rude = await Rude.open();
    rude.say(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    let sent = 0;
    const push = (): void => {
      while (!rude.socket.destroyed && rude.socket.write(chunk)) sent += chunk.length;
    };
    rude.socket.on("drain", push);
    push();
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(BODY_BYTES_MAX * 4);
  });

  test("are not read where the request is refused for another reason", async () => {
    const rude = await Rude.open();
    rude.say(`POST /api/v1/namespaces/default/no-such HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`);
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("small ones that nobody wants cost nobody the connection", async () => {
    const rude = await Rude.open();
    rude.say(`POST /no-such HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcdGET /version HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(await rude.until(/gitVersion/)).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 200 /);
  });
});

/** Heads that two servers in a row may read as different requests. */
describe("requests of two meanings", () => {
  test.each([
    ["two lengths", `${HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`],
    ["a length and chunks", `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["chunks that are not the last coding", `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
    ["a length that is none", `${HEAD}Content-Length: +4\r\n\r\nabcd`],
    ["a space before the colon", `${HEAD}Content-Length : 4\r\n\r\nabcd`],
    ["a bare line feed", `GET /version HTTP/1.1\nHost: x\nX: y\rZ: w\n\n`],
    ["a chunk of no size", `${HEAD}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
    ["no host", "GET /version HTTP/1.1\r\n\r\n"],
    ["another protocol", "\x16\x03\x01\x00\x05hello"],
    ["HTTP/2 that was not agreed on", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s: refused, and the connection is closed", async (_what, text) => {
    const rude = await Rude.open();
    rude.say(text);
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test("heads that are too long are refused", async () => {
    const rude = await Rude.open();
    rude.say(`GET /version HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(100_000)}\r\n\r\n`);
    expect(await rude.closed).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("a head as long as HTTP/2 would take it is heard", async () => {
    const answer = await server.call("GET", PATH, undefined, { authorization: `Bearer ${"x".repeat(50_000)}` });
    expect(answer.status).toBe(200);
  });
});

test("a body in another coding is not decoded: it is no JSON", async () => {
  const answer = await server.call("POST", PATH, "\u001f\u008b\b", { "content-encoding": "gzip" });
  expect(answer.json()).toMatchObject({ code: 400, reason: "BadRequest" });
});
