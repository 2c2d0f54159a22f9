import type { Cluster } from "../cluster.ts";
import type { ResourceScoring } from "../scheduling-profile.ts";
import { CPU_MILLI, FIXED_COLUMNS, MEMORY_BYTES, type Usage } from "../usage.ts";
import { type Plugin, SCORE_MAX } from "./plugin.ts";

/** Prefers nodes whose resources (cpu and memory, or as the profile says) would be used to the same fraction. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  usage: {
    // Pods without requests are not drawn to one node. Source: kubernetes issue 129138.
    applies: (usage, scoring) => {
      const { balanced } = scoring ?? {};
      return balanced === undefined
        ? usage.cpu_milli !== 0 || usage.memory_bytes !== 0
        : usage.columns.some((column) => balanced.includes(column));
    },
    score,
  },
};

function score(cluster: Cluster, usage: Usage, slot: number, scoring: ResourceScoring | undefined): number {
  if (scoring?.balanced !== undefined) return scoreOver(scoring.balanced, cluster, usage, slot);
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

function scoreOver(columns: Int32Array, cluster: Cluster, usage: Usage, slot: number): number {
  const fractions: number[] = [];
  for (const column of columns) {
    const capacity = cluster.allocatable(slot, column);
    const place = usage.columns.indexOf(column);
    const asked = place < 0 ? 0 : (usage.amounts[place] as number);
    if (capacity === 0 || (asked === 0 && column >= FIXED_COLUMNS)) continue;
    fractions.push(Math.min(1, (cluster.requested(slot, column) + asked) / capacity));
  }
  return Math.trunc((1 - deviation(fractions)) * SCORE_MAX);
}

function deviation(fractions: readonly number[]): number {
  const [first = 0, second = 0] = fractions;
  if (fractions.length < 2) return 0;
  if (fractions.length === 2) return Math.abs((first - second) / 2);
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
  return Math.sqrt(fractions.reduce((sum, fraction) => sum + (fraction - mean) * (fraction - mean), 0) / fractions.length);
}
