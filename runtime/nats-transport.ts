import { systemClock } from "./system.ts";
import type { Clock } from "./time.ts";
import type { Listener, Transport } from "./transport.ts";

/** After a server came back its clients come back one after another; this long a host that nobody listens for may be one of those. */
export const RECONNECT_GRACE_MS = 2_000;

/** The limit of a server that has not said one: nats-server's default. */
const PAYLOAD_MAX_BYTES_DEFAULT = 1_048_576;

/** Host names are one token of a NATS subject. */
const HOST_NAME = /^[A-Za-z0-9_-]+$/;

/** What NATS answers when nobody is subscribed to the subject of a message that names a reply subject. */
const NO_RESPONDERS = 503;

/** What the transport uses of a NATS message. */
export interface WireMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: { readonly code: number } | undefined;
}

/** What the transport uses of a NATS connection; the simulator has one of its own. */
export interface WireConnection {
  readonly info?: { readonly max_payload: number };
  isClosed(): boolean;
  /** Forgets what it was given while it was not connected. */
  publish(subject: string, bytes: Uint8Array, options: { reply: string }): void;
  subscribe(subject: string, options: { callback(error: Error | null, message: WireMessage): void }): { unsubscribe(): void };
  /** Resolves when the server has taken what was published and subscribed before. */
  flush(): Promise<void>;
  status(): AsyncIterable<{ readonly type: string }>;
}

export interface NatsTransportOptions {
  /** A connection that somebody else made, and closes. It should reconnect for ever. */
  readonly connection: WireConnection;
  /** The first tokens of the subjects: `<prefix>.host.<name>`. */
  readonly prefix: string;
  /** The name of this host. */
  readonly host: string;
  /** The machine's by default. */
  readonly clock?: Clock;
}

/**
 * Frames over core NATS: one message for what one turn of the loop sends to one host. Subject `<prefix>.host.<name>`; the reply subject
 * `<prefix>.lost.<name>.<other>` is there only for NATS to say (no responders) that nobody listens to `<other>`.
 *
 * A connection that breaks loses what is in it, and nobody can tell how much; what the client is given until it has a new one it forgets. So nothing
 * is given to it meanwhile (`send` says false), and when it is back the listener hears `resumed`, upon which the links find out what is missing.
 * Together they promise: what was told or asked **before, during or after** an outage of the server arrives once when both hosts live and
 * reconnect, except what does not fit the links' bounds, which is refused; asks still end at their deadlines.
 */
export function natsTransport(options: NatsTransportOptions): Transport {
  const { connection, prefix, host: self, clock = systemClock() } = options;
  if (!HOST_NAME.test(self)) throw new RangeError(`host name "${self}": only letters, digits, "-" and "_"`);
  const subscriptions: { unsubscribe(): void }[] = [];
  let connected = !connection.isClosed();
  let reconnected_ms = Number.NEGATIVE_INFINITY;
  let closed = false;
  /** Of the latest server: while there is none the client says nothing. */
  let frame_bytes_max = PAYLOAD_MAX_BYTES_DEFAULT;

  async function followStatus(listener: Listener): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") connected = false;
      if (type === "reconnect") {
        connected = true;
        reconnected_ms = clock.monotonic_ms();
        listener.resumed();
      }
    }
    connected = false;
  }

  function nobodyListens(host: string, listener: Listener): void {
    if (clock.monotonic_ms() - reconnected_ms < RECONNECT_GRACE_MS) listener.resumed(host);
    else listener.lost(host);
  }

  return {
    get frame_bytes_max(): number {
      frame_bytes_max = connection.info?.max_payload ?? frame_bytes_max;
      return frame_bytes_max;
    },

    async listen(listener: Listener): Promise<void> {
      void followStatus(listener);
      subscriptions.push(
        connection.subscribe(`${prefix}.host.${self}`, {
          callback: (error, message) => (error === null ? listener.frame(message.data) : listener.unreadable(error.message)),
        }),
        connection.subscribe(`${prefix}.lost.${self}.*`, {
          callback: (_error, message) => {
            if (message.headers?.code === NO_RESPONDERS)
              nobodyListens(message.subject.slice(message.subject.lastIndexOf(".") + 1), listener);
          },
        }),
      );
      await connection.flush();
    },

    send(host: string, frame: Uint8Array): boolean {
      if (closed || !connected || connection.isClosed()) return false;
      connection.publish(`${prefix}.host.${host}`, frame, { reply: `${prefix}.lost.${self}.${host}` });
      return true;
    },

    reachable: () => connected && !connection.isClosed(),

    async close(): Promise<void> {
      closed = true;
      for (const subscription of subscriptions) subscription.unsubscribe();
      // A connection that breaks meanwhile loses what was in it, as it would have a moment later.
      if (connected && !connection.isClosed()) await connection.flush().catch(() => undefined);
    },
  };
}
