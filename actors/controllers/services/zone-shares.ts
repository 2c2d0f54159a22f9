import type { Endpoint, Node } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityMilliValue } from "../../kinds/machinery/quantity.ts";
import { conditionOf } from "../conditions.ts";

const ZONE = "topology.kubernetes.io/zone";
/** Nodes that usually run no pods of services. */
const EXCLUDED = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
/** An endpoint may get so much more traffic than its share, and no zone may have so few endpoints that it would be more. */
const OVERLOAD = 0.2;
/** A zone that is off by less gives nothing and gets nothing. */
const WORTH_MOVING = 0.5;

/** What part of the processors of all nodes each zone has; or why that is not known. */
export type ZoneShares = ReadonlyMap<string, number> | string;

/** Whether a node says of itself what its zone's share is reckoned from, in another way than before. */
export function concernsShares(before: Node | undefined, now: Node | undefined): boolean {
  return factsText(before) !== factsText(now);
}

function factsText(node: Node | undefined): string {
  return node === undefined ? "" : `${isCounted(node)} ${node.metadata.labels?.[ZONE]} ${node.status?.allocatable?.cpu}`;
}

function isCounted({ metadata: { labels = {} }, status }: Node): boolean {
  return EXCLUDED.every((label) => labels[label] === undefined) && conditionOf(status?.conditions, "Ready")?.status === "True";
}

/** Source: TopologyCache.SetNodes. */
export function zoneShares(nodes: Iterable<Node>): ZoneShares {
  const insufficient = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
  const milli = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    if (!isCounted(node)) continue;
    const zone = node.metadata.labels?.[ZONE] ?? "";
    const cpu = quantityMilliValue(parseQuantity(node.status?.allocatable?.cpu ?? "0"));
    if (zone === "" || cpu === 0) return insufficient;
    milli.set(zone, (milli.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (milli.size < 2) return insufficient;
  return new Map([...milli].map(([zone, cpu]) => [zone, cpu / total]));
}

/**
 * For which zone each of these ready endpoints is, so that each zone has endpoints in proportion to its processors: its own, unless another needs it
 * more. Or why nobody can say. The same endpoints in the same order are always for the same zones. Source: TopologyCache.AddHints;
 * https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
 */
export function zonesByShare(endpoints: readonly Endpoint[], shares: ZoneShares): readonly string[] | string {
  if (typeof shares === "string") return shares;
  const counts = `(${endpoints.length} endpoints, ${shares.size} zones)`;
  if (shares.size > endpoints.length) return `Insufficient number of endpoints ${counts}`;
  const wanted = new Map<string, number>();
  let least = 0;
  for (const [zone, share] of shares) {
    const desired = share * endpoints.length;
    const minimum = Math.ceil(desired / (1 + OVERLOAD));
    least += minimum;
    wanted.set(zone, Math.max(desired, minimum));
  }
  if (least > endpoints.length)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}`;
  const zones = endpoints.map(({ zone }) => zone ?? "");
  return zones.includes("") ? "One or more endpoints do not have a zone specified" : moved(zones, movesOf(zones, wanted));
}

interface Moves {
  /** How many endpoints leave each zone, and how many each gets. */
  readonly giving: Map<string, number>;
  readonly receiving: Map<string, number>;
}

/** One endpoint after the other from the zone that has most to spare to the one that lacks most. Source: getGivingAndReceivingZones. */
function movesOf(zones: readonly string[], wanted: ReadonlyMap<string, number>): Moves {
  const off = [...wanted].map(([zone, count]) => [zone, zones.filter((one) => one === zone).length - count] as const).sort(byName);
  const spare = new Map(off.filter(([, count]) => count > 0));
  const lack = new Map(off.filter(([, count]) => count < 0).map(([zone, count]) => [zone, -count]));
  const moves: Moves = { giving: new Map(), receiving: new Map() };
  for (;;) {
    const [giver, more] = most(spare);
    const [taker, less] = most(lack);
    if ((more < 1 && less < 1) || more < WORTH_MOVING || less < WORTH_MOVING) return moves;
    moves.giving.set(giver, (moves.giving.get(giver) ?? 0) + 1);
    moves.receiving.set(taker, (moves.receiving.get(taker) ?? 0) + 1);
    spare.set(giver, more - 1);
    lack.set(taker, less - 1);
  }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Of equals the first. */
function most(counts: ReadonlyMap<string, number>): readonly [zone: string, count: number] {
  let found: readonly [string, number] = ["", 0];
  for (const one of counts) if (one[1] > found[1]) found = one;
  return found;
}

function moved(zones: readonly string[], { giving, receiving }: Moves): readonly string[] {
  const takers = [...receiving].sort(byName).flatMap(([zone, count]) => Array<string>(count).fill(zone));
  return zones.map((zone) => {
    const spare = giving.get(zone) ?? 0;
    const taker = spare > 0 ? takers.shift() : undefined;
    if (taker === undefined) return zone;
    giving.set(zone, spare - 1);
    return taker;
  });
}
