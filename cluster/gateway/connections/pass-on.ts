import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { serviceUnavailable } from "../../../actors/kinds/errors.ts";
import type { Logger } from "../../../runtime/mod.ts";
import type { Answer } from "../answer.ts";
import { mayBeSilent } from "../slow-clients.ts";

export type Scheme = "http" | "https";

export interface Destination {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
}

/** The path of the request in two parts: that of the proxy itself, and what goes on. */
export interface Paths {
  readonly before: string;
  readonly after: string;
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What clients show to the API server is not for others to see. */
const CREDENTIALS = /^(authorization|impersonate-.*|x-remote-.*)$/;

/**
 * Passes a request on as it comes, body, upgrades and all, and the answer back. Links within pages are left as they are; redirections come back by the proxy. Throws 503 when nobody
 * answers. Source: apimachinery's pkg/util/proxy, UpgradeAwareHandler and Transport.
 */
export async function passOn(
  to: Destination,
  paths: Paths,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<Answer> {
  if (request.headers.upgrade === undefined && /^(\?|$)/.test(paths.after)) {
    // So that what is relative in a page is below it.
    return { type: "text", code: 301, text: "", headers: { Location: `${paths.before}/${paths.after}` } };
  }
  const outgoing = send(to, paths, request);
  response.once("close", () => outgoing.destroy());
  const answered = Promise.withResolvers<IncomingMessage | undefined>();
  outgoing.once("response", (answer) => answered.resolve(answer));
  outgoing.once("upgrade", (answer, socket, head) => {
    join(request, response, answer, socket, head);
    answered.resolve(undefined);
  });
  outgoing.on("error", (error) => answered.reject(error));
  const body = request.headers.upgrade === undefined ? pipeline(request, outgoing) : undefined;
  if (body === undefined) outgoing.end();
  // Whoever has answered need not have read it all.
  body?.catch(() => {});
  let answer: IncomingMessage | undefined;
  try {
    answer = await answered.promise;
  } catch (error) {
    if (response.destroyed) return { type: "taken" };
    throw serviceUnavailable(`error trying to reach service: ${goWords(error as NodeJS.ErrnoException, to)}`);
  }
  if (answer !== undefined) await giveBack(answer, to, paths, request, response, log);
  return { type: "taken" };
}

function send({ scheme, host, port }: Destination, { before, after }: Paths, request: IncomingMessage): ClientRequest {
  const { method = "GET", headers, socket } = request;
  const asked = headers.host ?? (headers[":authority"] as string | undefined) ?? "";
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(":") && !HOP_BY_HOP.has(name) && !CREDENTIALS.test(name) && name !== "host",
  );
  const forwarded = {
    "x-forwarded-for": [headers["x-forwarded-for"] ?? [], socket.remoteAddress ?? ""].flat().join(", "),
    "x-forwarded-host": asked,
    "x-forwarded-proto": "https",
    "x-forwarded-uri": `${before}${after}`.split("?")[0] ?? "",
  };
  const upgrade = headers.upgrade === undefined ? {} : { connection: "Upgrade", upgrade: headers.upgrade };
  const all = { ...Object.fromEntries(kept), ...forwarded, ...upgrade, ...(asked === "" ? {} : { host: asked }) };
  const path = after.startsWith("/") ? after : `/${after}`;
  const options = { host, port, method, path, headers: all, agent: false } as const;
  // Whose certificate a pod has nobody can know.
  return scheme === "https" ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
}

async function giveBack(
  answer: IncomingMessage,
  to: Destination,
  paths: Paths,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  mayBeSilent(response);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || HOP_BY_HOP.has(name)) continue;
    response.setHeader(name, name === "location" ? byTheProxy(String(value), to, paths, request) : value);
  }
  response.writeHead(answer.statusCode ?? 502);
  response.flushHeaders();
  await pipeline(answer, response).catch((error: unknown) => {
    if (!response.destroyed) log.debug({ error: String(error), to }, "an answer that is passed on broke off");
    response.destroy();
  });
}

/** Where the other side says that something is, as clients get there. */
function byTheProxy(location: string, { host, port }: Destination, { before }: Paths, { headers }: IncomingMessage): string {
  if (!URL.canParse(location)) return location.startsWith("/") && !location.startsWith(before) ? `${before}${location}` : location;
  const url = new URL(location);
  const isOther = url.host !== `${host}:${port}` && url.host !== host && url.host !== (headers.host ?? headers[":authority"]);
  if (isOther || url.pathname.startsWith(before)) return location;
  return `${before}${url.pathname}${url.search}${url.hash}`;
}

/** Both have agreed on another protocol, which is nobody else's business. */
function join(request: IncomingMessage, response: ServerResponse, answer: IncomingMessage, other: Socket, head: Buffer): void {
  const client = request.socket;
  response.detachSocket(client);
  const lines = answer.rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${answer.rawHeaders[at + 1]}`] : []));
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
  if (head.length > 0) client.write(head);
  client.setTimeout(0);
  other.setTimeout(0);
  for (const [one, two] of [
    [client, other],
    [other, client],
  ] as const) {
    one.pipe(two);
    one.on("error", () => {});
    one.once("close", () => two.destroy());
  }
}

function goWords({ code, message }: NodeJS.ErrnoException, { host, port }: Destination): string {
  if (code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  return code === "ECONNRESET" ? "EOF" : message;
}
