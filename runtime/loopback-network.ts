import type { Listener, Transport } from "./transport.ts";

/** The largest frame of a loopback network unless told otherwise: what a nats-server allows by default. */
const LOOPBACK_FRAME_BYTES_MAX = 1_048_576;

/** Hosts of one process that reach one another without a server. For tests. */
export interface LoopbackNetwork {
  /** The transport of the host with this name. */
  join(host: string): Transport;
  /** Cuts a host off, or joins it again: what it sends and what is sent to it is lost. */
  cut(host: string, off: boolean): void;
  /** Lets what is sent to a host wait, as in the socket of one whose event loop does not turn, or lets it all come. */
  hold(host: string, on: boolean): void;
  /** Frames carried so far. */
  readonly frames: number;
  /** Puts raw bytes on the wire to a host, as if another had sent them. */
  inject(host: string, bytes: Uint8Array): void;
}

/** A network in memory. */
export function loopbackNetwork(frame_bytes_max: number = LOOPBACK_FRAME_BYTES_MAX): LoopbackNetwork {
  const listeners = new Map<string, Listener>();
  const off = new Set<string>();
  const held = new Map<string, Uint8Array[]>();
  let carried = 0;

  function carry(host: string, bytes: Uint8Array): void {
    // In a later turn of the event loop, as from a socket.
    setImmediate(() => {
      const waiting = held.get(host);
      if (waiting !== undefined) {
        waiting.push(bytes);
        return;
      }
      const listener = listeners.get(host);
      if (listener === undefined || off.has(host)) return;
      carried += 1;
      listener.frame(bytes);
    });
  }

  return {
    join: (name) => ({
      frame_bytes_max,
      listen(listener) {
        listeners.set(name, listener);
        return Promise.resolve();
      },
      send(host, frame) {
        if (off.has(name)) return true;
        if (listeners.has(host)) carry(host, frame);
        else setImmediate(() => listeners.get(name)?.lost(host));
        return true;
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
    hold(host, on) {
      const waiting = held.get(host) ?? [];
      if (on) {
        held.set(host, waiting);
        return;
      }
      held.delete(host);
      for (const bytes of waiting) carry(host, bytes);
    },
    get frames() {
      return carried;
    },
    inject: carry,
  };
}
