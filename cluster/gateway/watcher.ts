import type { ServerResponse } from "node:http";
import { roomIn } from "../../actors/node/streaming/backpressure.ts";
import type { Clock } from "../../runtime/mod.ts";
import { protobufFrames } from "./protobuf-frames.ts";

/** What may wait unsent for one watcher. A client that reads slower than that is cut off and starts over, as Kubernetes does it. */
export const WATCH_BUFFER_BYTES_MAX: number = 8 * 1024 * 1024;
/** What may wait unsent for all of them together. Beyond it whoever has more waiting than the others on average is cut off. */
export const WATCH_BUFFERS_BYTES_MAX: number = 128 * 1024 * 1024;

/** What waits unsent in all the watches of a gateway. */
export class Unsent {
  bytes = 0;
  watchers = 0;
}

/** One client's watch: an answer that stays open. Everything about what it is told lives in its feed; this is only the pipe. */
export class Watcher {
  readonly bookmarks: boolean;
  readonly protobuf: boolean;
  /** When it was last told how far it is, by the monotonic clock. */
  bookmarked_ms: number;
  readonly #response: ServerResponse;
  readonly #unsent: Unsent;
  /** What of `#unsent` is ours. */
  #waiting = 0;
  #open = true;
  #closed = (): void => {};

  constructor(response: ServerResponse, unsent: Unsent, options: { bookmarks: boolean; now_ms: number; protobuf: boolean }) {
    this.#response = response;
    this.#unsent = unsent;
    this.protobuf = options.protobuf;
    this.bookmarks = options.bookmarks;
    this.bookmarked_ms = options.now_ms;
    unsent.watchers++;
    response.on("drain", () => this.#count());
    response.once("close", () => {
      unsent.watchers--;
      unsent.bytes -= this.#waiting;
      this.#waiting = 0;
      this.#open = false;
      this.#closed();
    });
  }

  get open(): boolean {
    return this.#open && !this.#response.destroyed;
  }

  /** Calls back when the client has gone, or the watch has ended. */
  onceClosed(hear: () => void): void {
    this.#closed = hear;
    if (!this.open) hear();
  }

  /** Sends some whole lines. */
  send(lines: string): void {
    if (this.open) this.sendBytes(this.protobuf ? protobufFrames(lines) : Buffer.from(lines, "utf8"));
  }

  /** Sends what is printed already, in this watcher's format. The same buffer may be given to many watchers. */
  sendBytes(bytes: Buffer): void {
    if (!this.open) return;
    const waiting = this.#response.writableLength + bytes.length;
    const others = this.#unsent.bytes - this.#waiting;
    const tooMuch = others + waiting > WATCH_BUFFERS_BYTES_MAX && waiting * this.#unsent.watchers > this.#unsent.bytes;
    if (waiting > WATCH_BUFFER_BYTES_MAX || tooMuch) {
      this.#open = false;
      this.#response.destroy();
      return;
    }
    this.#response.write(bytes);
    this.#count();
  }

  /** Resolves when the client has taken enough for more to be sent, or is gone; never in the same turn. */
  room(clock: Clock): Promise<void> {
    if (this.open && this.#response.writableNeedDrain) return roomIn(this.#response);
    return new Promise((resolve) => {
      clock.after(0, resolve);
    });
  }

  /** Ends the watch in good order. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.end();
  }

  #count(): void {
    const waiting = this.#response.destroyed ? 0 : this.#response.writableLength;
    this.#unsent.bytes += waiting - this.#waiting;
    this.#waiting = waiting;
  }
}
