/** How a host hears from others. */
export interface Listener {
  /** The bytes of one frame. They may be a part of a larger buffer that others use too. */
  frame(bytes: Uint8Array): void;
  /** Something that came could not be handed over; it was dropped. */
  unreadable(reason: string): void;
  /** Nobody is there under this host's name; what was sent to it is lost. */
  lost(host: string): void;
  /** The way to this host (without a name: to every host) was interrupted and is open again; what was sent to it lately may be lost. */
  resumed(host?: string): void;
}

/**
 * Carries frames between hosts: at most once unless the network itself doubles them, in order for each pair of hosts while the way is not
 * interrupted. It knows nothing of what is in them, and keeps none: what may be lost, and what is sent again, link.ts decides.
 */
export interface Transport {
  /** The largest frame that it carries now; may change with `resumed`. */
  readonly frame_bytes_max: number;
  /** Begins to deliver; resolves when what others send from now on arrives. Called once. */
  listen(listener: Listener): Promise<void>;
  /** Sends a frame; that is no promise that it arrives. False: the way is interrupted, and the frame was not sent. */
  send(host: string, frame: Uint8Array): boolean;
  /** False while nothing sent to this host can arrive. */
  reachable(host: string): boolean;
  /** Stops delivering, after what was sent has left. */
  close(): Promise<void>;
}
