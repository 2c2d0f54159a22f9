import type { Cluster } from "../cluster.ts";
import { CPU_MILLI, MEMORY_BYTES, type Usage } from "../usage.ts";
import { type Plugin, SCORE_MAX } from "./plugin.ts";

/** Prefers nodes whose cpu and memory would be used to the same fraction. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  usage: {
    // Pods without requests are not drawn to one node. Source: kubernetes issue 129138.
    applies: (usage) => usage.cpu_milli !== 0 || usage.memory_bytes !== 0,
    score,
  },
};

function score(cluster: Cluster, usage: Usage, slot: number): number {
  const { rows, columns: width } = cluster;
  const row = slot * cluster.stride;
  const cpu = rows[row + CPU_MILLI] as number;
  const memory = rows[row + MEMORY_BYTES] as number;
  // With fewer than two resources there is nothing to balance.
  if (cpu === 0 || memory === 0) return SCORE_MAX;
  const cpuFraction = Math.min(1, ((rows[row + width + CPU_MILLI] as number) + usage.cpu_milli) / cpu);
  const memoryFraction = Math.min(1, ((rows[row + width + MEMORY_BYTES] as number) + usage.memory_bytes) / memory);
  // The standard deviation of two numbers is half their distance.
  return Math.trunc((1 - Math.abs((cpuFraction - memoryFraction) / 2)) * SCORE_MAX);
}
