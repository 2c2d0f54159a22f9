import type { Socket } from "node:net";
import type { Clock, Random } from "../../../../runtime/mod.ts";
import type { Key } from "../../../store/transaction.ts";
import type { Door } from "../../listening/door.ts";
import { KeptDoor } from "../../listening/kept-door.ts";
import type {
  Entrance,
  ForwardedProtocol,
  Forwarder,
  ForwarderReport,
  HealthCheck,
  PortForwarding,
  ServiceForwarding,
} from "../forwarding.ts";
import { Balancer } from "./balancer.ts";
import { breakOff } from "./break-off.ts";
import { Budget, type DoorWorld } from "./door-world.ts";
import { HealthDoor } from "./health-door.ts";
import { FLOWS_MAX } from "./limits.ts";
import { TcpDoor } from "./tcp-door.ts";
import { UdpDoor } from "./udp-door.ts";

interface Forwarded {
  forwarding: ServiceForwarding;
  /** By all that makes them what they are: one that changes is another. */
  readonly doors: Map<string, KeptDoor>;
  readonly health: Map<string, KeptDoor>;
  /** By the name and protocol of their port. */
  readonly balancers: Map<string, Balancer>;
}

const NOT_FORWARDED: ServiceForwarding = { namespace: "", name: "", ports: [], healthCheck: undefined };

/**
 * Forwards by sockets of its own, which wants no rights but those to the ports: what a service's clients send passes through this process. A
 * service that changes keeps the doors that stay, who came through them, and who is to be led to which target.
 */
export class UserspaceForwarder implements Forwarder {
  readonly #world: DoorWorld;
  readonly #report: (report: ForwarderReport) => void;
  readonly #opened: (service: Key) => void;
  readonly #services = new Map<Key, Forwarded>();

  /** `opened` is called when a door of a service has opened. */
  constructor(clock: Clock, random: Random, report: (report: ForwarderReport) => void, opened: (service: Key) => void = () => {}) {
    this.#world = { clock, random, clients: new Set<Socket>(), flows: new Budget(FLOWS_MAX) };
    this.#report = report;
    this.#opened = opened;
  }

  apply(service: Key, forwarding: ServiceForwarding | undefined): void {
    const next = forwarding ?? NOT_FORWARDED;
    const forwarded = this.#services.get(service) ?? { forwarding: next, doors: new Map(), health: new Map(), balancers: new Map() };
    forwarded.forwarding = next;
    this.#services.set(service, forwarded);
    this.#balance(forwarded.balancers, next.ports);
    this.#keepDoors(service, forwarded, next.ports);
    this.#keepHealth(service, forwarded, next.healthCheck);
    if (forwarding === undefined) this.#services.delete(service);
  }

  /** Whether who comes in there comes to this process. */
  isOpen(service: Key, port: PortForwarding, entrance: Entrance): boolean {
    return this.#services.get(service)?.doors.get(doorId(port, entrance))?.isOpen === true;
  }

  async close(): Promise<void> {
    for (const service of [...this.#services.keys()]) this.apply(service, undefined);
    for (const client of this.#world.clients) breakOff(client);
  }

  #balance(balancers: Map<string, Balancer>, ports: readonly PortForwarding[]): void {
    const wanted = new Set(ports.map(portId));
    for (const id of balancers.keys()) if (!wanted.has(id)) balancers.delete(id);
    for (const port of ports) {
      const id = portId(port);
      const balancer = balancers.get(id);
      if (balancer === undefined) balancers.set(id, new Balancer(port, this.#world.random));
      else balancer.update(port);
    }
  }

  #keepDoors(service: Key, { doors, balancers }: Forwarded, ports: readonly PortForwarding[]): void {
    const wanted = new Map<string, readonly [port: PortForwarding, entrance: Entrance]>();
    for (const port of ports) for (const entrance of port.entrances) wanted.set(doorId(port, entrance), [port, entrance]);
    // Those first whose places others may be waiting for.
    shutOthers(doors, wanted);
    for (const [id, [port, entrance]] of wanted) {
      const kept = doors.get(id);
      const balancer = balancers.get(portId(port));
      if (kept !== undefined) kept.targetsChanged();
      else if (balancer !== undefined) doors.set(id, this.#open(service, port.protocol, entrance, balancer));
    }
  }

  #open(service: Key, protocol: ForwardedProtocol, entrance: Entrance, balancer: Balancer): KeptDoor {
    const options = { ...this.#world, entrance, balancer };
    return this.#kept(service, protocol, entrance, () => (protocol === "TCP" ? new TcpDoor(options) : new UdpDoor(options)));
  }

  #kept(service: Key, protocol: ForwardedProtocol, { address, port }: { address: string; port: number }, make: () => Door): KeptDoor {
    const failed = (code: string): void => this.#report({ type: "cannotListen", service, protocol, address, port, code });
    return new KeptDoor(this.#world.clock, make, failed, () => this.#opened(service));
  }

  #keepHealth(service: Key, { health }: Forwarded, check: HealthCheck | undefined): void {
    const wanted = new Map((check?.addresses ?? []).map((address) => [`${address}:${check?.port}`, { address, port: check?.port ?? 0 }]));
    shutOthers(health, wanted);
    for (const [id, at] of wanted) {
      if (health.has(id)) continue;
      health.set(
        id,
        this.#kept(service, "TCP", at, () => new HealthDoor(() => this.#services.get(service)?.forwarding, at)),
      );
    }
  }
}

function shutOthers(doors: Map<string, KeptDoor>, wanted: ReadonlyMap<string, unknown>): void {
  for (const [id, door] of doors) {
    if (wanted.has(id)) continue;
    door.shut();
    doors.delete(id);
  }
}

function portId({ name, protocol }: PortForwarding): string {
  return `${protocol}/${name}`;
}

function doorId(port: PortForwarding, { address, port: at, traffic, sources }: Entrance): string {
  return `${portId(port)}/${address}:${at}/${traffic}/${sources.join()}`;
}
