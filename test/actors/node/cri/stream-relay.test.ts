import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { StreamRelay } from "../../../../actors/node/cri/stream-relay.ts";
import { CHANNEL, Frames, frame } from "../../../../actors/node/streaming/frames.ts";
import { SpdySession, type SpdyStream } from "../../../../actors/node/streaming/spdy/session.ts";
import { openDoor, type StreamAsked } from "../../../../actors/node/streaming/stream-door.ts";
import { portThrough } from "../../../../cluster/gateway/connections/port-door.ts";
import { acceptSpdy } from "../../../../cluster/gateway/connections/spdy-command.ts";
import { switchingServer } from "../../../cluster/gateway/streaming/switching-server.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-relay-"));
let relay: StreamRelay;
let close = (): void => {};
afterEach(async () => {
  await relay.close();
  close();
  rmSync(directory, { recursive: true, force: true });
});

/** A runtime's streaming server, which does with the streams what it is told to when so many are there. */
async function serving(count: number, serve: (streams: ReadonlyMap<string, SpdyStream>) => void): Promise<void> {
  const server = await switchingServer((request: IncomingMessage, response: ServerResponse) => {
    const streams = new Map<string, SpdyStream>();
    const session = new SpdySession(acceptSpdy(String(request.headers["x-stream-protocol-version"]), request, response), (stream) => {
      streams.set(stream.headers.get("streamtype") ?? "", stream);
      if (streams.size === count) serve(streams);
    });
    void session.run();
  });
  close = server.close;
  relay = new StreamRelay(join(directory, "streams.sock"), async () => `http://127.0.0.1:${server.port}/exec/token`);
}

/** All frames that come by the door, by channel. */
async function shown(asked: StreamAsked, said: readonly Buffer[] = []): Promise<ReadonlyMap<number, string>> {
  const { socket, answer } = await openDoor(await relay.door({ ...asked, container: "c" }));
  expect(answer).toEqual({});
  for (const each of said) socket.write(each);
  const all = new Map<number, string>();
  const frames = new Frames();
  for await (const bytes of socket)
    for (const { channel, payload } of frames.take(bytes as Buffer)) all.set(channel, (all.get(channel) ?? "") + payload.toString());
  return all;
}

const exec = (streams: Partial<StreamAsked>): StreamAsked =>
  ({ op: "exec", command: ["x"], stdin: false, stdout: true, stderr: false, tty: false, ...streams }) as StreamAsked;

test("what a command prints comes by the door, and at last how it ended", async () => {
  await serving(3, (streams) => {
    streams.get("stdout")?.end("out");
    streams.get("stderr")?.end("err");
    const status = { status: "Failure", details: { causes: [{ reason: "ExitCode", message: "3" }] } };
    const error = streams.get("error");
    // Not by its end: so servers say that there is nothing more.
    error?.write(JSON.stringify(status), () => error.destroy());
  });
  const all = await shown(exec({ stderr: true }));
  expect([...all].sort()).toEqual([
    [CHANNEL.stdout, "out"],
    [CHANNEL.stderr, "err"],
    [CHANNEL.status, '{"exitCode":3}'],
  ]);
});

test("what is typed goes to the command, with its end, and so do the sizes of its terminal", async () => {
  await serving(4, (streams) => {
    const [input, sizes, output, error] = ["stdin", "resize", "stdout", "error"].map((name) => streams.get(name));
    if (input === undefined || sizes === undefined) return;
    void text(input).then((typed) => {
      output?.end(`typed ${typed}, ${sizes.read()}`);
      error?.end('{"status":"Success"}');
    });
  });
  const size = '{"Width":5,"Height":6}';
  const typed = [
    frame(CHANNEL.resize, Buffer.from(size)),
    frame(CHANNEL.stdin, Buffer.from("line")),
    frame(CHANNEL.close, Buffer.of(CHANNEL.stdin)),
  ];
  const all = await shown(exec({ stdin: true, tty: true }), typed);
  expect([all.get(CHANNEL.stdout), all.get(CHANNEL.status)]).toEqual([`typed line, ${size}`, '{"exitCode":0}']);
});

test("a port is a connection, each half of which ends by itself; why there is none is the error that it ends with", async () => {
  await serving(2, (streams) => {
    const data = streams.get("data");
    if (data?.headers.get("port") === "81") {
      streams.get("error")?.end("nobody listens");
      data.end();
    } else if (data !== undefined) {
      void text(data).then((asked) => data.end(`you said ${asked}`));
      streams.get("error")?.end();
    }
  });
  const connection = await portThrough(await relay.door({ op: "port", sandbox: "s", port: 80 }));
  connection.end("hello");
  expect(await text(connection)).toBe("you said hello");
  const refused = await portThrough(await relay.door({ op: "port", sandbox: "s", port: 81 }));
  await expect(text(refused)).rejects.toThrow("nobody listens");
});

test("a runtime that hangs up is no success, and who is refused hears why", async () => {
  await serving(2, () => close());
  expect((await shown(exec({}))).get(CHANNEL.status)).toContain("the connection to the container runtime was lost");
  const { answer } = await openDoor(await relay.door({ ...exec({}), container: "c" }));
  expect(answer.failure).toMatchObject({ reason: "ExecError", message: expect.stringContaining("ECONNREFUSED") });
});
