import type { SpdyStream } from "../../../actors/node/streaming/spdy/session.ts";
import type { Clock, Timer } from "../../../runtime/mod.ts";
import type { DialPort } from "./dial-port.ts";

/** Source: kubelet's DefaultStreamCreationTimeout. */
const STREAM_CREATION_MS = 30_000;
const PORT_MAX = 65_535;

interface Pair {
  data: SpdyStream | undefined;
  error: SpdyStream | undefined;
  readonly late: Timer;
}

/**
 * The streams of a client that forwards ports, in pairs of the same request: one for the bytes of a connection, one to say what is wrong with it. Their headers
 * say which is which. Source: kubelet's portforward/httpstream.go.
 */
export class StreamPairs {
  readonly #pod: string;
  readonly #dial: DialPort;
  readonly #clock: Clock;
  /** Of which one is still to come. */
  readonly #half = new Map<string, Pair>();

  constructor(pod: string, dial: DialPort, clock: Clock) {
    this.#pod = pod;
    this.#dial = dial;
    this.#clock = clock;
  }

  add(stream: SpdyStream): void {
    const { headers } = stream;
    const port = Number(headers.get("port"));
    const type = headers.get("streamtype");
    if (!Number.isInteger(port) || port < 1 || port > PORT_MAX || (type !== "data" && type !== "error")) {
      stream.destroy();
      return;
    }
    const request = requestOf(stream);
    const pair = this.#half.get(request) ?? { data: undefined, error: undefined, late: this.#late(request) };
    this.#half.set(request, pair);
    if (pair[type] !== undefined) {
      stream.destroy();
      return;
    }
    pair[type] = stream;
    const { data, error } = pair;
    if (data === undefined || error === undefined) return;
    this.#forget(request);
    void this.#forward(port, data, error);
  }

  end(): void {
    for (const request of this.#half.keys()) this.#forget(request);
  }

  #forget(request: string): void {
    this.#half.get(request)?.late.cancel();
    this.#half.delete(request);
  }

  #late(request: string): Timer {
    return this.#clock.after(STREAM_CREATION_MS, () => {
      const { data, error } = this.#half.get(request) ?? {};
      this.#forget(request);
      data?.destroy();
      error?.end(`timed out waiting for the streams of request ${request} to pod ${this.#pod}`);
    });
  }

  /** Each direction ends by itself; when the pod's is over, or the client wants no more, all is. */
  async #forward(port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
    // Nothing comes on it.
    error.resume();
    try {
      const socket = await this.#dial(port);
      data.once("close", () => socket.destroy());
      error.once("close", () => socket.destroy());
      socket.once("close", () => {
        data.end();
        error.end();
      });
      socket.once("end", () => error.end());
      socket.once("error", (failure) => error.end(failure.message));
      if (data.destroyed) socket.destroy();
      data.pipe(socket);
      socket.pipe(data);
    } catch (failure) {
      error.end((failure as Error).message);
      data.destroy();
    }
  }
}

/** Clients before 1.3 number no requests: of theirs, the stream for data is the one after that for errors. */
function requestOf({ id, headers }: SpdyStream): string {
  return headers.get("requestid") ?? String(headers.get("streamtype") === "error" ? id : id - 2);
}
