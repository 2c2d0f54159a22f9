import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { constants, createServer, type Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Clock, Logger } from "../../runtime/mod.ts";

/** Requests and watches at once on one connection; client-go puts all of a process on one. Source: kube-apiserver's --http2-max-streams-per-connection. */
export const STREAMS_PER_CONNECTION_MAX = 1_000;
/** What of its answers may wait in one connection, in megabytes; then it gets no more streams. As much as eight watches that are about to be cut off. */
const SESSION_MEMORY_MB_MAX = 64;
/** Headers of one request. Names and values together are as long as nghttp2 lets them be, 64 KB. */
const HEADER_PAIRS_MAX = 256;
/** Streams that a client may open and reset at once, and for each second after: what is more costs it its connection (CVE-2023-44487). */
const RESETS_BURST = 1_000;
const RESETS_PER_S = 100;

/** What a request is served by. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

export interface Http2Limits {
  /** A request whose body is not whole by then is ended. */
  readonly request_ms: number;
  /** A connection without a request under way is kept so long. */
  readonly idle_ms: number;
}

/**
 * HTTP/2 on connections that agreed on it (ALPN), which Go's clients always do. Requests and answers look like those of HTTP/1.1; the connection keeps its client's
 * certificate. What a client can do to the server is limited in streams, headers, resets and memory, above, and otherwise by what holds for all requests.
 */
export class Http2Door {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(serve: Serve, clock: Clock, log: Logger, { request_ms, idle_ms }: Http2Limits) {
    this.#server = createServer({
      Http2ServerResponse: Http2Response as unknown as typeof Http2ServerResponse,
      settings: { maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX, enablePush: false },
      maxSessionMemory: SESSION_MEMORY_MB_MAX,
      maxHeaderListPairs: HEADER_PAIRS_MAX,
      streamResetBurst: RESETS_BURST,
      streamResetRate: RESETS_PER_S,
    });
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.setTimeout(idle_ms, () => session.close());
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("sessionError", (error) => log.debug({ error }, "a connection of HTTP/2 failed"));
    this.#server.on("stream", (stream) => boundBody(stream, clock, request_ms));
    this.#server.on("request", (request: unknown, response: unknown) => serve(request as IncomingMessage, response as ServerResponse));
  }

  /** Takes a connection that has done its handshake. */
  take(socket: TLSSocket): void {
    this.#server.emit("connection", socket);
  }

  /** Takes no more requests; connections end with the last that is under way. */
  close(): void {
    for (const session of this.#sessions) session.close();
  }
}

/**
 * HTTP/1.1 has Node's `requestTimeout` for this. Of a body that is not read once its request has been answered, no more than a window waits, and for no longer than
 * this: a stream that is closed as soon as it is answered may take the answer with it.
 */
function boundBody(stream: ServerHttp2Stream, clock: Clock, request_ms: number): void {
  // It would be thrown otherwise; whoever serves the request sees it close.
  stream.on("error", () => {});
  if (stream.endAfterHeaders) return;
  const timer = clock.after(request_ms, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once("end", () => timer.cancel());
  stream.once("close", () => timer.cancel());
}

/** An answer with what those of HTTP/1.1 have beside. */
class Http2Response extends Http2ServerResponse<Http2ServerRequest> {
  /** `headers` are names and values in turn. Node's own would keep only the last of a name. */
  override writeHead(code: number, headers?: unknown): this {
    const values = new Map<string, string | string[]>();
    const flat = (headers ?? []) as readonly string[];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const [name, value] = [(flat[at] as string).toLowerCase(), flat[at + 1] as string];
      const before = values.get(name);
      values.set(name, before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]);
    }
    return super.writeHead(code, Object.fromEntries(values));
  }
}

// Declared by the types as if it were there.
Object.defineProperty(Http2Response.prototype, "destroyed", {
  get(this: Http2Response): boolean {
    return this.stream.destroyed;
  },
});
