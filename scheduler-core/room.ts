import type { ClassHandle } from "./class-description.ts";
import type { Cluster } from "./cluster.ts";
import type { NodeFacts, PodFacts } from "./facts.ts";
import { PEER_PLUGINS, USAGE_FILTERS } from "./profile.ts";
import { NO_REASON } from "./reason.ts";
import type { Relations } from "./relations.ts";
import { staticReason } from "./static-class.ts";
import type { Stir } from "./stir.ts";
import { PODS } from "./usage.ts";

/** Whether pods of the class can be on a node of these facts, whatever pods are there or elsewhere. */
export function isSuitable({ statics }: ClassHandle, facts: NodeFacts): boolean {
  return staticReason(statics.facts, facts, statics.profile) === NO_REASON;
}

/** The plugin by which the pods of this node keep those of the class off it; undefined: none does. */
export function keptOffBy(cluster: Cluster, slot: number, { usage, filters }: ClassHandle): string | undefined {
  return USAGE_FILTERS.find((plugin, i) => filters[i] === 1 && !plugin.usage.fits(cluster, usage, slot))?.name;
}

/** How many pods of the class find room on a node that nothing keeps them off, 1 to `most`. */
export function roomOn(cluster: Cluster, slot: number, { usage }: ClassHandle, most: number): number {
  if (usage.portsTaken.length > 0 || usage.attachments !== undefined) return 1;
  let room = Math.min(most, cluster.allocatable(slot, PODS) - cluster.requested(slot, PODS));
  usage.columns.subarray(0, usage.checked).forEach((column, i) => {
    const left = cluster.allocatable(slot, column) - cluster.requested(slot, column);
    room = Math.min(room, Math.floor(left / (usage.amounts[i] as number)));
  });
  return Math.max(1, room);
}

/** Whether more room on a node can help pods that these plugins have rejected. */
export function needsRoom(rejectors: ReadonlySet<string>): boolean {
  return USAGE_FILTERS.some(({ name }) => rejectors.has(name));
}

/** Whether what pods elsewhere have a say in has changed so that it can help pods that these plugins have rejected. */
export function isStirred(stir: Stir, relations: Omit<Relations, "eligible">, pods: PodFacts, rejectors: ReadonlySet<string>): boolean {
  return PEER_PLUGINS.some(({ name, peers }) => rejectors.has(name) && (stir.isRenamed || peers.helpedBy(stir, relations, pods)));
}

/** What all nodes together have left of a resource by its column. What a node has given too much of another cannot make good. */
export function freeOf(cluster: Cluster, column: number): number {
  if (column < 0 || column >= cluster.columns) return 0;
  let free = 0;
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] === 1) free += Math.max(0, cluster.allocatable(slot, column) - cluster.requested(slot, column));
  }
  return free;
}
