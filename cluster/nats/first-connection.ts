import { type ConnectionOptions, connect, ErrorCode, type NatsConnection, type NatsError } from "nats";
import { LOG_CONNECTION_OPTIONS } from "../../actors/mod.ts";
import { type Clock, systemClock } from "../../runtime/mod.ts";

/** How long a server that takes connections, and is too busy to answer them, is asked again. */
const PATIENCE_MS = 10_000;

/**
 * A connection under a log, which comes back by itself once it was there. Rejects with NatsError: at once where nobody listens or who asks is not let
 * in, and where the servers keep silent when they have done so for PATIENCE_MS. Each time the client leaves a socket, which the server closes when it
 * comes to see that nobody speaks there.
 */
export async function firstConnection(
  options: ConnectionOptions,
  clock: Pick<Clock, "monotonic_ms"> = systemClock(),
): Promise<NatsConnection> {
  const deadline_ms = clock.monotonic_ms() + PATIENCE_MS;
  for (;;) {
    try {
      return await connect({ ...LOG_CONNECTION_OPTIONS, waitOnFirstConnect: false, ...options });
    } catch (error) {
      if ((error as NatsError).code !== ErrorCode.Timeout || clock.monotonic_ms() >= deadline_ms) throw error;
    }
  }
}
