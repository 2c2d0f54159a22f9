import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { MapFeed } from "../console/feed/map-feed.ts";
import type { Hosts } from "../observation/hosts.ts";
import { MetricsPage } from "../observation/metrics-page.ts";
import type { Rehearsals, RehearsalsOptions } from "../rehearsal/rehearsals.ts";
import type { Format } from "./accept.ts";
import { negotiate, PLAIN_JSON } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { leavesMuchUnread } from "./body.ts";
import { responseOnUpgrade } from "./connections/take-connection.ts";
import { includedObject } from "./dispatch.ts";
import { connectionOf, type Exchange, HttpExchange } from "./exchange.ts";
import { Http2Door } from "./http2.ts";
import { tooMany } from "./in-flight.ts";
import { natsCredentials } from "./nats-credentials.ts";
import { comesInSeveralForms, Pages, unacceptable } from "./pages.ts";
import { postedJson } from "./posted-json.ts";
import type { Wire } from "./printer.ts";
import { print } from "./printer.ts";
import type { AnswerPage, ReceptionOptions } from "./reception.ts";
import { Reception } from "./reception.ts";
import type { RequestInfo } from "./route.ts";
import { isTrue, parseRequest } from "./route.ts";
import type { StartHook } from "./server-checks.ts";
import { serverChecks } from "./server-checks.ts";
import type { SlowClientLimits } from "./slow-clients.ts";
import { mayBeSilent, SILENT_CONNECTION_MS, SLOW_CLIENT_LIMITS, TCP_KEEP_ALIVE_MS } from "./slow-clients.ts";
import { whatIf } from "./what-if.ts";

/** Connections at once; each idle one costs some 50 KB. */
export const CONNECTIONS_MAX = 20_000;

export interface GatewayOptions extends ReceptionOptions {
  /** PEM. `clientCa` signs the certificates that say who clients are. */
  readonly tls: { readonly key: string; readonly cert: string; readonly clientCa: string };
  /** All hosts of the cluster, for /metrics and /troupe/actors. */
  readonly hosts: Hosts;
  /** Default SLOW_CLIENT_LIMITS. */
  readonly limits?: SlowClientLimits;
  /** As the cluster's scheduler has it, for those who ask why a pod waits; default Kubernetes' own. */
  readonly scheduler?: Pick<RehearsalsOptions, "configuration" | "askExtender">;
  /** What is to have happened since the start before it is ready; default nothing. */
  readonly begun?: readonly StartHook[];
}

const TLS_MIN = "TLSv1.2";
/** What is answered to what cannot be read as a request. */
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);
/** Of a request's head, as much as one of HTTP/2 may have: a token that names many groups is longer than Node's 16 KB. */
const HEAD_BYTES_MAX = 64 * 1_024;

/** The HTTPS door of one host. */
export interface Gateway {
  /** What requests go through that come by other doors of this host. */
  readonly reception: Reception;
  /** Port 0 takes a free one. Resolves to the port; rejects with the system's error (`EADDRINUSE`, `EACCES`). */
  listen(port: number, host: string): Promise<number>;
  /** Shows another certificate to whoever connects from now on. */
  renew(tls: { readonly key: string; readonly cert: string; readonly ca: string }): void;
  /** Takes no more requests, ends watches, lets what is under way finish for `grace_ms`, then cuts it off. */
  close(grace_ms: number): Promise<void>;
}

/**
 * Makes the gateway: HTTPS requests become reads of the view and writes through the registry. One request goes through: parse, in which form, the reception
 * (who is it, may they, is there room, what do they want), print.
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpsGateway(options);
}

class HttpsGateway implements Gateway {
  readonly #context: GatewayOptions;
  readonly #server: Server;
  readonly #http2: Http2Door;
  readonly #limits: SlowClientLimits;
  readonly #reception: Reception;
  readonly #pages: Pages;
  readonly #map: MapFeed;
  #rehearsals: Promise<Rehearsals> | undefined;
  /** All that have done their handshake, whatever is spoken on them: the server itself forgets those that switch to another protocol, or that it cannot read. */
  readonly #connections = new Set<TLSSocket>();
  /** Those of them that are told why they end. */
  readonly #refused = new WeakSet<Duplex>();
  #address = "";
  #closing = false;
  /** No connection is to be left; handshakes that were under way may still make some. */
  #ended = false;

  constructor(options: GatewayOptions) {
    this.#context = options;
    this.#limits = options.limits ?? SLOW_CLIENT_LIMITS;
    const { kinds, version, hosts, aggregation } = options;
    const reception = new Reception(options, (...asked) => this.#page(...asked));
    this.#reception = reception;
    const metrics = new MetricsPage(hosts, () => reception.families());
    this.#pages = new Pages({
      kinds,
      version,
      hosts,
      metrics,
      rehearsals: () => this.#rehearsing(),
      issuer: options.access.issuer,
      checks: serverChecks(options, options.begun ?? [], () => this.#closing),
      fairness: (dump) => reception.dump(dump),
      address: () => this.#address,
      ...(aggregation === undefined ? {} : { aggregation }),
    });
    this.#map = new MapFeed(options);
    const limits = this.#limits;
    this.#server = createServer(
      {
        key: options.tls.key,
        cert: options.tls.cert,
        ca: options.tls.clientCa,
        // Everybody may connect: who has no certificate, or a wrong one, is anonymous.
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2", "http/1.1"],
        minVersion: TLS_MIN,
        maxHeaderSize: HEAD_BYTES_MAX,
        handshakeTimeout: limits.headers_ms,
        headersTimeout: limits.headers_ms,
        requestTimeout: limits.request_ms,
        connectionsCheckingInterval: limits.check_ms,
        // The server's `timeout` says it for idle connections, too.
        keepAliveTimeout: 0,
        keepAlive: true,
        keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
        noDelay: true,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => this.#refuse(error.code ?? "", socket));
    this.#server.on(
      "upgrade",
      (request: IncomingMessage, socket: Socket, head: Buffer) => void this.#serve(request, responseOnUpgrade(request, socket, head)),
    );
    this.#http2 = new Http2Door((request, response) => void this.#serve(request, response), options.clock, options.log, {
      request_ms: limits.request_ms,
      idle_ms: SILENT_CONNECTION_MS,
    });
    takeByProtocol(this.#server, this.#http2, (socket) => this.#keep(socket));
    this.#server.timeout = SILENT_CONNECTION_MS;
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("tlsClientError", (error) => options.log.debug({ error }, "a TLS handshake failed"));
  }

  get reception(): Reception {
    return this.#reception;
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#context.log.error({ error }, "the API server's socket failed"));
        const bound = (this.#server.address() as AddressInfo).port;
        this.#address = `${host}:${bound}`;
        resolve(bound);
      });
    });
  }

  renew({ key, cert, ca }: { readonly key: string; readonly cert: string; readonly ca: string }): void {
    this.#server.setSecureContext({ key, cert, ca, minVersion: TLS_MIN });
  }

  async close(grace_ms: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#reception.close();
    this.#map.close();
    this.#server.closeIdleConnections();
    this.#http2.close();
    const cut = this.#context.clock.after(grace_ms, () => {
      this.#ended = true;
      for (const socket of this.#connections) socket.destroy();
    });
    await closed;
    cut.cancel();
  }

  /** Whether the connection is there to stay. */
  #keep(socket: TLSSocket): boolean {
    if (this.#ended) {
      socket.destroy();
      return false;
    }
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
    return true;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { access, clock, view } = this.#context;
    if (this.#closing) response.shouldKeepAlive = false;
    const info = parseRequest(request.method ?? "GET", request.url ?? "/");
    const format = negotiate(request.headers.accept);
    const exchange = new HttpExchange(request, response, (asked) => access.authenticator.identify(asked));
    await this.#reception.receive(exchange, info, format, (answer, told) => {
      const wire = wireOf(request, response, info, format ?? PLAIN_JSON, told);
      const ends = request.httpVersionMajor === 1 && leavesMuchUnread(request);
      return print(answer, ends ? { ...wire, last: () => this.#linger(request) } : wire, view, clock.now_ms());
    });
  }

  /** What is no request is told so, by Node's own codes; as below, its client has time to see it. */
  #refuse(code: string, socket: Duplex): void {
    // More of the same comes in while it goes on.
    if (this.#refused.has(socket)) return;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    this.#refused.add(socket);
    const status = UNREADABLE.get(code) ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
    const end = this.#context.clock.after(this.#limits.linger_ms, () => socket.destroy());
    socket.once("close", () => end.cancel());
  }

  /** Ends a connection on which more is to come than anybody wants, when its client has had time to see why. */
  #linger(request: IncomingMessage): void {
    request.pause();
    const end = this.#context.clock.after(this.#limits.linger_ms, () => request.socket.destroy());
    request.socket.once("close", () => end.cancel());
  }

  /** The scheduler's arithmetic is loaded when somebody asks for it. */
  #rehearsing(): Promise<Rehearsals> {
    this.#rehearsals ??= import("../rehearsal/rehearsals.ts").then(
      ({ Rehearsals }) => new Rehearsals({ ...this.#context.scheduler, view: this.#context.view, clock: this.#context.clock }),
    );
    return this.#rehearsals;
  }

  #showMap(exchange: Exchange): Answer {
    const { response } = connectionOf(exchange);
    if (this.#map.isFull) return tooMany();
    mayBeSilent(response);
    this.#map.join(response, /\bgzip\b/.test(exchange.headers["accept-encoding"]?.toString() ?? ""));
    return { type: "taken" };
  }

  /** Answers everything that is not about objects. */
  #page: AnswerPage = async (info, format, exchange, identity) => {
    const { headers } = exchange;
    if (format === undefined && comesInSeveralForms(info.page, headers.accept)) throw unacceptable();
    if (info.method === "post" && info.page.page === "nats-credentials") return natsCredentials(this.#context, exchange, identity);
    if (info.method === "post" && info.page.page === "console-session") {
      const value = await this.#context.access.consoleSessions.issue(identity, await postedJson(exchange));
      return { type: "value", code: 201, value };
    }
    if (info.method === "post" && info.page.page === "what-if")
      return whatIf(this.#context, await this.#rehearsing(), exchange, info, identity);
    if (info.method === "get" && info.page.page === "map") return this.#showMap(exchange);
    return this.#pages.answer(info, format ?? PLAIN_JSON, headers);
  };
}

/** Gives connections that agreed on HTTP/2 to it; all others stay where they are. */
function takeByProtocol(server: Server, http2: Http2Door, keep: (socket: TLSSocket) => boolean): void {
  const listeners = server.listeners("secureConnection") as ((socket: TLSSocket) => void)[];
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (!keep(socket)) return;
    if (socket.alpnProtocol === "h2") http2.take(socket);
    else for (const listener of listeners) listener.call(server, socket);
  });
}

function wireOf(request: IncomingMessage, response: ServerResponse, info: RequestInfo, format: Format, told: readonly string[]): Wire {
  const { headers } = request;
  return {
    response,
    format,
    includeObject: includedObject(info),
    told,
    pretty: prettyFor(info.query, headers["user-agent"]),
    jsonEnd: "\n",
    gzip: headers["accept-encoding"]?.includes("gzip") === true,
  };
}

/** People read what they ask for with these; programs do not. Source: apiserver's isPrettyPrint. */
const READ_BY_PEOPLE = ["curl", "Wget", "Mozilla/5.0"];

function prettyFor(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.size === 0 ? null : query.get("pretty");
  if (asked !== null && asked !== "") return isTrue(asked);
  return asked === "" || (userAgent !== undefined && READ_BY_PEOPLE.some((name) => userAgent.startsWith(name)));
}
