import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { roomIn } from "../../../actors/node/streaming/backpressure.ts";
import { CHANNEL, type Ended, Frames, frame } from "../../../actors/node/streaming/frames.ts";
import { openDoor, type StreamDoor } from "../../../actors/node/streaming/stream-door.ts";

/** A connection to a port of a pod that its runtime has a door to. Rejects with why there is none; what is found out later is the error that it ends with. */
export async function portThrough(door: StreamDoor): Promise<Duplex> {
  const { socket, answer } = await openDoor(door);
  if (answer.failure === undefined) return new PortConnection(socket);
  socket.destroy();
  throw new Error(answer.failure.message);
}

class PortConnection extends Duplex {
  readonly #socket: Socket;
  #wanted: (() => void) | undefined;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#hear().then(
      (ended) => (ended?.message === undefined ? this.push(null) : this.destroy(new Error(ended.message))),
      (error: Error) => this.destroy(error),
    );
  }

  /** How it ended, if that was said. */
  async #hear(): Promise<Ended | undefined> {
    const frames = new Frames();
    let ended: Ended | undefined;
    for await (const bytes of this.#socket) {
      for (const { channel, payload } of frames.take(bytes as Buffer)) {
        if (channel === CHANNEL.status) ended = JSON.parse(payload.toString()) as Ended;
        else if (payload.length > 0 && !this.push(payload)) await new Promise<void>((resolve) => (this.#wanted = resolve));
      }
    }
    return ended;
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(frame(CHANNEL.stdin, chunk))) done();
    else roomIn(this.#socket).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#socket.destroyed) this.#socket.write(frame(CHANNEL.close, Buffer.of(CHANNEL.stdin)));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wanted?.();
    this.#wanted = undefined;
    this.#socket.destroy();
    done(error);
  }
}
