import type { Cluster } from "../cluster.ts";
import { INSUFFICIENT, type Reason, TOO_MANY_PODS } from "../reason.ts";
import type { FitScoring, ResourceScoring } from "../scheduling-profile.ts";
import { CPU_MILLI, FIXED_COLUMNS, MEMORY_BYTES, PODS, type Usage } from "../usage.ts";
import { type Plugin, type Rejection, SCORE_MAX } from "./plugin.ts";

/** Requests must fit what is left of allocatable. The emptier the node, the better (LeastAllocated over cpu and memory, weight 1 each), or as the profile says. */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  usage: { fits, reject, score },
};

function fits(cluster: Cluster, usage: Usage, slot: number): boolean {
  const { rows, columns: width } = cluster;
  const row = slot * cluster.stride;
  if ((rows[row + width + PODS] as number) + 1 > (rows[row + PODS] as number)) return false;
  const { columns, amounts, checked } = usage;
  for (let i = 0; i < checked; i++) {
    const at = row + (columns[i] as number);
    if ((amounts[i] as number) > (rows[at] as number) - (rows[at + width] as number)) return false;
  }
  return true;
}

function reject(cluster: Cluster, usage: Usage, slot: number): Rejection {
  const reasons: Reason[] = [];
  let resolvable = true;
  if (cluster.requested(slot, PODS) + 1 > cluster.allocatable(slot, PODS)) reasons.push(TOO_MANY_PODS);
  for (let i = 0; i < usage.checked; i++) {
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

function score(cluster: Cluster, usage: Usage, slot: number, scoring: ResourceScoring | undefined): number {
  if (scoring?.fit !== undefined) return scoreBy(scoring.fit, cluster, usage, slot);
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

/** Any strategy over any resources. Source: resourceAllocationScorer with leastResourceScorer, mostResourceScorer, requestedToCapacityRatioScorer. */
function scoreBy({ strategy, columns, weights, shape }: FitScoring, cluster: Cluster, usage: Usage, slot: number): number {
  let sum = 0;
  let divisor = 0;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i] as number;
    const capacity = cluster.allocatable(slot, column);
    const asked = askedFor(usage, column);
    // A resource of a special kind counts only for pods that ask for it.
    if (capacity === 0 || (asked === 0 && column >= FIXED_COLUMNS)) continue;
    const requested = takenFor(cluster, slot, column) + asked;
    const weight = weights[i] as number;
    let value: number;
    if (strategy === "LeastAllocated") value = unused(requested, capacity);
    else if (strategy === "MostAllocated") value = Math.floor((Math.min(requested, capacity) * SCORE_MAX) / capacity);
    else {
      value = at(shape, requested > capacity ? SCORE_MAX : Math.floor((requested * SCORE_MAX) / capacity));
      if (value <= 0) continue;
    }
    sum += value * weight;
    divisor += weight;
  }
  if (divisor === 0) return 0;
  return strategy === "RequestedToCapacityRatio" ? Math.round(sum / divisor) : Math.floor(sum / divisor);
}

function askedFor(usage: Usage, column: number): number {
  if (column === CPU_MILLI) return usage.nonzeroCpu_milli;
  if (column === MEMORY_BYTES) return usage.nonzeroMemory_bytes;
  const place = usage.columns.indexOf(column);
  return place < 0 ? 0 : (usage.amounts[place] as number);
}

/** What the node's pods take; of cpu and memory, with the defaults for containers that ask for nothing. */
function takenFor(cluster: Cluster, slot: number, column: number): number {
  if (column > MEMORY_BYTES) return cluster.requested(slot, column);
  return cluster.rows[slot * cluster.stride + 2 * cluster.columns + column] as number;
}

/** A broken line through the points of a shape. Source: helper.BuildBrokenLinearFunction, with its whole-number division. */
function at(shape: FitScoring["shape"], utilization: number): number {
  const next = shape.findIndex((point) => utilization <= point.utilization);
  if (next <= 0) return (next < 0 ? shape.at(-1) : shape[0])?.score ?? 0;
  const [from, to] = [shape[next - 1], shape[next]];
  if (from === undefined || to === undefined) return 0;
  return from.score + Math.trunc(((to.score - from.score) * (utilization - from.utilization)) / (to.utilization - from.utilization));
}

/** Source: leastRequestedScore; whole-number division, which float64 does exactly while the product is below 2^53. */
function unused(requested: number, capacity: number): number {
  return requested > capacity ? 0 : Math.floor(((capacity - requested) * SCORE_MAX) / capacity);
}
