import type { IncomingMessage, ServerResponse } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { takeConnection } from "./take-connection.ts";

/** Clients send pieces of 32 KiB; some send all that they have at once. */
const MESSAGE_BYTES_MAX = 32 * 1_024 * 1_024;
/** RFC 6455, 7.4.1. */
export const CLOSE_NORMAL = 1_000;
const VERSION = "13";

export function wantsWebSocket({ headers }: IncomingMessage): boolean {
  if (headers.upgrade?.toLowerCase() !== "websocket" || headers["sec-websocket-key"] === undefined) return false;
  return headers["sec-websocket-version"] === VERSION;
}

/** A client that leaves the protocol to whoever answers. */
export function offersNoProtocol({ headers }: IncomingMessage): boolean {
  return (headers["sec-websocket-protocol"] ?? "") === "";
}

/** The first of `known` that the client speaks; undefined when it asks for no WebSocket, or for none of these. */
export function offeredProtocol(request: IncomingMessage, known: readonly string[]): string | undefined {
  if (!wantsWebSocket(request)) return undefined;
  const { headers } = request;
  const offered = new Set((headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim()));
  return known.find((name) => offered.has(name));
}

/** Switches the connection to WebSocket; an empty protocol is none. Undefined where the request is none: then it has been answered. */
export function acceptWebSocket(request: IncomingMessage, response: ServerResponse, protocol: string): WebSocket | undefined {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: () => protocol,
  });
  let accepted: WebSocket | undefined;
  server.handleUpgrade(request, takeConnection(request, response), Buffer.alloc(0), (socket) => {
    accepted = socket;
  });
  accepted?.on("error", () => accepted?.terminate());
  return accepted;
}
