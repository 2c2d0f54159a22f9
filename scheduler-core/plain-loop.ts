import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { Guest } from "./guests.ts";
import type { PodClass } from "./pod-class.ts";
import { OUT } from "./ranked-buckets.ts";
import { survey } from "./survey.ts";

/**
 * The nodes with the best total for one pod, by asking every node: how classes are placed that no index can group, what every index must
 * agree with, and the yardstick of the bench. Empty when no node can take the pod.
 */
export function bestNodes(cluster: Cluster, pods: PodClass, locals?: Int32Array, guests?: readonly Guest[]): number[] {
  const { slots, totals } = survey(cluster, pods, locals, guests);
  let best = OUT;
  let nodes: number[] = [];
  for (let i = 0; i < slots.length; i++) {
    const total = totals[i] as number;
    if (total < best) continue;
    if (total > best) nodes = [];
    best = total;
    nodes.push(slots[i] as number);
  }
  return nodes;
}

/** One of the best nodes, each with the same chance; -1 when none can take the pod. */
export function pickPlainly(cluster: Cluster, pods: PodClass, random: Draw, locals?: Int32Array, guests?: readonly Guest[]): number {
  const nodes = bestNodes(cluster, pods, locals, guests);
  return nodes[random.below(nodes.length)] ?? -1;
}
