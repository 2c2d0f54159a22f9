import type { Node } from "../../kinds/generated/types.ts";

const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";
const EXCLUDED = "node.kubernetes.io/exclude-disruption";
/** Nodes a second that are tainted in one zone. Source: --node-eviction-rate. */
const EVICTIONS_PER_S = 0.1;
/** The same where most of a zone is down. Source: --secondary-node-eviction-rate. */
const EVICTIONS_PER_S_IN_OUTAGE = 0.01;
/** In zones of no more nodes than these nothing is evicted while most of them are down. Source: --large-cluster-size-threshold. */
const LARGE_ZONE_NODES = 50;
/** What share of a zone's nodes has to be down for that. Source: --unhealthy-zone-threshold. */
const OUTAGE_SHARE = 0.55;
const OUTAGE_NODES_MIN = 3;

interface Zone {
  readonly ready: Set<string>;
  readonly down: Set<string>;
  /** When a node of it was tainted last. */
  taken_ms: number;
}

/**
 * How much of each zone is down, and how fast pods may be evicted from its nodes then: where many nodes fall silent together it is rather the
 * network, or we, than the nodes, and where all of them do nothing is evicted. Source: handleDisruption and setLimiterInZone;
 * https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
 */
export class ZoneOutages {
  readonly #zones = new Map<string, Zone>();
  readonly #zoneOf = new Map<string, string>();

  /** Whether this node is ready. */
  note(key: string, node: Node, ready: boolean): void {
    const name = zoneNameOf(node);
    if (this.#zoneOf.get(key) !== name) this.forget(key);
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = { ready: new Set(), down: new Set(), taken_ms: Number.NEGATIVE_INFINITY };
      this.#zones.set(name, zone);
    }
    this.#zoneOf.set(key, name);
    zone[ready ? "down" : "ready"].delete(key);
    if (node.metadata.labels?.[EXCLUDED] === undefined) zone[ready ? "ready" : "down"].add(key);
  }

  forget(key: string): void {
    const name = this.#zoneOf.get(key);
    const zone = name === undefined ? undefined : this.#zones.get(name);
    this.#zoneOf.delete(key);
    zone?.ready.delete(key);
    zone?.down.delete(key);
    if (name !== undefined && zone?.ready.size === 0 && zone.down.size === 0) this.#zones.delete(name);
  }

  /** No node anywhere is ready: it is we who are cut off, and nobody is evicted. */
  get allDown(): boolean {
    let some = false;
    for (const { ready, down } of this.#zones.values()) {
      if (ready.size > 0) return false;
      some ||= down.size > 0;
    }
    return some;
  }

  /** Milliseconds until a node of this one's zone may be tainted; 0: now, and the turn is taken. Infinity: not as long as things stand so. */
  take(key: string, now_ms: number): number {
    const zone = this.#zones.get(this.#zoneOf.get(key) ?? "");
    if (zone === undefined) return Number.POSITIVE_INFINITY;
    const rate = this.allDown ? 0 : ratePerSecond(zone);
    if (rate === 0) return Number.POSITIVE_INFINITY;
    const wait_ms = zone.taken_ms + 1_000 / rate - now_ms;
    if (wait_ms > 0) return wait_ms;
    zone.taken_ms = now_ms;
    return 0;
  }
}

function ratePerSecond({ ready, down }: Zone): number {
  const isPartial = ready.size > 0 && down.size >= OUTAGE_NODES_MIN && down.size / (down.size + ready.size) >= OUTAGE_SHARE;
  if (!isPartial) return EVICTIONS_PER_S;
  return down.size + ready.size > LARGE_ZONE_NODES ? EVICTIONS_PER_S_IN_OUTAGE : 0;
}

function zoneNameOf({ metadata: { labels = {} } }: Node): string {
  return `${labels[REGION] ?? ""}/${labels[ZONE] ?? ""}`;
}
