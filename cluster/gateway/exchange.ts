import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { badRequest } from "../../actors/kinds/errors.ts";
import type { Identity } from "../access/identity.ts";
import { readBody } from "./body.ts";

/** One request and its answer, whichever door they go through. */
export interface Exchange {
  /** What was asked for, a path with its query: for the record. */
  readonly target: string;
  /** Names in small letters. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Undefined: the door does not know where it came from. */
  readonly remoteAddress: string | undefined;
  /** Who asks, as the door was told. Throws 401. */
  identify(): Identity | Promise<Identity>;
  /** All of what was sent; a promise only while it is still on its way. Throws 413, and BodyAborted when the client went away first. */
  body(): Buffer | Promise<Buffer>;
  /** Nobody waits for the answer any more. */
  readonly gone: boolean;
  onceGone(run: () => void): void;
  /** The head of the answer is out: nothing can be added to it. */
  readonly headersSent: boolean;
  setHeader(name: string, value: string | readonly string[]): void;
  /** Of the answer, as HTTP numbers it. */
  readonly code: number;
  /** Cuts the answer short. */
  abandon(): void;
  /** For answers that last as long as somebody reads, writes or types; undefined at a door that only takes messages. */
  readonly connection: Connection | undefined;
}

export interface Connection {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The connection of a request that cannot be answered without one. Throws 400. */
export function connectionOf({ connection }: Exchange): Connection {
  if (connection === undefined) throw badRequest("this is answered over a connection that lasts: ask for it by HTTPS");
  return connection;
}

/** An exchange by HTTP, of any version. */
export class HttpExchange implements Exchange {
  readonly connection: Connection;
  readonly #identify: (request: IncomingMessage) => Identity | Promise<Identity>;

  constructor(request: IncomingMessage, response: ServerResponse, identify: (request: IncomingMessage) => Identity | Promise<Identity>) {
    this.connection = { request, response };
    this.#identify = identify;
  }

  get target(): string {
    return this.connection.request.url ?? "/";
  }

  get headers(): IncomingHttpHeaders {
    return this.connection.request.headers;
  }

  get rawHeaders(): readonly string[] {
    return this.connection.request.rawHeaders;
  }

  get remoteAddress(): string | undefined {
    return this.connection.request.socket.remoteAddress;
  }

  identify(): Identity | Promise<Identity> {
    return this.#identify(this.connection.request);
  }

  body(): Promise<Buffer> {
    return readBody(this.connection.request);
  }

  get gone(): boolean {
    return this.connection.response.destroyed;
  }

  onceGone(run: () => void): void {
    this.connection.response.once("close", run);
  }

  get headersSent(): boolean {
    return this.connection.response.headersSent;
  }

  setHeader(name: string, value: string | readonly string[]): void {
    this.connection.response.setHeader(name, value);
  }

  get code(): number {
    return this.connection.response.statusCode;
  }

  abandon(): void {
    this.connection.response.destroy();
  }
}
