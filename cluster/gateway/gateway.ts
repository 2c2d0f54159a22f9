import { type IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { notAcceptable } from "../../actors/kinds/errors.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import { NoIdentity } from "../access/authentication/impersonation.ts";
import { refusal } from "../access/authorization/refusal.ts";
import type { Identity } from "../access/identity.ts";
import type { Aggregation } from "../aggregation/aggregation.ts";
import type { Hosts } from "../observation/hosts.ts";
import { MetricsPage } from "../observation/metrics-page.ts";
import type { Format } from "./accept.ts";
import { negotiate, PLAIN_JSON, TEXT_ANSWER_TYPES } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { recordAnswer } from "./audited.ts";
import { BodyAborted, leavesMuchUnread } from "./body.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { answerResource, includedObject } from "./dispatch.ts";
import { failureAnswer } from "./failures.ts";
import { dumpOf } from "./fairness/dump.ts";
import type { Classified } from "./fairness/fairness.ts";
import { Fairness } from "./fairness/fairness.ts";
import type { Seat } from "./fairness/priority-level.ts";
import { gauges } from "./gauges.ts";
import { Http2Door } from "./http2.ts";
import type { Lane } from "./in-flight.ts";
import { InFlight, tooMany } from "./in-flight.ts";
import { RequestMetrics } from "./metrics.ts";
import { memberCredentials, natsCredentials } from "./nats-credentials.ts";
import { comesInSeveralForms, Pages, unacceptable } from "./pages.ts";
import type { Wire } from "./printer.ts";
import { print } from "./printer.ts";
import type { RequestInfo } from "./route.ts";
import { isTrue, parseRequest } from "./route.ts";
import type { StartHook } from "./server-checks.ts";
import { serverChecks } from "./server-checks.ts";
import type { SlowClientLimits } from "./slow-clients.ts";
import { SILENT_CONNECTION_MS, SLOW_CLIENT_LIMITS, TCP_KEEP_ALIVE_MS } from "./slow-clients.ts";
import { refuseUnfitting } from "./unfitting-view.ts";
import { Watches } from "./watches.ts";

/** Connections at once; each idle one costs some 50 KB. */
export const CONNECTIONS_MAX = 20_000;

export interface GatewayOptions extends GatewayContext {
  /** PEM. `clientCa` signs the certificates that say who clients are. */
  readonly tls: { readonly key: string; readonly cert: string; readonly clientCa: string };
  /** The package version of this program. */
  readonly version: string;
  /** All hosts of the cluster, for /metrics and /troupe/actors. */
  readonly hosts: Hosts;
  /** Default SLOW_CLIENT_LIMITS. */
  readonly limits?: SlowClientLimits;
  /** What is to have happened since the start before it is ready; default nothing. */
  readonly begun?: readonly StartHook[];
  /** What others serve behind APIServices; without it there is nobody. */
  readonly aggregation?: Aggregation;
}

/** The group of roles and bindings. */
const RBAC = "rbac.authorization.k8s.io";

const TLS_MIN = "TLSv1.2";

/** The HTTPS door of one host. */
export interface Gateway {
  /** Port 0 takes a free one. Resolves to the port; rejects with the system's error (`EADDRINUSE`, `EACCES`). */
  listen(port: number, host: string): Promise<number>;
  /** Shows another certificate to whoever connects from now on. */
  renew(tls: { readonly key: string; readonly cert: string; readonly ca: string }): void;
  /** Takes no more requests, ends watches, lets what is under way finish for `grace_ms`, then cuts it off. */
  close(grace_ms: number): Promise<void>;
}

/**
 * Makes the gateway: HTTPS requests become reads of the view and writes through the registry. One request goes through: parse, who is
 * it, may they, is there room, in which form, what do they want, print.
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpsGateway(options);
}

class HttpsGateway implements Gateway {
  readonly #context: GatewayOptions;
  readonly #server: Server;
  readonly #http2: Http2Door;
  readonly #limits: SlowClientLimits;
  readonly #watches: Watches;
  readonly #inFlight = new InFlight();
  readonly #fairness: Fairness;
  readonly #metrics = new RequestMetrics();
  readonly #pages: Pages;
  /** Connections whose clients asked for another protocol: the server itself knows them no more. */
  readonly #switched = new Set<Socket>();
  #address = "";
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#context = options;
    this.#limits = options.limits ?? SLOW_CLIENT_LIMITS;
    this.#fairness = new Fairness(options.view, options.clock);
    this.#watches = new Watches(options);
    const { kinds, version, hosts } = options;
    const metrics = new MetricsPage(hosts, () => [
      ...this.#metrics.families(),
      ...this.#fairness.families(),
      ...gauges({ inFlight: this.#inFlight, watches: this.#watches.count, view: options.view, kinds, version }),
      ...(options.auditor?.families() ?? []),
    ]);
    const { aggregation } = options;
    this.#pages = new Pages({
      kinds,
      version,
      hosts,
      metrics,
      issuer: options.access.issuer,
      checks: serverChecks(options, options.begun ?? [], () => this.#closing),
      fairness: (dump) => dumpOf(dump, this.#fairness.levels, options.clock),
      address: () => this.#address,
      ...(aggregation === undefined ? {} : { aggregation }),
    });
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
    // Who asks for another protocol is answered like anybody else, on a connection that is theirs to switch.
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#switched.add(socket);
      socket.once("close", () => this.#switched.delete(socket));
      // What came behind the request already is the first of what comes in the other protocol.
      if (head.length > 0) socket.unshift(head);
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.shouldKeepAlive = false;
      response.once("finish", () => socket.end());
      socket.on("error", () => response.destroy());
      void this.#serve(request, response);
    });
    this.#http2 = new Http2Door((request, response) => void this.#serve(request, response), options.clock, options.log, {
      request_ms: limits.request_ms,
      idle_ms: SILENT_CONNECTION_MS,
    });
    takeByProtocol(this.#server, this.#http2);
    this.#server.timeout = SILENT_CONNECTION_MS;
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("tlsClientError", (error) => options.log.debug({ error }, "a TLS handshake failed"));
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
    this.#watches.endAll();
    this.#fairness.close();
    this.#server.closeIdleConnections();
    this.#http2.close();
    const cut = this.#context.clock.after(grace_ms, () => {
      this.#server.closeAllConnections();
      for (const socket of this.#switched) socket.destroy();
      this.#http2.destroy();
    });
    await closed;
    cut.cancel();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, log, view } = this.#context;
    const started_ms = clock.monotonic_ms();
    if (this.#closing) response.shouldKeepAlive = false;
    const info = parseRequest(request.method ?? "GET", request.url ?? "/");
    const lane = laneOf(info);
    const entered = lane === undefined || this.#inFlight.enter(lane);
    const format = negotiate(request.headers.accept);
    const turn: Turn = { entered, flow: undefined, seat: undefined };
    try {
      const answer = await this.#guarded(request, response, info, format, turn);
      if (answer === undefined) {
        this.#record(response, undefined);
        return;
      }
      const wire = wireOf(request, response, info, format ?? PLAIN_JSON, turn.flow?.headers ?? []);
      if (request.httpVersionMajor === 1 && leavesMuchUnread(request))
        await print(answer, { ...wire, last: () => this.#linger(request) }, view, clock.now_ms());
      else await print(answer, wire, view, clock.now_ms());
      this.#record(response, answer);
      const duration_ms = answer.type === "taken" ? undefined : clock.monotonic_ms() - started_ms;
      this.#metrics.count(info, response.statusCode, duration_ms);
    } catch (error) {
      // A failure while printing: the head is out already, so all that is left is to cut the answer short.
      log.error({ error, path: info.path }, "an answer could not be printed");
      response.destroy();
    } finally {
      turn.seat?.leave();
      if (entered && lane !== undefined) this.#inFlight.leave(lane);
    }
  }

  #record(response: ServerResponse, answer: Answer | undefined): void {
    const { auditor, view, clock } = this.#context;
    const audited = auditor?.of(response);
    if (audited !== undefined) recordAnswer(audited, answer, response, view, clock.now_ms());
  }

  /** Ends a connection on which more is to come than anybody wants, when its client has had time to see why. */
  #linger(request: IncomingMessage): void {
    request.pause();
    const end = this.#context.clock.after(this.#limits.linger_ms, () => request.socket.destroy());
    request.socket.once("close", () => end.cancel());
  }

  /** The answer, whatever happens; undefined when the client has gone. */
  async #guarded(
    request: IncomingMessage,
    response: ServerResponse,
    info: RequestInfo,
    format: Format | undefined,
    turn: Turn,
  ): Promise<Answer | undefined> {
    try {
      const identity = await this.#admitted(request, response, info);
      if (!turn.entered) return tooMany();
      if (!isConnection(info)) {
        turn.flow = this.#fairness.classify(identity, info);
        const seat = this.#fairness.enter(turn.flow, info);
        turn.seat = seat instanceof Promise ? await seat : seat;
        if (turn.seat === undefined) return tooMany(this.#fairness.refuse(turn.flow));
        // Its client may have gone while it waited.
        if (response.destroyed) return undefined;
        if (info.type === "resource" && info.verb === "watch") response.once("close", this.#fairness.watches.add(info));
      }
      const remote = this.#context.aggregation?.find(info);
      if (remote !== undefined) return await this.#context.aggregation?.serve(remote, request, response, identity);
      const own = this.#context.aggregation?.own(info);
      if (own !== undefined) {
        if (format === undefined || format.encoding === "protobuf") throw notAcceptable(TEXT_ANSWER_TYPES);
        return await own(request.headers["if-none-match"]);
      }
      if (info.type === "page") {
        if (format === undefined && comesInSeveralForms(info.page, request.headers.accept)) throw unacceptable();
        if (info.method === "post" && info.page.page === "nats-credentials") return await natsCredentials(this.#context, request, identity);
        if (info.method === "post" && info.page.page === "member-credentials")
          return await memberCredentials(this.#context, request, identity);
        return await this.#pages.answer(info, format ?? PLAIN_JSON, request.headers);
      }
      // Of what is passed on, the other side chooses the form.
      if (format === undefined && !isConnection(info)) throw unacceptable();
      const answer = await answerResource(this.#context, this.#watches, info, format ?? PLAIN_JSON, request, response, identity);
      refuseUnfitting(answer, format ?? PLAIN_JSON);
      // Whoever was told that access has changed finds it changed, at this door at least.
      if (info.group === RBAC && laneOf(info) === "mutating") await untilNewest(this.#context);
      return answer;
    } catch (error) {
      if (error instanceof BodyAborted) return undefined;
      if (error instanceof NoIdentity)
        return { type: "text", code: 500, text: `Internal Server Error: ${JSON.stringify(request.url)}: ${error.message}\n` };
      if (error instanceof StatusError && (error.status.code === 401 || error.status.code === 403))
        this.#context.log.info({ path: info.path, from: request.socket.remoteAddress, refused: error.status.message }, "refused");
      return failureAnswer(error, this.#context.log, info.path);
    }
  }

  /** Whom the request is made as, when they may make it. Throws 401 and 403. */
  async #admitted(request: IncomingMessage, response: ServerResponse, info: RequestInfo): Promise<Identity> {
    const { access, auditor } = this.#context;
    const asker = await this.#asker(request, response, info);
    auditor?.received(request, response, info, asker);
    const audited = auditor?.of(response);
    // The page by which people come in holds nothing of the cluster.
    if (info.type === "page" && info.page.page === "console" && info.method === "get") return asker;
    const decide = async (): Promise<Identity> => {
      const acting = access.impersonation.act(asker, request.headers, request.rawHeaders);
      const identity = acting instanceof Promise ? await acting : acting;
      const answer = access.authorizer.authorize(identity, info);
      const { allowed, reason } = answer instanceof Promise ? await answer : answer;
      audited?.decided(asker === identity ? undefined : identity, allowed, reason);
      if (!allowed) throw refusal(identity, info, reason);
      return identity;
    };
    try {
      return await decide();
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.code !== 403) throw error;
      // What was granted a moment ago may not have arrived here.
      await access.newest();
      return decide();
    }
  }

  /** Who asks. Throws 401. */
  async #asker(request: IncomingMessage, response: ServerResponse, info: RequestInfo): Promise<Identity> {
    const { access, auditor } = this.#context;
    try {
      const found = access.authenticator.identify(request);
      return found instanceof Promise ? await found : found;
    } catch (error) {
      if (error instanceof StatusError) auditor?.unknown(request, response, info, error.status.code);
      throw error;
    }
  }
}

/** Gives connections that agreed on HTTP/2 to it; all others stay where they are. */
function takeByProtocol(server: Server, http2: Http2Door): void {
  const listeners = server.listeners("secureConnection") as ((socket: TLSSocket) => void)[];
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") http2.take(socket);
    else for (const listener of listeners) listener.call(server, socket);
  });
}

/** A request among the others. */
interface Turn {
  /** Whether there was room for it at all. */
  readonly entered: boolean;
  flow: Classified | undefined;
  seat: Seat | undefined;
}

/** Which limit a request counts against; watches and connections against none. */
function laneOf(info: RequestInfo): Lane | undefined {
  if (info.type === "page") return "readonly";
  if (info.verb === "watch" || isConnection(info)) return undefined;
  return info.verb === "get" || info.verb === "list" ? "readonly" : "mutating";
}

/** What lasts as long as somebody reads, writes or types. Source: apiserver's BasicLongRunningRequestCheck. */
const CONNECTIONS: ReadonlySet<string> = new Set(["attach", "exec", "log", "portforward", "proxy"]);

function isConnection(info: RequestInfo): boolean {
  return info.type === "resource" && info.subresource !== "" && CONNECTIONS.has(info.subresource);
}

function wireOf(request: IncomingMessage, response: ServerResponse, info: RequestInfo, format: Format, told: readonly string[]): Wire {
  const { headers } = request;
  return {
    response,
    format,
    includeObject: includedObject(info),
    told,
    pretty: prettyFor(info.query, headers["user-agent"]),
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
