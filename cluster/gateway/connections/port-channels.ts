import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { roomIn } from "../../../actors/node/streaming/backpressure.ts";
import type { DialPort } from "./dial-port.ts";
import type { Idle } from "./idle.ts";
import { CLOSE_NORMAL } from "./web-socket.ts";

/** Messages that have come and are not read yet. */
const UNREAD_MESSAGES_MAX = 16;

/**
 * Ports forwarded by the channels of a WebSocket: one connection for each port, with one channel for its data and one for errors, both of which begin with the
 * port's number. Source: kubelet's portforward/websocket.go.
 */
export class PortChannels {
  readonly #socket: WebSocket;
  readonly #idle: Idle;
  readonly #connections: readonly Promise<Duplex | undefined>[];
  #open: number;

  /** `isRefused`: there is nothing more to come than why. */
  constructor(socket: WebSocket, ports: readonly number[], dial: DialPort, idle: Idle, isRefused: boolean) {
    this.#socket = socket;
    this.#idle = idle;
    this.#open = ports.length;
    this.#connections = ports.map((port, index) => this.#connect(port, index, dial));
    if (isRefused) void Promise.all(this.#connections).then(() => socket.close(CLOSE_NORMAL));
    this.#hear()
      .catch(() => {})
      .finally(() => {
        for (const connection of this.#connections) void connection.then((other) => other?.destroy());
      });
  }

  async #connect(port: number, index: number, dial: DialPort): Promise<Duplex | undefined> {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    await this.#send(2 * index, number);
    await this.#send(2 * index + 1, number);
    try {
      const connection = await dial(port);
      void this.#carryOut(connection, 2 * index).finally(() => connection.destroy());
      return connection;
    } catch (failure) {
      await this.#send(2 * index + 1, Buffer.from((failure as Error).message));
      this.#open -= 1;
      return undefined;
    }
  }

  /** When the pod has ended the last connection, there is nothing more to forward. */
  async #carryOut(connection: Duplex, channel: number): Promise<void> {
    try {
      for await (const bytes of connection) {
        this.#idle.used();
        await this.#send(channel, bytes as Buffer);
      }
    } catch (failure) {
      await this.#send(channel + 1, Buffer.from((failure as Error).message));
    } finally {
      this.#open -= 1;
      if (this.#open === 0) this.#socket.close(CLOSE_NORMAL);
    }
  }

  async #hear(): Promise<void> {
    const messages = createWebSocketStream(this.#socket, { readableObjectMode: true, readableHighWaterMark: UNREAD_MESSAGES_MAX });
    messages.on("error", () => {});
    for await (const message of messages) {
      this.#idle.used();
      const bytes = Buffer.from(message as Buffer);
      const channel = bytes[0] ?? 0;
      const connection = channel % 2 === 0 ? await this.#connections[channel / 2] : undefined;
      if (connection !== undefined && !connection.destroyed && !connection.write(bytes.subarray(1))) await roomIn(connection);
    }
  }

  #send(channel: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.send(Buffer.concat([Buffer.of(channel), bytes]), () => resolve()));
  }
}
