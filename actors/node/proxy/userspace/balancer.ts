import { BlockList } from "node:net";
import type { Random } from "../../../../runtime/mod.ts";
import type { Entrance, PortForwarding, Target } from "../forwarding.ts";

/** Clients of a port whose target is remembered; those that came longest ago are forgotten first. */
export const AFFINITY_CLIENTS_MAX = 65_536;

const keyOf = ({ address, port }: Target): string => `${address}:${port}`;

/** Chooses a target for each client of one service port: in turn, and for a client that is to stay, the one it had. */
export class Balancer {
  #port: PortForwarding;
  #turn: number;
  /** By the client's address, the one longest not seen first. */
  readonly #affinity = new Map<string, { readonly target: string; readonly seen_ms: number }>();

  constructor(port: PortForwarding, random: Random) {
    this.#port = port;
    // Not everybody's first client goes to the first endpoint.
    this.#turn = random.below(Math.max(1, port.internal.length));
  }

  update(port: PortForwarding): void {
    this.#port = port;
    if (port.affinity_ms === 0) this.#affinity.clear();
  }

  /** A target that was not tried yet; undefined when there is none. */
  next(entrance: Entrance, client: string, now_ms: number, tried: ReadonlySet<Target>): Target | undefined {
    const targets = entrance.traffic === "internal" ? this.#port.internal : this.#port.external;
    const kept = this.#kept(client, targets, now_ms);
    if (kept !== undefined && !tried.has(kept)) return kept;
    for (let step = 0; step < targets.length; step++) {
      const target = targets[this.#turn++ % targets.length];
      if (target !== undefined && !tried.has(target)) return target;
    }
    return undefined;
  }

  /** The client was led there. */
  led(client: string, target: Target, now_ms: number): void {
    if (this.#port.affinity_ms === 0) return;
    this.#affinity.delete(client);
    this.#affinity.set(client, { target: keyOf(target), seen_ms: now_ms });
    if (this.#affinity.size <= AFFINITY_CLIENTS_MAX) return;
    const [oldest] = this.#affinity.keys();
    if (oldest !== undefined) this.#affinity.delete(oldest);
  }

  /** Whether traffic that came in here may still go to this target. */
  leadsTo(entrance: Entrance, target: Target): boolean {
    const targets = entrance.traffic === "internal" ? this.#port.internal : this.#port.external;
    return targets.some((one) => keyOf(one) === keyOf(target));
  }

  #kept(client: string, targets: readonly Target[], now_ms: number): Target | undefined {
    const { affinity_ms } = this.#port;
    const kept = affinity_ms === 0 ? undefined : this.#affinity.get(client);
    if (kept === undefined) return undefined;
    if (now_ms - kept.seen_ms < affinity_ms) return targets.find((target) => keyOf(target) === kept.target);
    this.#affinity.delete(client);
    return undefined;
  }
}

/** Who may come in at an entrance. What is no IPv4 prefix lets nobody in. */
export class Gate {
  readonly #allowed: BlockList | undefined;

  constructor(sources: readonly string[]) {
    if (sources.length === 0) return;
    this.#allowed = new BlockList();
    for (const source of sources) {
      const [address = "", bits = "32"] = source.split("/");
      try {
        this.#allowed.addSubnet(address, Number(bits), "ipv4");
      } catch {
        // Of the other family, or what validation let through once.
      }
    }
  }

  lets(client: string): boolean {
    return this.#allowed?.check(client, "ipv4") ?? true;
  }
}
