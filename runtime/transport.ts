import type { Envelope, Frame, Refused } from "./envelope.ts";

/** How a host hears from others. */
export interface Listener {
  /** Envelopes of a frame are delivered in order. */
  deliver(frame: Frame): void;
  /** A frame could not be read (for example, its version is not known); it was dropped. */
  unreadable(reason: string): void;
  /** Nobody listens under this host's name; what was sent to it is lost. */
  lost(host: string): void;
}

/** Carries envelopes between hosts, at most once, in order for each pair of hosts. */
export interface Transport {
  /** Begins to deliver; resolves when what others send from now on arrives. Called once. */
  listen(listener: Listener): Promise<void>;
  /** Sends what one turn of the loop has for one host, in the name of this incarnation of the sender. Returns what it refused; the rest is on its way, which is no promise that it arrives. */
  send(host: string, envelopes: readonly Envelope[], incarnation: number): readonly Refused[];
  /** False while nothing sent to this host can arrive. */
  reachable(host: string): boolean;
  /** Stops delivering, after what was sent has left. */
  close(): Promise<void>;
}
