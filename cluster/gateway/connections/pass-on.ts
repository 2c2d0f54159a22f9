import type { IncomingMessage, ServerResponse } from "node:http";
import { serviceUnavailable } from "../../../actors/kinds/errors.ts";
import { type Destination, endToEnd, hostOfRequest, relay, Unanswered } from "../../../actors/node/http-relay.ts";
import type { Answer } from "../answer.ts";
import { mayBeSilent } from "../slow-clients.ts";

/** The path of the request in two parts: that of the proxy itself, and what goes on. */
export interface Paths {
  readonly before: string;
  readonly after: string;
}

/** What clients show to the API server is not for others to see. */
const CREDENTIALS = /^(authorization|impersonate-.*|x-remote-.*)$/;

/**
 * Passes a request on as it comes, body, upgrades and all, and the answer back. Links within pages are left as they are; redirections come back by
 * the proxy. Throws 503 when nobody answers. Source: apimachinery's pkg/util/proxy, UpgradeAwareHandler and Transport.
 */
export async function passOn(to: Destination, paths: Paths, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
  const { before, after } = paths;
  if (request.headers.upgrade === undefined && /^(\?|$)/.test(after)) {
    // So that what is relative in a page is below it.
    return { type: "text", code: 301, text: "", headers: { Location: `${before}/${after}` } };
  }
  const path = after.startsWith("/") ? after : `/${after}`;
  const location = (place: string): string => byTheProxy(place, to, paths, request);
  mayBeSilent(response);
  try {
    await relay(request, response, { to, path, headers: headersOf(request, paths), location });
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    throw serviceUnavailable(`error trying to reach service: ${goWords(error, to)}`);
  }
  return { type: "taken" };
}

function headersOf(request: IncomingMessage, { before, after }: Paths): ReturnType<typeof endToEnd> {
  const { headers, socket } = request;
  const host = hostOfRequest(request);
  const kept = Object.entries(endToEnd(request)).filter(([name]) => !CREDENTIALS.test(name));
  return {
    ...Object.fromEntries(kept),
    "x-forwarded-for": [headers["x-forwarded-for"] ?? [], socket.remoteAddress ?? ""].flat().join(", "),
    "x-forwarded-host": host,
    "x-forwarded-proto": "https",
    "x-forwarded-uri": `${before}${after}`.split("?")[0] ?? "",
    ...(host === "" ? {} : { host }),
  };
}

/** Where the other side says that something is, as clients get there. */
function byTheProxy(location: string, { host, port }: Destination, { before }: Paths, request: IncomingMessage): string {
  if (!URL.canParse(location)) return location.startsWith("/") && !location.startsWith(before) ? `${before}${location}` : location;
  const url = new URL(location);
  const isOther = url.host !== `${host}:${port}` && url.host !== host && url.host !== hostOfRequest(request);
  if (isOther || url.pathname.startsWith(before)) return location;
  return `${before}${url.pathname}${url.search}${url.hash}`;
}

/** Why nobody answered there, as Go says it. */
export function goWords({ code, message }: Unanswered, { host, port }: Destination): string {
  if (code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  return code === "ECONNRESET" ? "EOF" : message;
}
