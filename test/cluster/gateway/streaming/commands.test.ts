import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Frame } from "../../../../actors/node/streaming/frames.ts";
import { DICTIONARY } from "../../../../actors/node/streaming/spdy/dictionary.ts";
import type { CommandClient, CommandOutcome } from "../../../../cluster/gateway/connections/command-client.ts";
import { acceptSpdyCommand, offeredOverSpdy } from "../../../../cluster/gateway/connections/spdy-command.ts";
import { offeredProtocol } from "../../../../cluster/gateway/connections/web-socket.ts";
import { acceptCommand, COMMAND_PROTOCOLS } from "../../../../cluster/gateway/connections/web-socket-command.ts";
import { systemClock } from "../../../../runtime/mod.ts";
import { SpdyClient, switchingServer } from "./switching-server.ts";

const WANTED = { stdin: true, stdout: true, stderr: true, tty: true };
const FAILED: CommandOutcome = { metadata: {}, status: "Failure", message: "it went wrong", reason: "InternalError", code: 500 };

let close = (): void => {};
afterEach(() => close());

/** A server that accepts one client of remote commands. */
async function served(
  accept: (request: IncomingMessage, response: ServerResponse) => CommandClient | undefined | Promise<CommandClient | undefined>,
): Promise<{ readonly port: number; readonly client: Promise<CommandClient> }> {
  const { promise: client, resolve, reject } = Promise.withResolvers<CommandClient>();
  const server = await switchingServer((request, response) => {
    Promise.resolve(accept(request, response)).then((found) => {
      if (found === undefined) reject(new Error("not accepted"));
      else resolve(found);
    }, reject);
  });
  close = server.close;
  return { port: server.port, client };
}

const overWebSocket = (): ReturnType<typeof served> =>
  served((request, response) => acceptCommand(offeredProtocol(request, COMMAND_PROTOCOLS) ?? "", request, response, WANTED));

/** What came, as text: `channel:payload`. */
function messagesOf(socket: WebSocket): string[] {
  const messages: string[] = [];
  socket.on("message", (data: Buffer, isBinary) =>
    messages.push(isBinary ? `${data[0]}:${data.subarray(1)}` : `${String(data)[0]}:${Buffer.from(String(data).slice(1), "base64")}`),
  );
  return messages;
}

async function heard({ heard }: CommandClient): Promise<string[]> {
  const frames: Frame[] = [];
  for await (const frame of heard) frames.push(frame);
  return frames.map(({ channel, payload }) => `${channel}:${payload.toString("latin1")}`);
}

describe("over WebSocket", () => {
  test.each([
    ["v5.channel.k8s.io", ["0:typed", '4:{"Width":8,"Height":2}', "255:\0"], JSON.stringify(FAILED)],
    // It has no signal for the end of the input.
    ["v4.channel.k8s.io", ["0:typed", '4:{"Width":8,"Height":2}'], JSON.stringify(FAILED)],
    ["channel.k8s.io", ["0:typed", '4:{"Width":8,"Height":2}'], "it went wrong"],
  ])("%s: what is typed, printed, and how it ended", async (protocol, typed, said) => {
    const { port, client } = await overWebSocket();
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, [protocol, "unknown"]);
    const messages = messagesOf(socket);
    await once(socket, "open");
    expect(socket.protocol).toBe(protocol);
    for (const message of ["\0typed", '\x04{"Width":8,"Height":2}', "\x01not for clients", "\xff\0"]) {
      socket.send(Buffer.from(message, "latin1"));
    }
    const accepted = await client;
    const all = heard(accepted);
    await accepted.show(1, Buffer.from("out"));
    await accepted.show(2, Buffer.from("err"));
    const closed = once(socket, "close");
    await accepted.finish(FAILED);
    expect((await closed)[0]).toBe(1000);
    // The first says that it is connected.
    expect(messages).toEqual(["1:", "1:out", "2:err", `3:${said}`]);
    expect(await all).toEqual(typed);
  });

  test("base64: channels are digits, all is text", async () => {
    const { port, client } = await overWebSocket();
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["v4.base64.channel.k8s.io"]);
    const messages = messagesOf(socket);
    await once(socket, "open");
    socket.send(`0${Buffer.from("typed").toString("base64")}`);
    const accepted = await client;
    const all = heard(accepted);
    await accepted.show(1, Buffer.from("out"));
    const closed = once(socket, "close");
    await accepted.finish({ metadata: {}, status: "Success" });
    await closed;
    expect(messages).toEqual(["1:", "1:out", '3:{"metadata":{},"status":"Success"}']);
    expect(await all).toEqual(["0:typed"]);
  });

  test("a client that goes ends what it is listened to by; one that does not read is waited for", async () => {
    const { port, client } = await overWebSocket();
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["v5.channel.k8s.io"]);
    await once(socket, "open");
    const accepted = await client;
    socket.pause();
    const piece = Buffer.alloc(1 << 20);
    let shown = 0;
    const showing = (async () => {
      for (; shown < 64; shown++) await accepted.show(1, piece);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    const before = shown;
    expect(before).toBeLessThan(64);
    socket.terminate();
    expect(await heard(accepted)).toEqual([]);
    await showing;
  });
});

describe("over SPDY", () => {
  test("the dictionary is that of SPDY/3", () => {
    // Its Adler-32, with which every compressed stream begins, is e3c6a7c2.
    expect([DICTIONARY.length, adler32(DICTIONARY)]).toEqual([1_423, 0xe3c6a7c2]);
  });

  const overSpdy = (protocol: string): ReturnType<typeof served> =>
    served((request, response) => acceptSpdyCommand(offeredOverSpdy(request, [protocol]) ?? "", request, response, WANTED, systemClock()));

  test("streams of what is wanted, each way; the end of the input is told; pings are answered", async () => {
    const { port, client } = await overSpdy("v4.channel.k8s.io");
    const spdy = await SpdyClient.connect(port, "v4.channel.k8s.io");
    expect(spdy.protocol).toBe("v4.channel.k8s.io");
    const error = await spdy.open({ streamtype: "error" });
    const stdin = await spdy.open({ streamType: "stdin" });
    const stdout = await spdy.open({ streamtype: "stdout" });
    const stderr = await spdy.open({ streamtype: "stderr" });
    const second = await spdy.open({ streamtype: "stderr" });
    const resize = await spdy.open({ streamtype: "resize" });
    const accepted = await client;
    expect((await second.ended).isReset).toBe(true);
    stdin.write("typed");
    resize.write('{"Width":8,"Height":2}');
    stdin.end();
    spdy.ping(Buffer.from([0, 0, 0, 7]));
    const seen: string[] = [];
    for await (const { channel, payload } of accepted.heard) {
      seen.push(`${channel}:${payload.toString("latin1")}`);
      if (seen.length === 3) break;
    }
    expect(seen.sort()).toEqual(["0:typed", "255:\0", '4:{"Width":8,"Height":2}']);
    await accepted.show(1, Buffer.from("out"));
    await accepted.show(2, Buffer.alloc(100_000, "e"));
    const finished = accepted.finish(FAILED);
    expect(await stdout.ended).toEqual({ text: "out", isReset: false });
    expect((await stderr.ended).text.length).toBe(100_000);
    expect(JSON.parse((await error.ended).text)).toEqual(FAILED);
    for (const stream of [error, stdout, stderr, resize]) stream.end();
    await finished;
    await spdy.closed;
    expect(spdy.pings).toEqual([Buffer.from([0, 0, 0, 7])]);
  });

  test("a client that goes ends what it is listened to by", async () => {
    const { port, client } = await overSpdy("channel.k8s.io");
    const spdy = await SpdyClient.connect(port, "channel.k8s.io");
    for (const streamtype of ["error", "stdin", "stdout", "stderr"]) await spdy.open({ streamtype });
    const accepted = await client;
    spdy.close();
    expect((await heard(accepted)).filter((frame) => !frame.startsWith("255:"))).toEqual([]);
  });
});

function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}
