import { packFrames, unpackFrame } from "./frame.ts";
import type { Listener, Transport } from "./transport.ts";

/** The largest frame of a loopback network unless told otherwise: what a nats-server allows by default. */
const LOOPBACK_PAYLOAD_MAX_BYTES = 1_048_576;

/** Hosts of one process that reach one another without a server. For tests. */
export interface LoopbackNetwork {
  /** The transport of the host with this name. */
  join(host: string): Transport;
  /** Cuts a host off, or joins it again: what it sends and what is sent to it is lost. */
  cut(host: string, off: boolean): void;
  /** Frames carried so far. */
  readonly frames: number;
  /** Puts raw bytes on the wire to a host, as if another had sent them. */
  inject(host: string, bytes: Uint8Array): void;
}

/** A network in memory. What crosses it is packed and unpacked as on a real one, so that only plain data survives. */
export function loopbackNetwork(payload_max: number = LOOPBACK_PAYLOAD_MAX_BYTES): LoopbackNetwork {
  const listeners = new Map<string, Listener>();
  const off = new Set<string>();
  let carried = 0;

  function carry(host: string, bytes: Uint8Array): void {
    // In a later turn of the event loop, as from a socket.
    setImmediate(() => {
      const listener = listeners.get(host);
      if (listener === undefined || off.has(host)) return;
      carried += 1;
      const frame = unpackFrame(bytes);
      if (typeof frame === "string") listener.unreadable(frame);
      else listener.deliver(frame);
    });
  }

  return {
    join: (name) => ({
      listen(listener) {
        listeners.set(name, listener);
        return Promise.resolve();
      },
      send(host, envelopes, incarnation) {
        const { frames, refused } = packFrames([name, incarnation], envelopes, payload_max);
        if (off.has(name)) return refused;
        if (!listeners.has(host)) {
          setImmediate(() => listeners.get(name)?.lost(host));
          return refused;
        }
        for (const bytes of frames) carry(host, bytes);
        return refused;
      },
      reachable: (host) => !off.has(name) && !off.has(host) && listeners.has(host),
      close() {
        listeners.delete(name);
        // Behind what was sent.
        return new Promise((resolve) => setImmediate(resolve));
      },
    }),
    cut(host, away) {
      if (away) off.add(host);
      else off.delete(host);
    },
    get frames() {
      return carried;
    },
    inject: carry,
  };
}
