import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Requester } from "../../actors/registry/registry.ts";
import type { Logger } from "../../runtime/mod.ts";
import type { Answer } from "../gateway/answer.ts";
import { mayBeSilent } from "../gateway/slow-clients.ts";
import { OwnAddress } from "../outbound/own-address.ts";
import { NoEndpoint } from "../outbound/service-address.ts";
import type { RemoteCaller } from "./remote-caller.ts";
import type { RemoteService } from "./remote-services.ts";

const HOP_BY_HOP: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

function unavailable(text: string, code = 503): Answer {
  return { type: "text", code, text: `${text}\n` };
}

/**
 * Passes a request on to the server behind an APIService and its answer back, as it comes: a watch is an answer that goes on. Source: kube-aggregator's
 * pkg/apiserver/handler_proxy.go.
 */
export async function proxied(
  caller: RemoteCaller,
  remote: RemoteService,
  request: IncomingMessage,
  response: ServerResponse,
  requester: Requester,
  log: Logger,
): Promise<Answer> {
  if (!remote.available) return unavailable("service unavailable");
  if (request.headers.upgrade !== undefined) return unavailable("connections that switch protocols are not passed on", 501);
  const aborted = new AbortController();
  response.once("close", () => aborted.abort());
  const { method = "GET", url = "/", headers } = request;
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  try {
    const forwarded = { ...headers, "x-forwarded-for": forwardedFor(request) };
    const answer = await caller.call(remote, {
      method,
      path: url,
      headers: forwarded,
      requester,
      signal: aborted.signal,
      ...(hasBody ? { body: request } : {}),
    });
    mayBeSilent(response);
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !HOP_BY_HOP.has(name)) response.setHeader(name, value);
    }
    response.writeHead(answer.statusCode);
    response.flushHeaders();
    await pipeline(answer.body, response).catch((error: unknown) => {
      if (!aborted.signal.aborted) log.debug({ error: String(error), apiService: remote.name }, "an answer of an APIService broke off");
      response.destroy();
    });
    return { type: "taken" };
  } catch (error) {
    if (aborted.signal.aborted) return { type: "taken" };
    log.warn({ error: String(error), apiService: remote.name }, "an APIService could not be called");
    if (error instanceof NoEndpoint || error instanceof OwnAddress) return unavailable("service unavailable");
    return unavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function forwardedFor({ headers, socket }: IncomingMessage): string {
  const before = headers["x-forwarded-for"];
  const list = before === undefined ? [] : Array.isArray(before) ? before : [before];
  return [...list, socket.remoteAddress ?? ""].join(", ");
}
