import type { Envelope, Refused } from "./envelope.ts";
import { packFrames, unpackFrame } from "./frame.ts";
import { systemClock } from "./system.ts";
import type { Clock, Timer } from "./time.ts";
import type { Listener, Transport } from "./transport.ts";

/** Packed frames that are kept while the connection is down, to be sent when it is back; beyond that sends are refused as unreachable. */
export const OFFLINE_BUFFER_BYTES_MAX: number = 16 * 1024 * 1024;

/** After a server came back its clients come back one after another; who sends at once sends to hosts that do not listen yet. */
const RECONNECT_SETTLE_MS = 100;

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
 */
export function natsTransport(options: NatsTransportOptions): Transport {
  const { connection, prefix, host: self, clock = systemClock() } = options;
  if (!HOST_NAME.test(self)) throw new RangeError(`host name "${self}": only letters, digits, "-" and "_"`);
  const subscriptions: { unsubscribe(): void }[] = [];
  let connected = !connection.isClosed();
  let offline: { host: string; bytes: Uint8Array }[] = [];
  let offlineBytes = 0;
  let closed = false;
  let settling: Timer | undefined;

  async function followStatus(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") {
        settling?.cancel();
        connected = false;
      }
      if (type === "reconnect") settling = clock.after(RECONNECT_SETTLE_MS, sendWaiting);
    }
    settling?.cancel();
    connected = false;
  }

  function sendWaiting(): void {
    connected = true;
    const waiting = offline;
    offline = [];
    offlineBytes = 0;
    for (const { host, bytes } of waiting) publish(host, bytes);
  }

  function publish(host: string, bytes: Uint8Array): void {
    connection.publish(`${prefix}.host.${host}`, bytes, { reply: `${prefix}.lost.${self}.${host}` });
  }

  function hear(message: WireMessage, listener: Listener): void {
    const frame = unpackFrame(message.data);
    if (typeof frame === "string") listener.unreadable(frame);
    else listener.deliver(frame);
  }

  return {
    async listen(listener: Listener): Promise<void> {
      void followStatus();
      subscriptions.push(
        connection.subscribe(`${prefix}.host.${self}`, {
          callback: (error, message) => (error === null ? hear(message, listener) : listener.unreadable(error.message)),
        }),
        connection.subscribe(`${prefix}.lost.${self}.*`, {
          callback: (_error, message) => {
            if (message.headers?.code === NO_RESPONDERS) listener.lost(message.subject.slice(message.subject.lastIndexOf(".") + 1));
          },
        }),
      );
      await connection.flush();
    },

    send(host: string, envelopes: readonly Envelope[], incarnation: number): readonly Refused[] {
      if (closed || connection.isClosed()) return envelopes.map((envelope) => ({ envelope, reason: "unreachable" }));
      const { frames, refused } = packFrames([self, incarnation], envelopes, connection.info?.max_payload ?? PAYLOAD_MAX_BYTES_DEFAULT);
      if (connected) {
        for (const bytes of frames) publish(host, bytes);
        return refused;
      }
      // The client forgets what it was given while it was not connected, so the frames wait here.
      const more = frames.reduce((sum, bytes) => sum + bytes.byteLength, 0);
      if (offlineBytes + more > OFFLINE_BUFFER_BYTES_MAX) return envelopes.map((envelope) => ({ envelope, reason: "unreachable" }));
      offlineBytes += more;
      for (const bytes of frames) offline.push({ host, bytes });
      return refused;
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
