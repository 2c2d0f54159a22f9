import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Timer } from "../../../../runtime/mod.ts";
import type { Door } from "../../listening/door.ts";
import type { Entrance, Target } from "../forwarding.ts";
import { type Balancer, Gate } from "./balancer.ts";
import type { DoorOptions } from "./door-world.ts";
import { FLOW_IDLE_MS, FLOW_WAITING_MAX } from "./limits.ts";

const NONE_TRIED: ReadonlySet<Target> = new Set();

/** One client's datagrams, and the socket by which its target knows it. */
interface Flow {
  readonly target: Target;
  readonly socket: Socket;
  /** What waits until the socket is connected; undefined when it is. */
  waiting: Uint8Array[] | undefined;
  seen_ms: number;
}

/**
 * Leads datagrams to targets and answers back. A client, which is an address and a port, keeps its target until it has been silent for a while, the
 * target refuses it or is no target any more.
 */
export class UdpDoor implements Door {
  readonly #options: DoorOptions;
  readonly #entrance: Entrance;
  readonly #balancer: Balancer;
  readonly #gate: Gate;
  readonly #socket: Socket;
  /** The one silent for longest first. */
  readonly #flows = new Map<string, Flow>();
  #sweep: Timer | undefined;
  #isShut = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#entrance = options.entrance;
    this.#balancer = options.balancer;
    this.#gate = new Gate(options.entrance.sources);
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (datagram, from) => this.#take(datagram, from));
  }

  open(): Promise<void> {
    const { address, port } = this.#entrance;
    return new Promise((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.bind({ address, port, exclusive: true }, () => {
        this.#socket.off("error", reject);
        this.#socket.on("error", () => {});
        resolve();
      });
    });
  }

  shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#sweep?.cancel();
    this.#socket.close();
    for (const key of [...this.#flows.keys()]) this.#end(key);
  }

  targetsChanged(): void {
    for (const [key, { target }] of this.#flows) if (!this.#balancer.leadsTo(this.#entrance, target)) this.#end(key);
  }

  #take(datagram: Uint8Array, from: RemoteInfo): void {
    const key = `${from.address}:${from.port}`;
    const now_ms = this.#options.clock.monotonic_ms();
    const flow = this.#flows.get(key) ?? this.#begin(key, from, now_ms);
    if (flow === undefined) return;
    this.#touch(key, flow, now_ms);
    if (flow.waiting === undefined) flow.socket.send(datagram);
    else if (flow.waiting.length < FLOW_WAITING_MAX) flow.waiting.push(datagram);
  }

  #touch(key: string, flow: Flow, now_ms: number): void {
    flow.seen_ms = now_ms;
    this.#flows.delete(key);
    this.#flows.set(key, flow);
  }

  #begin(key: string, from: RemoteInfo, now_ms: number): Flow | undefined {
    if (!this.#gate.lets(from.address)) return undefined;
    const target = this.#balancer.next(this.#entrance, from.address, now_ms, NONE_TRIED);
    if (target === undefined || !this.#room()) return undefined;
    this.#balancer.led(from.address, target, now_ms);
    const socket = createSocket("udp4");
    const flow: Flow = { target, socket, waiting: [], seen_ms: now_ms };
    socket.on("message", (datagram) => {
      if (this.#isShut) return;
      this.#touch(key, flow, this.#options.clock.monotonic_ms());
      this.#socket.send(datagram, from.port, from.address);
    });
    // Nobody listens there: the client's next datagram looks for another.
    socket.on("error", () => {
      if (this.#flows.get(key) === flow) this.#end(key);
    });
    socket.connect(target.port, target.address, () => {
      const { waiting } = flow;
      flow.waiting = undefined;
      for (const datagram of waiting ?? []) socket.send(datagram);
    });
    this.#flows.set(key, flow);
    this.#sweep ??= this.#options.clock.after(FLOW_IDLE_MS / 2, () => this.#sweepIdle());
    return flow;
  }

  /** Room for one more flow, if need be in place of the one of this door that has been silent for longest. */
  #room(): boolean {
    const { flows } = this.#options;
    if (flows.take()) return true;
    const [oldest] = this.#flows.keys();
    if (oldest === undefined) return false;
    this.#end(oldest);
    return flows.take();
  }

  #end(key: string): void {
    const flow = this.#flows.get(key);
    if (flow === undefined) return;
    this.#flows.delete(key);
    this.#options.flows.give();
    flow.socket.close();
  }

  #sweepIdle(): void {
    const before_ms = this.#options.clock.monotonic_ms() - FLOW_IDLE_MS;
    for (const [key, { seen_ms }] of this.#flows) {
      if (seen_ms > before_ms) break;
      this.#end(key);
    }
    this.#sweep = this.#flows.size === 0 ? undefined : this.#options.clock.after(FLOW_IDLE_MS / 2, () => this.#sweepIdle());
  }
}
