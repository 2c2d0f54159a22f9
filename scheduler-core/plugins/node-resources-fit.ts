import type { Cluster } from "../cluster.ts";
import { INSUFFICIENT, type Reason, TOO_MANY_PODS } from "../reason.ts";
import { CPU_MILLI, MEMORY_BYTES, PODS, type Usage } from "../usage.ts";
import { type Plugin, type Rejection, SCORE_MAX } from "./plugin.ts";

/** Requests must fit what is left of allocatable; the emptier the node, the better (LeastAllocated over cpu and memory, weight 1 each). */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  usage: { fits, reject, score },
};

function fits(cluster: Cluster, usage: Usage, slot: number): boolean {
  const { rows, columns: width } = cluster;
  const row = slot * cluster.stride;
  if ((rows[row + width + PODS] as number) + 1 > (rows[row + PODS] as number)) return false;
  const { columns, amounts } = usage;
  for (let i = 0; i < columns.length; i++) {
    const at = row + (columns[i] as number);
    if ((amounts[i] as number) > (rows[at] as number) - (rows[at + width] as number)) return false;
  }
  return true;
}

function reject(cluster: Cluster, usage: Usage, slot: number): Rejection {
  const reasons: Reason[] = [];
  let resolvable = true;
  if (cluster.requested(slot, PODS) + 1 > cluster.allocatable(slot, PODS)) reasons.push(TOO_MANY_PODS);
  for (let i = 0; i < usage.columns.length; i++) {
    const column = usage.columns[i] as number;
    const amount = usage.amounts[i] as number;
    const allocatable = cluster.allocatable(slot, column);
    if (amount <= allocatable - cluster.requested(slot, column)) continue;
    reasons.push(INSUFFICIENT + column);
    // What asks for more than the whole node is not helped by emptying it.
    if (amount > allocatable) resolvable = false;
  }
  return { reasons, resolvable };
}

function score(cluster: Cluster, usage: Usage, slot: number): number {
  const { rows, columns: width } = cluster;
  const row = slot * cluster.stride;
  const nonzero = row + 2 * width;
  const cpu = rows[row + CPU_MILLI] as number;
  const memory = rows[row + MEMORY_BYTES] as number;
  let sum = 0;
  let weights = 0;
  if (cpu !== 0) {
    sum += unused((rows[nonzero] as number) + usage.nonzeroCpu_milli, cpu);
    weights++;
  }
  if (memory !== 0) {
    sum += unused((rows[nonzero + 1] as number) + usage.nonzeroMemory_bytes, memory);
    weights++;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

/** Source: leastRequestedScore; whole-number division, which float64 does exactly while the product is below 2^53. */
function unused(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * SCORE_MAX) / capacity);
}
