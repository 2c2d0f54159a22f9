/**
 * Remote commands over WebSocket: each message is of one channel, which its first byte names; in the protocols whose name has `base64` its first digit, before
 * the rest in base64. Source: KEP-4006; kubelet's remotecommand/websocket.go; apimachinery's remotecommand constants.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createWebSocketStream, type WebSocket } from "ws";
import { CHANNEL, type Frame } from "../../../actors/node/streaming/frames.ts";
import type { StreamsWanted } from "../../../actors/node/streaming/stream-door.ts";
import { type CommandClient, type CommandOutcome, outcomeText } from "./command-client.ts";
import { acceptWebSocket, CLOSE_NORMAL } from "./web-socket.ts";

interface Protocol {
  readonly version: number;
  readonly isBase64: boolean;
}

/** Newest first. Only version 5 has a signal for the end of the input. */
const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ["v5.channel.k8s.io", { version: 5, isBase64: false }],
  ["v4.channel.k8s.io", { version: 4, isBase64: false }],
  ["v4.base64.channel.k8s.io", { version: 4, isBase64: true }],
  ["v3.channel.k8s.io", { version: 3, isBase64: false }],
  ["v2.channel.k8s.io", { version: 2, isBase64: false }],
  ["channel.k8s.io", { version: 1, isBase64: false }],
  ["base64.channel.k8s.io", { version: 1, isBase64: true }],
]);
export const COMMAND_PROTOCOLS: readonly string[] = [...PROTOCOLS.keys()];
const CLOSE_VERSION = 5;
/** Messages that have come and are not read yet. */
const UNREAD_MESSAGES_MAX = 16;
const ZERO = "0".charCodeAt(0);

/** `wanted`: undefined where there is nothing but an outcome to come. */
export function acceptCommand(
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  wanted: StreamsWanted | undefined,
): CommandClient | undefined {
  const protocol = PROTOCOLS.get(name);
  const socket = protocol === undefined ? undefined : acceptWebSocket(request, response, name);
  if (protocol === undefined || socket === undefined) return undefined;
  const client = new WebSocketCommand(socket, protocol);
  if (wanted === undefined) return client;
  // By this, clients see that they are connected before anything is printed.
  const first = wanted.stdout ? CHANNEL.stdout : wanted.stderr ? CHANNEL.stderr : CHANNEL.status;
  void client.show(first, Buffer.alloc(0));
  return client;
}

class WebSocketCommand implements CommandClient {
  readonly heard: AsyncIterable<Frame>;
  readonly #socket: WebSocket;
  readonly #protocol: Protocol;

  constructor(socket: WebSocket, protocol: Protocol) {
    this.#socket = socket;
    this.#protocol = protocol;
    const messages = createWebSocketStream(socket, { readableObjectMode: true, readableHighWaterMark: UNREAD_MESSAGES_MAX });
    // Whatever becomes of the connection, its end is what counts.
    messages.on("error", () => {});
    this.heard = frames(messages, protocol);
  }

  show(channel: number, bytes: Buffer): Promise<void> {
    const { isBase64 } = this.#protocol;
    const message = isBase64 ? `${channel}${bytes.toString("base64")}` : Buffer.concat([Buffer.of(channel), bytes]);
    // A client that has gone is noticed where it is listened to.
    return new Promise((resolve) => this.#socket.send(message, () => resolve()));
  }

  async finish(outcome: CommandOutcome): Promise<void> {
    const text = outcomeText(outcome, this.#protocol.version);
    if (text !== undefined) await this.show(CHANNEL.status, Buffer.from(text));
    this.#socket.close(CLOSE_NORMAL);
  }

  drop(): void {
    this.#socket.terminate();
  }
}

async function* frames(messages: AsyncIterable<Buffer | string>, protocol: Protocol): AsyncGenerator<Frame> {
  for await (const message of messages) {
    const frame = frameOf(message, protocol);
    if (frame !== undefined) yield frame;
  }
}

/** Undefined: it is of no channel on which clients send. */
function frameOf(message: Buffer | string, { version, isBase64 }: Protocol): Frame | undefined {
  const bytes = Buffer.from(message as string);
  const [first] = bytes;
  if (first === undefined) return undefined;
  const channel = isBase64 ? first - ZERO : first;
  const payload = isBase64 ? Buffer.from(bytes.toString("latin1", 1), "base64") : bytes.subarray(1);
  if (channel === CHANNEL.stdin || channel === CHANNEL.resize) return { channel, payload };
  // It says which channel ends; those who write end theirs by themselves.
  return channel === CHANNEL.close && version >= CLOSE_VERSION && payload[0] === CHANNEL.stdin ? { channel, payload } : undefined;
}
