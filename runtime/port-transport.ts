import type { MessagePort } from "node:worker_threads";
import { systemClock } from "./system.ts";
import type { Clock } from "./time.ts";
import type { Listener, Transport } from "./transport.ts";

/** As large as a nats-server's frames are by default, so that what can be said does not depend on where the other is. */
const PORT_FRAME_BYTES_MAX = 1_048_576;

/** Node hands over a thousand messages of a port without a turn of the event loop; frames that come after this long wait for the next. */
const PORT_TIME_PER_TURN_MS = 4;

/**
 * Frames between the hosts of one process, each an own copy that is handed from thread to thread without another. Ports come in pairs, one for
 * each pair of hosts, from whoever starts the threads (`connect`). A port closes when the other thread ends, and with it all that was sent is
 * either delivered or lost: that is told as `lost`. The thread that takes the other's place comes with a new port. A host that once had a port
 * is never sought elsewhere, so that frames for it have one way and keep their order.
 */
export class PortTransport implements Transport {
  readonly frame_bytes_max: number = PORT_FRAME_BYTES_MAX;
  readonly #clock: Clock;
  readonly #ports = new Map<string, MessagePort>();
  readonly #known = new Set<string>();
  #listener: Listener | undefined = undefined;
  /** What has come and waits for the next turn of the event loop. */
  #inbox: (() => void)[] = [];
  #inTurn = false;
  #until_ms = 0;

  constructor(clock: Clock = systemClock()) {
    this.#clock = clock;
  }

  /** Gives this host the port to another of the process; one that it had before is closed. Before `listen` what comes waits in the port. */
  connect(host: string, port: MessagePort): void {
    const former = this.#ports.get(host);
    this.#known.add(host);
    this.#ports.set(host, port);
    former?.close();
    if (this.#listener !== undefined) this.#attach(host, port, this.#listener);
  }

  listen(listener: Listener): Promise<void> {
    this.#listener = listener;
    for (const [host, port] of this.#ports) this.#attach(host, port, listener);
    return Promise.resolve();
  }

  send(host: string, frame: Uint8Array): boolean {
    const port = this.#ports.get(host);
    if (port === undefined) {
      setImmediate(() => this.#listener?.lost(host));
      return true;
    }
    // What is handed over is gone from here, and this frame may be sent again.
    const own = new Uint8Array(frame);
    port.postMessage(own, [own.buffer]);
    return true;
  }

  reachable(host: string): boolean {
    return this.#ports.has(host);
  }

  close(): Promise<void> {
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    return Promise.resolve();
  }

  /** The transport of a host that reaches those of its own process by ports, and all others by `far`. */
  beside(far: Transport): Transport {
    const to = (host: string): Transport => (this.#known.has(host) ? this : far);
    return {
      get frame_bytes_max(): number {
        return far.frame_bytes_max;
      },
      listen: async (listener) => {
        await Promise.all([this.listen(listener), far.listen(listener)]);
      },
      send: (host, frame) => to(host).send(host, frame),
      reachable: (host) => to(host).reachable(host),
      close: async () => {
        await Promise.all([this.close(), far.close()]);
      },
    };
  }

  #attach(host: string, port: MessagePort, listener: Listener): void {
    port.on("message", (frame: Uint8Array) => this.#inTime(() => listener.frame(frame)));
    port.on("close", () => {
      this.#inTime(() => {
        if (this.#ports.get(host) === port) this.#ports.delete(host);
        // Also when another has come: what was sent to the former is lost.
        listener.lost(host);
      });
    });
  }

  /** Does it now, or in a later turn of the event loop, in order. */
  #inTime(what: () => void): void {
    if (this.#inbox.length > 0) {
      this.#inbox.push(what);
      return;
    }
    if (!this.#inTurn) this.#beginTurn();
    if (this.#clock.monotonic_ms() < this.#until_ms) what();
    else this.#inbox.push(what);
  }

  #beginTurn(): void {
    this.#inTurn = true;
    this.#until_ms = this.#clock.monotonic_ms() + PORT_TIME_PER_TURN_MS;
    setImmediate(() => {
      this.#inTurn = false;
      if (this.#inbox.length === 0) return;
      this.#beginTurn();
      let at = 0;
      while (at < this.#inbox.length && this.#clock.monotonic_ms() < this.#until_ms) this.#inbox[at++]?.();
      this.#inbox = this.#inbox.slice(at);
    });
  }
}
