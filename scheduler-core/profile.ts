import type { Cluster } from "./cluster.ts";
import type { Plugin } from "./plugins/plugin.ts";
import { PLUGINS } from "./plugins/plugins.ts";
import type { PodClass } from "./pod-class.ts";
import { OUT } from "./tournament.ts";
import type { Usage } from "./usage.ts";

/** The plugins by what they do, in order. */
type With<Part extends object> = Plugin & Part;
type FixedFilter = With<{ fixed: { filter: NonNullable<NonNullable<Plugin["fixed"]>["filter"]> } }>;
type FixedScore = With<{ fixed: { score: NonNullable<NonNullable<Plugin["fixed"]>["score"]> } }>;
type UsageFilter = With<{
  usage: { fits: NonNullable<NonNullable<Plugin["usage"]>["fits"]>; reject: NonNullable<NonNullable<Plugin["usage"]>["reject"]> };
}>;
type PeerPlugin = With<{ peers: NonNullable<Plugin["peers"]> }>;
type UsageScore = With<{ usage: { score: NonNullable<NonNullable<Plugin["usage"]>["score"]> } }>;

export const FIXED_FILTERS: readonly FixedFilter[] = PLUGINS.filter((plugin): plugin is FixedFilter => plugin.fixed?.filter !== undefined);
export const FIXED_SCORES: readonly FixedScore[] = PLUGINS.filter((plugin): plugin is FixedScore => plugin.fixed?.score !== undefined);
export const USAGE_FILTERS: readonly UsageFilter[] = PLUGINS.filter(
  (plugin): plugin is UsageFilter => plugin.usage?.fits !== undefined && plugin.usage.reject !== undefined,
);
export const USAGE_SCORES: readonly UsageScore[] = PLUGINS.filter((plugin): plugin is UsageScore => plugin.usage?.score !== undefined);

export const PEER_PLUGINS: readonly PeerPlugin[] = PLUGINS.filter((plugin): plugin is PeerPlugin => plugin.peers !== undefined);

/** Whether where other pods are has a say in where these go, as the cluster is. */
export function dependsOnPeers(cluster: Cluster, pods: PodClass): boolean {
  if (pods.relations === undefined) return false;
  for (let i = 0; i < PEER_PLUGINS.length; i++) if ((PEER_PLUGINS[i] as PeerPlugin).peers.concerns(cluster, pods)) return true;
  return false;
}

/** Whether the pods that are on the node leave room for one more of this usage. */
export function fitsUsage(cluster: Cluster, usage: Usage, slot: number): boolean {
  for (let i = 0; i < USAGE_FILTERS.length; i++) {
    if (!(USAGE_FILTERS[i] as UsageFilter).usage.fits(cluster, usage, slot)) return false;
  }
  return true;
}

/** The weighted sum of what depends on this node's usage; OUT when the node cannot take the pod. */
export function localScore(cluster: Cluster, pods: PodClass, slot: number): number {
  if ((pods.verdicts[slot] as number) < 0 || !fitsUsage(cluster, pods.usage, slot)) return OUT;
  let sum = 0;
  for (let i = 0; i < USAGE_SCORES.length; i++) {
    const plugin = USAGE_SCORES[i] as UsageScore;
    if (pods.scored[FIXED_SCORES.length + i] === 1) sum += plugin.weight * plugin.usage.score(cluster, pods.usage, slot);
  }
  return sum;
}

/**
 * The weighted sum of static scores per group, normalised over the groups that have a feasible node (`feasible` is 1). Written to
 * `offsets`; groups without a feasible node keep what they had.
 */
export function groupOffsets(pods: PodClass, feasible: Uint8Array, offsets: Int32Array): void {
  const width = FIXED_SCORES.length;
  offsets.fill(0);
  for (let i = 0; i < width; i++) {
    if (pods.scored[i] === 0) continue;
    const plugin = FIXED_SCORES[i] as FixedScore;
    let max = 0;
    for (let group = 0; group < feasible.length; group++) {
      if (feasible[group] === 1) max = Math.max(max, pods.groups[group * width + i] as number);
    }
    for (let group = 0; group < feasible.length; group++) {
      const raw = pods.groups[group * width + i] as number;
      offsets[group] = (offsets[group] as number) + plugin.weight * (plugin.fixed.normalize?.(raw, max) ?? raw);
    }
  }
}
