import type { Cluster } from "./cluster.ts";
import { SCORE_MAX } from "./plugins/plugin.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, localScore, USAGE_FILTERS, USAGE_SCORES } from "./profile.ts";
import { OUT } from "./ranked-buckets.ts";
import { CPU_MILLI, MEMORY_BYTES, PODS } from "./usage.ts";

const FIT = USAGE_FILTERS.findIndex(({ name }) => name === "NodeResourcesFit");
const FIT_SCORE = FIXED_SCORES.length + USAGE_SCORES.findIndex(({ name }) => name === "NodeResourcesFit");
const BALANCED_SCORE = FIXED_SCORES.length + USAGE_SCORES.findIndex(({ name }) => name === "NodeResourcesBalancedAllocation");

/** The weights of what scores a plain class. */
export function plainWeights({ weights }: PodClass): { readonly fit: number; readonly balanced: number } {
  return { fit: weights[FIT_SCORE] as number, balanced: weights[BALANCED_SCORE] as number };
}

/** Whether nodes are scored by cpu and memory in the default profile's way, and must have room for what is asked. */
export function isScoredByDefault({ scoring, filters, weights }: PodClass): boolean {
  if (scoring !== undefined || filters[FIT] !== 1) return false;
  for (let i = 0; i < USAGE_SCORES.length; i++) {
    const at = FIXED_SCORES.length + i;
    if (weights[at] !== 0 && at !== FIT_SCORE && at !== BALANCED_SCORE) return false;
  }
  return true;
}

/** Whether of what nodes' pods take nothing but cpu, memory and the number of pods counts, in the default profile's way. */
export function isPlain(pods: PodClass): boolean {
  const { columns, portsWanted, disksWanted, attachments } = pods.usage;
  if (attachments !== undefined || portsWanted.length + disksWanted.length > 0) return false;
  for (let i = 0; i < columns.length; i++) if ((columns[i] as number) > MEMORY_BYTES) return false;
  return isScoredByDefault(pods);
}

/**
 * Writes by slot what `localScore` says of every node. Most classes are plain: for those the plugins' arithmetic is in `plainScore`
 * once more, without calls and lists, a sixth of the time. A property holds it to `localScore`.
 */
export function scoreAll(cluster: Cluster, pods: PodClass, scores: Int32Array): void {
  const { nodes } = cluster;
  if (isPlain(pods)) scorePlainly(cluster, pods, scores, nodes);
  else for (let slot = 0; slot < nodes; slot++) scores[slot] = cluster.live[slot] === 1 ? localScore(cluster, pods, slot) : OUT;
}

function scorePlainly(cluster: Cluster, pods: PodClass, scores: Int32Array, nodes: number): void {
  const { fit, balanced } = plainWeights(pods);
  for (let slot = 0; slot < nodes; slot++) scores[slot] = plainScore(cluster, pods, slot, fit, balanced);
}

/** What `localScore` says of one node for a plain class with these weights; OUT for slots without a node. */
export function plainScore(cluster: Cluster, pods: PodClass, slot: number, fit: number, balanced: number): number {
  const { rows, columns: width } = cluster;
  const { cpu_milli, memory_bytes, nonzeroCpu_milli, nonzeroMemory_bytes } = pods.usage;
  if (cluster.live[slot] !== 1 || (pods.verdicts[slot] as number) < 0) return OUT;
  const row = slot * cluster.stride;
  const requested = row + width;
  const cpu = rows[row + CPU_MILLI] as number;
  const memory = rows[row + MEMORY_BYTES] as number;
  const cpuTaken = rows[requested + CPU_MILLI] as number;
  const memoryTaken = rows[requested + MEMORY_BYTES] as number;
  if ((rows[requested + PODS] as number) + 1 > (rows[row + PODS] as number)) return OUT;
  if ((cpu_milli > 0 && cpu_milli > cpu - cpuTaken) || (memory_bytes > 0 && memory_bytes > memory - memoryTaken)) return OUT;
  if (cpu === 0 || memory === 0) return localScore(cluster, pods, slot);
  const cpuLeft = cpu - ((rows[requested + width] as number) + nonzeroCpu_milli);
  const memoryLeft = memory - ((rows[requested + width + 1] as number) + nonzeroMemory_bytes);
  const cpuUnused = cpuLeft < 0 ? 0 : Math.floor((cpuLeft * SCORE_MAX) / cpu);
  const memoryUnused = memoryLeft < 0 ? 0 : Math.floor((memoryLeft * SCORE_MAX) / memory);
  const cpuFraction = Math.min(1, (cpuTaken + cpu_milli) / cpu);
  const memoryFraction = Math.min(1, (memoryTaken + memory_bytes) / memory);
  const even = Math.trunc((1 - Math.abs((cpuFraction - memoryFraction) / 2)) * SCORE_MAX);
  return fit * Math.floor((cpuUnused + memoryUnused) / 2) + balanced * even;
}
