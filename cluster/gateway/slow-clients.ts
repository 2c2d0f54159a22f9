import type { ServerResponse } from "node:http";

/**
 * A connection on which no byte moves for this long is closed, whether it is idle or its client does not read; longer than clients keep idle ones, so that they
 * close first. One limit for both, since setting another timer at the begin and the end of each request costs a twentieth of what a small one takes.
 */
export const SILENT_CONNECTION_MS = 180_000;
/** After so long without traffic the system asks whether the other end is still there; half-open watches end by it. */
export const TCP_KEEP_ALIVE_MS = 30_000;

/** What clients may take their time for. */
export interface SlowClientLimits {
  /** The head of a request, and the handshake before it. */
  readonly headers_ms: number;
  /** A whole request. */
  readonly request_ms: number;
  /** How often it is looked whose head or request is overdue. */
  readonly check_ms: number;
  /** A connection of which the rest of a body is not wanted stays open so long for its client to see the answer. */
  readonly linger_ms: number;
}

/** A request: apiserver's --request-timeout. Lingering: Go's net/http, rstAvoidanceDelay. */
export const SLOW_CLIENT_LIMITS: SlowClientLimits = { headers_ms: 10_000, request_ms: 60_000, check_ms: 5_000, linger_ms: 500 };

/** This answer may be silent for as long as it likes: the system's keep-alive tells whether its client is still there. */
export function mayBeSilent(response: ServerResponse): void {
  const { socket, req } = response;
  socket?.setTimeout(0);
  // A connection of HTTP/2 has other answers, which may be silent still.
  if (req.httpVersionMajor === 1) response.once("close", () => socket?.setTimeout(SILENT_CONNECTION_MS));
}
