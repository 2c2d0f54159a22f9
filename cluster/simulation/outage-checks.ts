import type { Node } from "../../actors/mod.ts";
import { type Commit, isReady } from "./ledger.ts";

const ZONE = "topology.kubernetes.io/zone";
const UNREACHABLE = "node.kubernetes.io/unreachable";
/** Source: --unhealthy-zone-threshold, and --large-cluster-size-threshold. */
const OUTAGE_SHARE = 0.55;
const OUTAGE_NODES_MIN = 3;
const LARGE_ZONE_NODES = 50;
/** Until then whoever evicts may not have seen that most of a zone is down: a host that was paused, or its successor, which has to look first. */
const KNOWN_MS = 60_000;

interface Zone {
  readonly ready: Set<string>;
  readonly down: Set<string>;
  /** Since when so many of its nodes are down that it is rather the network than they. */
  since_ms: number | undefined;
}

/** Where most of a small zone is down, nothing is evicted from its nodes: they may run as before, and be cut off alone. */
export class OutageChecks {
  readonly #zones = new Map<string, Zone>();
  readonly #zoneOf = new Map<string, string>();

  check({ key, before, now, at_ms }: Commit<Node>): string | undefined {
    const name = now === undefined ? this.#zoneOf.get(key) : (now.metadata.labels?.[ZONE] ?? "");
    if (name === undefined) return undefined;
    const zone = this.#zones.get(name) ?? { ready: new Set(), down: new Set(), since_ms: undefined };
    this.#zones.set(name, zone);
    const { since_ms } = zone;
    this.#zoneOf.set(key, name);
    zone.ready.delete(key);
    zone.down.delete(key);
    if (now !== undefined) zone[isReady(now) ? "ready" : "down"].add(key);
    zone.since_ms = isOut(zone) ? (zone.since_ms ?? at_ms) : undefined;
    if (since_ms === undefined || at_ms - since_ms < KNOWN_MS || now === undefined || !evicts(now) || evicts(before)) return undefined;
    return `${key} evicts its pods, and of ${name} ${zone.down.size} of ${zone.down.size + zone.ready.size} nodes are down`;
  }
}

function isOut({ ready, down }: Zone): boolean {
  const all = ready.size + down.size;
  return all <= LARGE_ZONE_NODES && ready.size > 0 && down.size >= OUTAGE_NODES_MIN && down.size / all >= OUTAGE_SHARE;
}

function evicts(node: Node | undefined): boolean {
  return node?.spec.taints?.some(({ key, effect }) => key === UNREACHABLE && effect === "NoExecute") === true;
}
