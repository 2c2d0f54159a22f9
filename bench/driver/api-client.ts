import { BenchFailure } from "../failure.ts";
import { Connection, type Exchange } from "./connection.ts";
import type { ApiAccess } from "./kubeconfig.ts";

/** An answer's status and, where asked for, its body. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Seconds that a server which is too busy asks to be left alone (429, 503); 0 when it does not say. */
  readonly retryAfter_s: number;
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: string;
  /** Beside those that every request has, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A stream of an answer's bytes, which ends when it is closed, by either side. */
export interface Stream {
  readonly ended: Promise<void>;
  close(): void;
}

const JSON_HEADERS = { accept: "application/json", "content-type": "application/json" };

const RETRY_AFTER = /\r\nretry-after:[ \t]*(\d+)/i;

/** What waits for a connection that is free. */
interface Waiting {
  readonly text: string;
  readonly exchange: Exchange;
  readonly carried: ((by: Connection) => void) | undefined;
}

const CLOSED = new Error("the driver has closed the client");

/**
 * A light client of any Kubernetes API server: HTTP/1.1 over TLS on a fixed number of keep-alive connections, one request at a time on
 * each. It reads bodies only when asked, since the driver shares the machine with what it measures.
 */
export class ApiClient {
  readonly #access: ApiAccess;
  readonly #connectionsMax: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #connections = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(access: ApiAccess, connections: number) {
    this.#access = access;
    this.#connectionsMax = connections;
    const token = access.token === undefined ? {} : { authorization: `Bearer ${access.token}` };
    this.#headers = { host: new URL(access.origin).host, ...JSON_HEADERS, ...token };
  }

  /** Sends a request and resolves when its answer has arrived whole. The body is kept of errors, and of everything with `keepBody`. */
  send(request: Request, keepBody = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let retryAfter_s = 0;
      const chunks: Buffer[] = [];
      this.#dispatch(request, {
        began: (code, head) => {
          status = code;
          if (code >= 400) retryAfter_s = Number(RETRY_AFTER.exec(head)?.[1] ?? 0);
        },
        data: (chunk) => {
          if (keepBody || status >= 400) chunks.push(chunk);
        },
        ended: () => resolve({ status, body: chunks.length === 0 ? "" : Buffer.concat(chunks).toString(), retryAfter_s }),
        failed: reject,
      });
    });
  }

  /** Sends a request that must succeed and gives its parsed answer. Throws BenchFailure with what the server said. */
  async call(request: Request): Promise<unknown> {
    const answer = await this.send(request, true).catch((error: Error) => {
      throw new BenchFailure(`${request.method} ${request.path} failed: ${error.message}; is the API server of the kubeconfig up?`);
    });
    if (answer.status >= 300)
      throw new BenchFailure(`${request.method} ${request.path} was answered ${answer.status}: ${messageOf(answer.body)}`);
    return JSON.parse(answer.body);
  }

  /** Opens a stream (a watch) and hands over its bytes as they come; resolves when the server has accepted it. */
  stream(path: string, take: (chunk: Buffer) => void): Promise<Stream> {
    return new Promise((resolve, reject) => {
      let refused: { status: number; body: string } | undefined;
      const { promise, resolve: ended } = Promise.withResolvers<void>();
      let carrier: Connection | undefined;
      const stream: Stream = { ended: promise, close: () => carrier?.destroy(new Error("closed by the driver")) };
      const exchange: Exchange = {
        began: (status) => {
          if (status === 200) resolve(stream);
          else refused = { status, body: "" };
        },
        data: (chunk) => {
          if (refused === undefined) take(chunk);
          else refused.body += chunk.toString();
        },
        ended: () => {
          ended();
          if (refused !== undefined) reject(new BenchFailure(`GET ${path} was answered ${refused.status}: ${messageOf(refused.body)}`));
        },
        failed: (error) => {
          ended();
          reject(error);
        },
      };
      this.#dispatch({ method: "GET", path }, exchange, (connection) => {
        carrier = connection;
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { exchange } of this.#waiting.splice(0)) exchange.failed(CLOSED);
    for (const connection of [...this.#connections]) connection.destroy(CLOSED);
  }

  /** Sends a request on a connection that is free, a new one, or the first that becomes free. `carried` is told which it is. */
  #dispatch(request: Request, exchange: Exchange, carried?: (by: Connection) => void): void {
    const waiting: Waiting = { text: this.#textOf(request), exchange, carried };
    if (this.#closed) {
      exchange.failed(CLOSED);
      return;
    }
    const connection = this.#idle() ?? this.#another();
    if (connection === undefined) this.#waiting.push(waiting);
    else carry(connection, waiting);
  }

  #textOf({ method, path, body, headers }: Request): string {
    let head = `${method} ${path} HTTP/1.1\r\n`;
    const all = headers === undefined ? this.#headers : { ...this.#headers, ...headers };
    for (const name in all) head += `${name}: ${all[name]}\r\n`;
    return body === undefined ? `${head}\r\n` : `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  /** Its server may have closed it since it was used. */
  #idle(): Connection | undefined {
    for (let connection = this.#free.pop(); connection !== undefined; connection = this.#free.pop()) {
      if (!connection.broken) return connection;
      this.#connections.delete(connection);
    }
    return undefined;
  }

  #another(): Connection | undefined {
    if (this.#connections.size >= this.#connectionsMax) return undefined;
    const connection = new Connection(this.#access, (done) => this.#done(done));
    this.#connections.add(connection);
    return connection;
  }

  #done(connection: Connection): void {
    if (connection.broken) this.#connections.delete(connection);
    else this.#free.push(connection);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const carrier = this.#idle() ?? this.#another();
    if (carrier === undefined) this.#waiting.unshift(next);
    else carry(carrier, next);
  }
}

function carry(connection: Connection, { text, exchange, carried }: Waiting): void {
  carried?.(connection);
  connection.send(text, exchange);
}

/** What a Status object says, or the start of whatever else came. */
export function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return body.slice(0, 200).replaceAll("\n", " ");
}
