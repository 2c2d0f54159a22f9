import { Agent, createServer as createHttpServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { type Destination, endToEnd, hostOfRequest, relay, Unanswered } from "../http-relay.ts";
import type { Door } from "../listening/door.ts";
import { listen } from "../listening/listen.ts";
import type { Target } from "../proxy/forwarding.ts";
import { atHost, type Backend, backendFor, type Certificate, type RoutingTable } from "./routing-table.ts";

/** Connections of clients at once; and to each endpoint, those that are kept and those in all. */
const CONNECTIONS_MAX = 4_096;
const KEPT_PER_TARGET_MAX = 64;
const PER_TARGET_MAX = 1_024;
/** Endpoints that are asked before a client is told that none answers. */
const ASKED_MAX = 5;
/** The head of a request; a body may take its time. */
const HEAD_MS = 30_000;

/** What all of an ingress' doors share: where requests go, and connections that are kept. */
export class Routing {
  table: RoutingTable;
  readonly agent: Agent = new Agent({
    keepAlive: true,
    maxSockets: PER_TARGET_MAX,
    maxFreeSockets: KEPT_PER_TARGET_MAX,
    scheduling: "lifo",
  });
  /** By the name of the backend: whose turn it is. */
  readonly #turns = new Map<string, number>();
  readonly #contexts = new Map<Certificate, SecureContext>();

  constructor(table: RoutingTable) {
    this.table = table;
  }

  /** The targets of a backend, the one whose turn it is first. */
  inTurn({ name, targets }: Backend): readonly Target[] {
    const turn = (this.#turns.get(name) ?? 0) % Math.max(1, targets.length);
    this.#turns.set(name, turn + 1);
    return [...targets.slice(turn), ...targets.slice(0, turn)].slice(0, ASKED_MAX);
  }

  /** From now on requests go by this table. */
  change(table: RoutingTable): void {
    this.table = table;
    const [names, certificates] = [new Set(backendsOf(table)), new Set(table.certificates.values())];
    for (const name of this.#turns.keys()) if (!names.has(name)) this.#turns.delete(name);
    for (const certificate of this.#contexts.keys()) if (!certificates.has(certificate)) this.#contexts.delete(certificate);
  }

  /** What to show to who asks for this host. Throws what OpenSSL says of a certificate that is none; undefined where there is none. */
  contextFor(host: string): SecureContext | undefined {
    const certificate = atHost(this.table.certificates, host);
    if (certificate === undefined) return undefined;
    const context = this.#contexts.get(certificate) ?? createSecureContext({ ...certificate, minVersion: "TLSv1.2" });
    this.#contexts.set(certificate, context);
    return context;
  }
}

function* backendsOf({ hosts, defaultBackend }: RoutingTable): Iterable<string> {
  for (const { routes } of hosts.values()) for (const { backend } of routes) yield backend.name;
  if (defaultBackend !== undefined) yield defaultBackend.name;
}

export interface IngressDoorOptions {
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  readonly routing: Routing;
}

/** A port at which requests come in, in the clear or by TLS. */
export class IngressDoor implements Door {
  readonly #options: IngressDoorOptions;
  readonly #server: Server;

  constructor(options: IngressDoorOptions) {
    this.#options = options;
    const { routing } = options;
    const limits = { headersTimeout: HEAD_MS, requestTimeout: 0, noDelay: true } as const;
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    this.#server = options.secure
      ? createHttpsServer(
          { ...limits, ALPNProtocols: ["http/1.1"], SNICallback: (host, answer) => answer(...contextOrNot(routing, host)) },
          serve,
        )
      : createHttpServer(limits, serve);
    this.#server.maxConnections = CONNECTIONS_MAX;
    // Who asks for another protocol is answered like anybody else, on a connection that is theirs to switch.
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.shouldKeepAlive = false;
      response.once("finish", () => socket.end());
      socket.on("error", () => response.destroy());
      serve(request, response);
    });
  }

  /** Where it listens, when it is open. */
  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  open(): Promise<void> {
    const { address: host, port } = this.#options;
    return listen(this.#server, { host, port });
  }

  shut(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { routing } = this.#options;
    const { url = "/" } = request;
    const backend = backendFor(routing.table, hostOfRequest(request), url.split("?")[0] ?? "/");
    if (backend === undefined) return say(response, 404, "no ingress is for this host and path");
    if (backend.targets.length === 0) return say(response, 503, `nobody is behind ${backend.name}`);
    const headers = this.#headers(request);
    for (const target of routing.inTurn(backend)) {
      const to: Destination = { scheme: "http", host: target.address, port: target.port };
      try {
        return await relay(request, response, { to, path: url, headers, agent: routing.agent });
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        if (!error.mayAskAgain) break;
      }
    }
    say(response, 502, `nobody answers behind ${backend.name}`);
  }

  #headers(request: IncomingMessage): ReturnType<typeof endToEnd> {
    const { secure } = this.#options;
    const client = request.socket.remoteAddress ?? "";
    return {
      ...endToEnd(request),
      "x-forwarded-for": [request.headers["x-forwarded-for"] ?? [], client].flat().join(", "),
      "x-forwarded-host": hostOfRequest(request),
      "x-forwarded-proto": secure ? "https" : "http",
      "x-forwarded-port": String(request.socket.localPort ?? ""),
      "x-real-ip": client,
    };
  }
}

function contextOrNot(routing: Routing, host: string): [Error | null, SecureContext?] {
  try {
    const context = routing.contextFor(host);
    return context === undefined ? [new Error(`there is no certificate for ${host}`)] : [null, context];
  } catch (error) {
    return [error instanceof Error ? error : new Error(String(error))];
  }
}

function say(response: ServerResponse, code: number, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
