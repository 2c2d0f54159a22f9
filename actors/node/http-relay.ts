import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";

export type Scheme = "http" | "https";

export interface Destination {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  /** Who is to be there, and what is shown of ourselves, PEM; absent: whoever it is, as nobody. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly servername: string };
}

export interface RelayOptions {
  readonly to: Destination;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** Keeps connections; without one each request has its own. */
  readonly agent?: Agent;
  /** What becomes of the place that a redirection leads to. */
  readonly location?: (location: string) => string;
  /** Which headers of the answer go on, and as what; absent: all do, as they are. `name` is in small letters. */
  readonly answered?: (name: string, value: string) => string | undefined;
}

/** Nobody answered. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
  /** The system's code, where it has one. */
  readonly code: string | undefined;
  /** Nothing of the request has been read or done, so that another may be asked in its place. */
  readonly mayAskAgain: boolean;

  constructor(cause: NodeJS.ErrnoException, mayAskAgain: boolean) {
    super(cause.message, { cause });
    this.code = cause.code;
    this.mayAskAgain = mayAskAgain;
  }
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What may be asked twice. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const BAD_GATEWAY = 502;

/** The headers of a request that are for whoever it ends at, which it goes on with. */
export function endToEnd({ headers }: IncomingMessage): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith(":") && !HOP_BY_HOP.has(name));
  return Object.fromEntries(kept);
}

/** The host that a request names, and its port, in either version of HTTP. */
export function hostOfRequest({ headers }: IncomingMessage): string {
  return headers.host ?? (headers[":authority"] as string | undefined) ?? "";
}

/**
 * Passes a request on as it comes, with its body, or the connection where it asks for another protocol; and the answer back. Resolves when that is
 * through, or broke off. The body is not touched before the other side has taken the connection. Throws Unanswered.
 */
export async function relay(request: IncomingMessage, response: ServerResponse, options: RelayOptions): Promise<void> {
  const outgoing = send(request, options);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage | undefined>();
  const gone = (): void => {
    outgoing.destroy();
    resolve(undefined);
  };
  response.once("close", gone);
  let hasBegun = false;
  begin(outgoing, () => {
    hasBegun = true;
    if (request.headers.upgrade === undefined) request.pipe(outgoing);
    else outgoing.end();
  });
  outgoing.once("response", resolve);
  outgoing.once("upgrade", (answer, socket, head) => {
    join(request, response, { answer, socket, head, answered: options.answered });
    resolve(undefined);
  });
  outgoing.on("error", (error) => {
    const isEmpty = request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined;
    // A connection that was kept may have ended at the other side just when it was taken.
    const wasStale = outgoing.reusedSocket && isEmpty && IDEMPOTENT.has(request.method ?? "");
    reject(new Unanswered(error, !hasBegun || wasStale));
  });
  outgoing.once("close", () => request.unpipe(outgoing));
  try {
    const answer = await promise;
    if (answer !== undefined) await giveBack(answer, response, options);
  } finally {
    response.off("close", gone);
  }
}

function send(request: IncomingMessage, { to, path, headers, agent }: RelayOptions): ClientRequest {
  const { upgrade } = request.headers;
  const switching = upgrade === undefined ? {} : { connection: "Upgrade", upgrade };
  const { scheme, host, port, tls } = to;
  const { method = "GET" } = request;
  const options = {
    host,
    port,
    method,
    path,
    headers: { ...headers, ...switching },
    agent: upgrade === undefined ? (agent ?? false) : false,
  };
  // Whose certificate a pod has nobody can know.
  return scheme === "https" ? httpsRequest({ ...options, ...(tls ?? { rejectUnauthorized: false }) }) : httpRequest(options);
}

/** When the other side has taken the connection. */
function begin(outgoing: ClientRequest, start: () => void): void {
  outgoing.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", start);
    else start();
  });
}

async function giveBack(answer: IncomingMessage, response: ServerResponse, { location, answered }: RelayOptions): Promise<void> {
  for (const [name, given] of Object.entries(answer.headers)) {
    if (given === undefined || HOP_BY_HOP.has(name)) continue;
    const value = answered === undefined ? given : answered(name, String(given));
    if (value !== undefined) response.setHeader(name, name === "location" && location !== undefined ? location(String(value)) : value);
  }
  response.writeHead(answer.statusCode ?? BAD_GATEWAY);
  response.flushHeaders();
  // An answer that breaks off breaks off, which is all that can be told to the client.
  await pipeline(answer, response).catch(() => response.destroy());
}

interface Upgraded {
  readonly answer: IncomingMessage;
  readonly socket: Socket;
  /** What came with the answer. */
  readonly head: Buffer;
  readonly answered: RelayOptions["answered"];
}

/** Both have agreed on another protocol, which is nobody else's business. */
function join(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, socket: other, head, answered = (_name, value) => value }: Upgraded,
): void {
  const client = request.socket;
  response.detachSocket(client);
  const { rawHeaders } = answer;
  const lines = rawHeaders.flatMap((name, at) => {
    const value = at % 2 === 0 ? answered(name.toLowerCase(), rawHeaders[at + 1] ?? "") : undefined;
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) client.write(head);
  for (const [one, two] of [
    [client, other],
    [other, client],
  ] as const) {
    one.setTimeout(0);
    one.pipe(two);
    one.on("error", () => {});
    one.once("close", () => two.destroy());
  }
}
