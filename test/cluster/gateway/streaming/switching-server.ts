import { once } from "node:events";
import { createServer, type IncomingMessage, request, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { constants, createDeflate, createInflate } from "node:zlib";
import { DICTIONARY } from "../../../../actors/node/streaming/spdy/dictionary.ts";
import { controlFrame, dataFrame, FLAG_FIN, framesOf, TYPE } from "../../../../actors/node/streaming/spdy/frames.ts";

/** A server on loopback whose clients ask for other protocols, as the gateway meets them. */
export async function switchingServer(
  switched: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on("upgrade", (asked: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    if (head.length > 0) socket.unshift(head);
    const response = new ServerResponse(asked);
    response.assignSocket(socket);
    socket.on("error", () => {});
    switched(asked, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

export interface ClientStream {
  write(text: string | Buffer): void;
  end(): void;
  reset(): void;
  /** All that came, when the server has ended it, and whether it did so by a reset. */
  readonly ended: Promise<{ readonly text: string; readonly isReset: boolean }>;
  /** Resolves when so much has come. */
  until(text: string): Promise<void>;
}

/** The client's side of SPDY/3.1, as little of it as tests want. */
export class SpdyClient {
  readonly protocol: string;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #deflate = createDeflate({ dictionary: DICTIONARY });
  readonly #inflate = createInflate({ dictionary: DICTIONARY });
  readonly #streams = new Map<number, { text: string; heard: () => void; end: (isReset: boolean) => void }>();
  readonly pings: Buffer[] = [];
  #nextId = 1;

  static async connect(port: number, protocol: string): Promise<SpdyClient> {
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": protocol };
    const asked = request({ host: "127.0.0.1", port, method: "POST", headers }).end();
    const [answer, socket, head] = (await once(asked, "upgrade")) as [IncomingMessage, Socket, Buffer];
    if (head.length > 0) socket.unshift(head);
    return new SpdyClient(socket, String(answer.headers["x-stream-protocol-version"]));
  }

  constructor(socket: Socket, protocol: string) {
    this.#socket = socket;
    this.protocol = protocol;
    socket.on("error", () => {});
    this.closed = once(socket, "close").then(() => {});
    void this.#listen();
  }

  /** Streams are opened one after the other: their headers are one compressed stream. */
  async open(headers: Readonly<Record<string, string>>): Promise<ClientStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const written: Buffer[] = [];
    const keep = (bytes: Buffer): unknown => written.push(bytes);
    this.#deflate.on("data", keep);
    const number = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    const entries = Object.entries(headers);
    const words = entries.flat().flatMap((word) => [number(Buffer.byteLength(word)), Buffer.from(word)]);
    this.#deflate.write(Buffer.concat([number(entries.length), ...words]));
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    this.#deflate.off("data", keep);
    const { promise: ended, resolve: end } = Promise.withResolvers<{ text: string; isReset: boolean }>();
    const stream = { text: "", heard: () => {}, end: (isReset: boolean) => end({ text: stream.text, isReset }) };
    this.#streams.set(id, stream);
    this.#socket.write(controlFrame(TYPE.synStream, 0, Buffer.concat([number(id), Buffer.alloc(6), ...written])));
    return {
      ended,
      write: (text) => this.#socket.write(dataFrame(id, 0, Buffer.from(text as string))),
      end: () => this.#socket.write(dataFrame(id, FLAG_FIN, Buffer.alloc(0))),
      reset: () => this.#socket.write(controlFrame(TYPE.rstStream, 0, Buffer.concat([number(id), number(5)]))),
      until: (text) =>
        new Promise((resolve) => {
          stream.heard = () => {
            if (stream.text.includes(text)) resolve();
          };
          stream.heard();
        }),
    };
  }

  ping(payload: Buffer): void {
    this.#socket.write(controlFrame(TYPE.ping, 0, payload));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #listen(): Promise<void> {
    try {
      for await (const frame of framesOf(this.#socket)) {
        if (frame.type === "data") {
          const stream = this.#streams.get(frame.stream);
          if (stream === undefined) continue;
          stream.text += frame.payload.toString("latin1");
          stream.heard();
          if ((frame.flags & FLAG_FIN) !== 0) stream.end(false);
        } else if (frame.control === TYPE.ping) this.pings.push(frame.payload);
        else if (frame.control === TYPE.synReply) this.#inflate.write(frame.payload.subarray(4));
        else if (frame.control === TYPE.rstStream) this.#streams.get(frame.payload.readUInt32BE(0))?.end(true);
      }
    } catch {
      // It was closed.
    }
  }
}
