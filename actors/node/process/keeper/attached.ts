import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { roomIn } from "../../streaming/backpressure.ts";
import { CHANNEL, type Ended, type Frame, Frames, frame } from "../../streaming/frames.ts";
import type { StreamsWanted } from "../../streaming/stream-door.ts";
import { sizeOf, type Terminal } from "./terminal.ts";

/** Whoever takes nothing for so long is no more waited for. */
const PATIENCE_MS = 30_000;

/** What of a container those who are attached to it have a hand in. */
export interface Hands {
  /** Null: it takes none. */
  readonly input: Writable | null;
  readonly terminal: Terminal | undefined;
  /** Its input ends when the first who had it goes, or says so. */
  readonly isOnce: boolean;
}

/**
 * Who is attached to a container: they are shown what it prints as it comes, beside its log, and may type. A container waits for those who read slowly, as
 * it does for a terminal that is held, but not for those who do not read at all.
 */
export class Attached {
  readonly #all = new Map<Socket, StreamsWanted>();

  /** Resolves when it has gone. */
  async add(socket: Socket, wanted: StreamsWanted, hands: Hands): Promise<void> {
    this.#all.set(socket, wanted);
    socket.once("close", () => this.#all.delete(socket));
    const frames = new Frames();
    try {
      for await (const bytes of socket) for (const heard of frames.take(bytes as Buffer)) await hear(heard, wanted, hands);
    } catch {
      socket.destroy();
    }
    if (wanted.stdin && hands.isOnce) hands.input?.end();
  }

  /** What comes, once those have been shown it who want to see this channel. */
  async *shown(source: AsyncIterable<Buffer>, channel: typeof CHANNEL.stdout | typeof CHANNEL.stderr): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      for (const [socket, { stdout, stderr }] of this.#all) {
        if (!(channel === CHANNEL.stdout ? stdout : stderr) || socket.destroyed) continue;
        if (!socket.write(frame(channel, chunk))) await this.#room(socket);
      }
      yield chunk;
    }
  }

  async #room(socket: Socket): Promise<void> {
    const end = setTimeout(() => socket.destroy(), PATIENCE_MS);
    await roomIn(socket);
    clearTimeout(end);
  }

  /** The container has ended. */
  end(ended: Ended): void {
    for (const socket of this.#all.keys()) socket.end(frame(CHANNEL.status, Buffer.from(JSON.stringify(ended))));
  }
}

async function hear({ channel, payload }: Frame, { stdin }: StreamsWanted, { input, terminal, isOnce }: Hands): Promise<void> {
  if (channel === CHANNEL.resize) {
    const size = sizeOf(payload);
    if (size !== undefined) await terminal?.resize(size);
  }
  if (!stdin || input === null || input.destroyed || input.writableEnded) return;
  if (channel === CHANNEL.stdin && !input.write(payload)) await roomIn(input);
  if (channel === CHANNEL.close && isOnce) input.end();
}
