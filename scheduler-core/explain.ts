import type { Cluster } from "./cluster.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, USAGE_FILTERS, USAGE_SCORES } from "./profile.ts";
import type { Reason } from "./reason.ts";

/** What one node said of a pod: why it rejects it, or the weighted score of each plugin. */
export type Explanation =
  | { readonly slot: number; readonly feasible: false; readonly reasons: readonly Reason[]; readonly resolvable: boolean }
  | { readonly slot: number; readonly feasible: true; readonly scores: Readonly<Record<string, number>>; readonly total: number };

/** A decision laid open, node by node, straight from the plugins and without index, groups or sums that the fast path uses. */
export function explain(cluster: Cluster, pods: PodClass): Explanation[] {
  const width = FIXED_SCORES.length;
  const answers: (Explanation | undefined)[] = [];
  const feasible: number[] = [];
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    const verdict = pods.verdicts[slot] as number;
    const filter = USAGE_FILTERS.find((plugin) => !plugin.usage.fits(cluster, pods.usage, slot));
    if (verdict < 0) answers[slot] = { slot, feasible: false, reasons: [-verdict], resolvable: false };
    else if (filter !== undefined) answers[slot] = { slot, feasible: false, ...filter.usage.reject(cluster, pods.usage, slot) };
    else feasible.push(slot);
  }
  const raw = (slot: number, i: number): number => pods.groups[(pods.verdicts[slot] as number) * width + i] as number;
  for (const slot of feasible) {
    const scores: Record<string, number> = {};
    FIXED_SCORES.forEach((plugin, i) => {
      if (pods.scored[i] === 0) return;
      const max = feasible.reduce((most, other) => Math.max(most, raw(other, i)), 0);
      scores[plugin.name] = plugin.weight * (plugin.fixed.normalize?.(raw(slot, i), max) ?? raw(slot, i));
    });
    USAGE_SCORES.forEach((plugin, i) => {
      if (pods.scored[width + i] === 1) scores[plugin.name] = plugin.weight * plugin.usage.score(cluster, pods.usage, slot);
    });
    const total = Object.values(scores).reduce((sum, score) => sum + score, 0);
    answers[slot] = { slot, feasible: true, scores, total };
  }
  return answers.filter((answer) => answer !== undefined);
}
