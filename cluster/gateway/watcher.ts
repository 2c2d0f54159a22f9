import type { ServerResponse } from "node:http";
import { protobufFrames } from "./protobuf-frames.ts";

/** What may wait unsent for one watcher. A client that reads slower than that is cut off and starts over, as Kubernetes does it. */
export const WATCH_BUFFER_BYTES_MAX: number = 8 * 1024 * 1024;

/** One client's watch: an answer that stays open. Everything about what it is told lives in its feed; this is only the pipe. */
export class Watcher {
  readonly bookmarks: boolean;
  /** When it was last told how far it is, by the monotonic clock. */
  bookmarked_ms: number;
  readonly #response: ServerResponse;
  readonly #protobuf: boolean;
  #open = true;

  constructor(response: ServerResponse, bookmarks: boolean, now_ms: number, protobuf = false) {
    this.#response = response;
    this.#protobuf = protobuf;
    this.bookmarks = bookmarks;
    this.bookmarked_ms = now_ms;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Sends some whole lines. The same buffer may be given to many watchers. */
  send(text: Buffer | string): void {
    if (!this.#open) return;
    const lines = this.#protobuf ? protobufFrames(text) : text;
    if (this.#response.writableLength + lines.length > WATCH_BUFFER_BYTES_MAX) {
      this.#open = false;
      this.#response.destroy();
      return;
    }
    this.#response.write(lines);
  }

  /** Ends the watch in good order. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.end();
  }
}
