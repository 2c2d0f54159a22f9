import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, groupOffsets, localScore } from "./profile.ts";
import { OUT } from "./tournament.ts";

/**
 * The nodes with the best total for one pod, by asking every node: what the index must agree with, and the yardstick of the bench.
 * Empty when no node can take the pod.
 */
export function bestNodes(cluster: Cluster, pods: PodClass): number[] {
  const locals = new Int32Array(cluster.nodes).fill(OUT);
  const groups = Math.floor(pods.groups.length / FIXED_SCORES.length);
  const feasible = new Uint8Array(groups);
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    const local = localScore(cluster, pods, slot);
    locals[slot] = local;
    if (local !== OUT) feasible[pods.verdicts[slot] as number] = 1;
  }
  const offsets = new Int32Array(groups);
  groupOffsets(pods, feasible, offsets);
  let best = OUT;
  let nodes: number[] = [];
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (locals[slot] === OUT) continue;
    const total = (locals[slot] as number) + (offsets[pods.verdicts[slot] as number] as number);
    if (total < best) continue;
    if (total > best) nodes = [];
    best = total;
    nodes.push(slot);
  }
  return nodes;
}

/** One of the best nodes, each with the same chance; -1 when none can take the pod. */
export function pickPlainly(cluster: Cluster, pods: PodClass, random: Draw): number {
  const nodes = bestNodes(cluster, pods);
  return nodes[random.below(nodes.length)] ?? -1;
}
