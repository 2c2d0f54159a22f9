import { mkdir, open, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { RuntimeFailure } from "../container-runtime.ts";
import { roomIn } from "../streaming/backpressure.ts";
import { CHANNEL, type Ended, Frames, frame } from "../streaming/frames.ts";
import { dialSpdy } from "../streaming/spdy/dial.ts";
import { SpdySession, type SpdyStream } from "../streaming/spdy/session.ts";
import type { DoorAnswer, StreamAsked, StreamDoor } from "../streaming/stream-door.ts";

/** Streams of what runs in a container, or a connection to a port of a sandbox. */
export type Relayed = (StreamAsked & { readonly container: string }) | PortAsked;

export interface PortAsked {
  readonly op: "port";
  readonly sandbox: string;
  readonly port: number;
}

const COMMAND_PROTOCOL = "v4.channel.k8s.io";
const PORT_PROTOCOL = "portforward.k8s.io";
const LINE_BREAK = "\n";
/** More is no line that anybody here has sent. */
const OPENING_BYTES_MAX = 1 << 20;

/**
 * The door to streams of a container runtime: a socket of this machine whose connections are carried on to where the runtime says that the streams are, which speaks SPDY as a
 * kubelet's does. Of a port, what comes from the pod is `stdout`, and `status` says that there is no connection any more, or why there never was. Source: kubelet's
 * cri/streaming/remotecommand and portforward (httpstream.go); client-go's remotecommand v4.
 */
export class StreamRelay {
  readonly #path: string;
  readonly #urlOf: (asked: Relayed) => Promise<string>;
  readonly #connections = new Set<Socket>();
  #listening: Promise<Server> | undefined;

  /** `path` is the socket's. `urlOf` asks the runtime, and throws RuntimeFailure. */
  constructor(path: string, urlOf: (asked: Relayed) => Promise<string>) {
    this.#path = path;
    this.#urlOf = urlOf;
  }

  async door(asked: Relayed): Promise<StreamDoor> {
    this.#listening ??= this.#listen();
    await this.#listening;
    return { path: this.#path, opening: JSON.stringify(asked) };
  }

  async close(): Promise<void> {
    const server = await this.#listening?.catch(() => undefined);
    server?.close();
    for (const socket of this.#connections) socket.destroy();
    if (server !== undefined) await rm(this.#path, { force: true });
  }

  /** A socket's path may not be long: it is named by way of its directory. Source: unix(7). */
  async #listen(): Promise<Server> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await rm(this.#path, { force: true });
    const directory = await open(dirname(this.#path), "r");
    try {
      const server = createServer((socket) => this.#accept(socket));
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(`/proc/self/fd/${directory.fd}/${basename(this.#path)}`, resolve);
      });
      return server;
    } finally {
      await directory.close();
    }
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#connections.delete(socket));
    this.#relay(socket).catch((error: Error) => {
      const reason = error instanceof RuntimeFailure ? error.reason : "ExecError";
      answer(socket, { failure: { reason, message: error.message } });
      socket.end();
    });
  }

  async #relay(socket: Socket): Promise<void> {
    const asked = JSON.parse(await openingOf(socket)) as Relayed;
    const connection = await dialSpdy(await this.#urlOf(asked), asked.op === "port" ? PORT_PROTOCOL : COMMAND_PROTOCOL);
    const session = new SpdySession(connection, (stream) => stream.destroy());
    void session.run();
    socket.once("close", () => connection.destroy());
    if (socket.destroyed) connection.destroy();
    const ended = await (asked.op === "port" ? carryPort(session, socket, asked) : carryCommand(session, socket, asked));
    if (!socket.destroyed) socket.end(frame(CHANNEL.status, Buffer.from(JSON.stringify(ended))));
    connection.destroy();
  }
}

const LOST: Ended = { exitCode: 0, message: "the connection to the container runtime was lost" };

async function carryCommand(session: SpdySession, socket: Socket, { stdin, stdout, stderr, tty }: StreamAsked): Promise<Ended> {
  const error = await session.open({ streamtype: "error" });
  const input = stdin ? await session.open({ streamtype: "stdin" }) : undefined;
  const output = stdout ? await session.open({ streamtype: "stdout" }) : undefined;
  const errors = stderr ? await session.open({ streamtype: "stderr" }) : undefined;
  const sizes = tty ? await session.open({ streamtype: "resize" }) : undefined;
  answer(socket, {});
  hear(socket, new Map([[CHANNEL.stdin, input] as const, [CHANNEL.resize, sizes] as const])).catch(() => socket.destroy());
  const [said] = await Promise.all([text(error), show(output, CHANNEL.stdout, socket), show(errors, CHANNEL.stderr, socket)]);
  return endedBy(said);
}

async function carryPort(session: SpdySession, socket: Socket, { port }: PortAsked): Promise<Ended> {
  const headers = { port: String(port), requestid: "0" };
  const error = await session.open({ ...headers, streamtype: "error" });
  // Nothing is said on it from this side.
  error.end();
  const data = await session.open({ ...headers, streamtype: "data" });
  answer(socket, {});
  hear(socket, new Map([[CHANNEL.stdin, data]])).catch(() => socket.destroy());
  const [said] = await Promise.all([text(error), show(data, CHANNEL.stdout, socket)]);
  return said === "" ? { exitCode: 0 } : { exitCode: 1, message: said };
}

/** What comes from the runtime on a stream; a stream that is cut off has ended. */
async function show(stream: SpdyStream | undefined, channel: number, socket: Socket): Promise<void> {
  try {
    for await (const bytes of stream ?? []) {
      if (socket.destroyed) return;
      if (!socket.write(frame(channel, bytes as Buffer))) await roomIn(socket);
    }
  } catch {
    // What comes of it the other streams say.
  }
}

/** What comes by the door, to the streams of its channels. Throws RangeError on what are no frames. */
async function hear(socket: Socket, streams: ReadonlyMap<number, Duplex | undefined>): Promise<void> {
  const frames = new Frames();
  for await (const bytes of socket) {
    for (const { channel, payload } of frames.take(bytes as Buffer)) {
      if (channel === CHANNEL.close) streams.get(CHANNEL.stdin)?.end();
      const stream = streams.get(channel);
      if (stream === undefined || stream.destroyed || stream.writableEnded) continue;
      if (!stream.write(payload)) await roomIn(stream);
    }
  }
}

interface Status {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** A Status in JSON, as protocols from version 4 on have it. */
function endedBy(said: string): Ended {
  if (said === "") return LOST;
  let told: Status;
  try {
    told = JSON.parse(said) as Status;
  } catch {
    return { exitCode: 0, message: said };
  }
  if (told.status === "Success") return { exitCode: 0 };
  const code = told.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  return code === undefined ? { exitCode: 0, message: told.message ?? said } : { exitCode: Number(code) };
}

function answer(socket: Socket, said: DoorAnswer): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(said)}${LINE_BREAK}`);
}

/** The line that a connection begins with. */
function openingOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const take = (bytes: Buffer): void => {
      read = Buffer.concat([read, bytes]);
      const end = read.indexOf(LINE_BREAK);
      if (end < 0 && read.length > OPENING_BYTES_MAX) socket.destroy();
      if (end < 0) return;
      socket.off("data", take);
      socket.pause();
      if (end + 1 < read.length) socket.unshift(read.subarray(end + 1));
      resolve(read.subarray(0, end).toString());
    };
    socket.on("data", take);
    socket.once("close", () => reject(new Error("it hung up")));
  });
}
