import { connect, createServer, type Server, type Socket } from "node:net";
import type { Door } from "../../listening/door.ts";
import { listen } from "../../listening/listen.ts";
import type { Entrance, Target } from "../forwarding.ts";
import { type Balancer, Gate } from "./balancer.ts";
import { breakOff } from "./break-off.ts";
import type { DoorOptions } from "./door-world.ts";
import { BACKLOG, CONNECT_MS, CONNECTIONS_MAX, TARGETS_TRIED_MAX } from "./limits.ts";
import { splice } from "./splice.ts";

const LOOPBACK_ITSELF = "127.0.0.1";

/**
 * Leads TCP connections to targets. What a client sends waits in its socket until a target has answered, so a target that refuses costs the client nothing but
 * time; only when several have is the connection reset.
 */
export class TcpDoor implements Door {
  readonly #options: DoorOptions;
  readonly #entrance: Entrance;
  readonly #balancer: Balancer;
  readonly #gate: Gate;
  readonly #server: Server;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#entrance = options.entrance;
    this.#balancer = options.balancer;
    this.#gate = new Gate(options.entrance.sources);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => this.#take(client));
  }

  open(): Promise<void> {
    const { address: host, port } = this.#entrance;
    return listen(this.#server, { host, port, backlog: BACKLOG });
  }

  shut(): void {
    this.#server.close();
  }

  #take(client: Socket): void {
    // Without a listener an error would be a crash.
    client.on("error", () => {});
    const { clients } = this.#options;
    if (!this.#gate.lets(client.remoteAddress ?? "") || clients.size >= CONNECTIONS_MAX) {
      breakOff(client);
      return;
    }
    clients.add(client);
    client.once("close", () => clients.delete(client));
    this.#lead(client, client.remoteAddress ?? "", new Set());
  }

  #lead(client: Socket, from: string, tried: Set<Target>): void {
    const { clock } = this.#options;
    const target = tried.size < TARGETS_TRIED_MAX ? this.#balancer.next(this.#entrance, from, clock.monotonic_ms(), tried) : undefined;
    if (target === undefined) {
      breakOff(client);
      return;
    }
    tried.add(target);
    const { address: host, port } = target;
    // A client with a loopback address of its own is seen by it: any of them may be spoken from.
    const ownAddress = from.startsWith("127.") && host.startsWith("127.") && from !== LOOPBACK_ITSELF;
    const backend = connect({ host, port, allowHalfOpen: true, noDelay: true, ...(ownAddress ? { localAddress: from } : {}) });
    const gone = (): void => {
      backend.destroy();
    };
    const late = clock.after(CONNECT_MS, () => backend.destroy(new Error("it does not answer")));
    client.once("close", gone);
    backend.once("connect", () => {
      late.cancel();
      client.off("close", gone);
      backend.off("error", refused);
      this.#balancer.led(from, target, clock.monotonic_ms());
      splice(client, backend);
    });
    const refused = (): void => {
      late.cancel();
      client.off("close", gone);
      if (!client.destroyed) this.#lead(client, from, tried);
    };
    backend.once("error", refused);
    backend.on("error", () => {});
  }
}
