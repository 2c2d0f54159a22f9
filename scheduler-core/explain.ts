import type { Cluster } from "./cluster.ts";
import type { Guest } from "./guests.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, PEER_PLUGINS, USAGE_SCORES } from "./profile.ts";
import type { Reason } from "./reason.ts";
import { NodeFilter } from "./survey.ts";

/** What one node said of a pod: why it rejects it, or the weighted score of each plugin. */
export type Explanation =
  | { readonly slot: number; readonly feasible: false; readonly reasons: readonly Reason[]; readonly resolvable: boolean }
  | { readonly slot: number; readonly feasible: true; readonly scores: Readonly<Record<string, number>>; readonly total: number };

/** A decision laid open, node by node, straight from the plugins and without index, groups or sums that the fast path uses. */
export function explain(cluster: Cluster, pods: PodClass, guests?: readonly Guest[]): Explanation[] {
  const width = FIXED_SCORES.length;
  const answers: (Explanation | undefined)[] = [];
  const feasible: number[] = [];
  const filter = new NodeFilter(cluster, pods, guests);
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    const rejection = filter.rejection(slot);
    if (rejection === undefined) feasible.push(slot);
    else answers[slot] = { slot, feasible: false, ...rejection };
  }
  const raw = (slot: number, i: number): number => pods.groups[(pods.verdicts[slot] as number) * width + i] as number;
  const late = width + USAGE_SCORES.length;
  const peerScores = PEER_PLUGINS.map(({ peers }, i) =>
    pods.weights[late + i] === 0 ? undefined : peers.score(cluster, pods, Int32Array.from(feasible)),
  );
  feasible.forEach((slot, place) => {
    const scores: Record<string, number> = {};
    FIXED_SCORES.forEach((plugin, i) => {
      const weight = pods.weights[i] as number;
      if (weight === 0) return;
      const max = feasible.reduce((most, other) => Math.max(most, raw(other, i)), 0);
      scores[plugin.name] = weight * (plugin.fixed.normalize?.(raw(slot, i), max) ?? raw(slot, i));
    });
    USAGE_SCORES.forEach((plugin, i) => {
      const weight = pods.weights[width + i] as number;
      if (weight !== 0) scores[plugin.name] = weight * plugin.usage.score(cluster, pods.usage, slot, pods.scoring);
    });
    PEER_PLUGINS.forEach((plugin, i) => {
      const score = peerScores[i]?.[place];
      if (score !== undefined) scores[plugin.name] = (pods.weights[late + i] as number) * score;
    });
    const total = Object.values(scores).reduce((sum, score) => sum + score, 0);
    answers[slot] = { slot, feasible: true, scores, total };
  });
  return answers.filter((answer) => answer !== undefined);
}
