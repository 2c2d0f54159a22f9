import type { ClassHandle } from "./class-description.ts";
import type { Cluster } from "./cluster.ts";
import type { NodeFacts } from "./facts.ts";
import { fitsUsage } from "./profile.ts";
import { NO_REASON } from "./reason.ts";
import { staticReason } from "./static-class.ts";
import { PODS } from "./usage.ts";

/** How many pods of the class would find room on this node now, 0 to `most`. */
export function roomFor(cluster: Cluster, facts: NodeFacts, slot: number, handle: ClassHandle, most: number): number {
  const { usage, statics } = handle;
  if (staticReason(statics.facts, facts, statics.profile) !== NO_REASON) return 0;
  if (!fitsUsage(cluster, handle, slot)) return 0;
  if (usage.portsTaken.length > 0 || usage.attachments !== undefined) return Math.min(1, most);
  let room = Math.min(most, cluster.allocatable(slot, PODS) - cluster.requested(slot, PODS));
  usage.columns.subarray(0, usage.checked).forEach((column, i) => {
    const left = cluster.allocatable(slot, column) - cluster.requested(slot, column);
    room = Math.min(room, Math.floor(left / (usage.amounts[i] as number)));
  });
  return room;
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
