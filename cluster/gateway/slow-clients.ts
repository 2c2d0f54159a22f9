/** An idle connection is kept this long; longer than clients keep theirs, so that they close first. */
export const KEEP_ALIVE_TIMEOUT_MS = 180_000;
/** A connection with a request under way on which no byte moves for this long is closed. Watches are exempt. */
export const STALLED_CLIENT_MS = 90_000;
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
