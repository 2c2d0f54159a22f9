import { connect, type TLSSocket } from "node:tls";
import { type AnswerListener, AnswerReader } from "./answer-reader.ts";
import type { ApiAccess } from "./kubeconfig.ts";

/** Hears the answer to one request: all of it, or an error at any moment. */
export interface Exchange extends AnswerListener {
  failed(error: Error): void;
}

/**
 * A connection of HTTP/1.1 over TLS that carries one request at a time. Written by hand because a general client takes more processor time for each request than
 * the server under measurement has for it on the same cores.
 */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #reader = new AnswerReader();
  readonly #done: (connection: Connection) => void;
  #exchange: Exchange | undefined;
  #broken = false;

  /** `done` is told whenever an exchange is over; the connection can carry another unless it is broken. */
  constructor(access: ApiAccess, done: (connection: Connection) => void) {
    this.#done = done;
    const { hostname, port } = new URL(access.origin);
    this.#socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 443 : Number(port),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: !access.insecure,
      ...(access.authority === undefined ? {} : { ca: access.authority }),
      ...(access.serverName === undefined ? {} : { servername: access.serverName }),
      ...(access.clientCertificate === undefined ? {} : { cert: access.clientCertificate }),
      ...(access.clientKey === undefined ? {} : { key: access.clientKey }),
    });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#closed());
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Sends a request; the one before must have been answered. */
  send(request: string, exchange: Exchange): void {
    this.#exchange = exchange;
    this.#reader.expect({
      began: (status, head) => exchange.began(status, head),
      data: (bytes) => exchange.data(bytes),
      ended: () => this.#ended(exchange),
    });
    this.#socket.write(request);
  }

  /** Cuts the connection; whoever waits for an answer is told why. */
  destroy(why: Error): void {
    this.#fail(why);
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #ended(exchange: Exchange): void {
    this.#exchange = undefined;
    if (this.#reader.closes) this.#broken = true;
    if (this.#broken) this.#socket.destroy();
    exchange.ended();
    this.#done(this);
  }

  #closed(): void {
    this.#broken = true;
    if (!this.#reader.close()) this.#fail(new Error("the server closed the connection before it had answered"));
  }

  #fail(error: Error): void {
    this.#broken = true;
    this.#socket.destroy();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    exchange.failed(error);
    this.#done(this);
  }
}
