import { Pool } from "undici";
import { BenchFailure } from "../failure.ts";
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

/**
 * A light client of any Kubernetes API server: HTTP/1.1 over TLS on a fixed number of keep-alive connections, one request at a time on
 * each. It reads bodies only when asked, since the driver shares the machine with what it measures.
 */
export class ApiClient {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;

  constructor(access: ApiAccess, connections: number) {
    this.#pool = new Pool(access.origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        rejectUnauthorized: !access.insecure,
        ...(access.authority === undefined ? {} : { ca: access.authority }),
        ...(access.serverName === undefined ? {} : { servername: access.serverName }),
        ...(access.clientCertificate === undefined ? {} : { cert: access.clientCertificate }),
        ...(access.clientKey === undefined ? {} : { key: access.clientKey }),
      },
    });
    this.#headers = { ...JSON_HEADERS, ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }) };
  }

  /** Sends a request and resolves when its answer has arrived whole. The body is kept of errors, and of everything with `keepBody`. */
  send(request: Request, keepBody = false): Promise<Answer> {
    const headers = request.headers === undefined ? this.#headers : { ...this.#headers, ...request.headers };
    return new Promise((resolve, reject) => {
      let status = 0;
      let retryAfter_s = 0;
      const chunks: Buffer[] = [];
      this.#pool.dispatch(
        { method: request.method, path: request.path, headers, body: request.body ?? null },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, statusCode, answered) => {
            status = statusCode;
            if (statusCode >= 400) retryAfter_s = Number(answered["retry-after"]) || 0;
          },
          onResponseData: (_controller, chunk) => {
            if (keepBody || status >= 400) chunks.push(chunk);
          },
          onResponseEnd: () => resolve({ status, body: Buffer.concat(chunks).toString(), retryAfter_s }),
          onResponseError: (_controller, error) => reject(error),
        },
      );
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
      let close = (): void => {};
      let ended = (): void => {};
      let refused: { status: number; body: string } | undefined;
      const stream: Stream = { ended: new Promise((done) => (ended = done)), close: () => close() };
      this.#pool.dispatch(
        { method: "GET", path, headers: this.#headers, body: null },
        {
          onRequestStart: (controller) => {
            close = () => controller.abort(new Error("closed by the driver"));
          },
          onResponseStart: (_controller, status) => {
            if (status === 200) resolve(stream);
            else refused = { status, body: "" };
          },
          onResponseData: (_controller, chunk) => {
            if (refused === undefined) take(chunk);
            else refused.body += chunk.toString();
          },
          onResponseEnd: () => {
            ended();
            if (refused !== undefined) reject(new BenchFailure(`GET ${path} was answered ${refused.status}: ${messageOf(refused.body)}`));
          },
          onResponseError: (_controller, error) => {
            ended();
            reject(error);
          },
        },
      );
    });
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
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
