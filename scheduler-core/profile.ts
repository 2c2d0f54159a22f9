import type { Cluster } from "./cluster.ts";
import type { Plugin } from "./plugins/plugin.ts";
import { PLUGINS } from "./plugins/plugins.ts";
import type { PodClass } from "./pod-class.ts";
import { OUT } from "./ranked-buckets.ts";
import type { SchedulingProfile } from "./scheduling-profile.ts";

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

/** All plugins in order with their weights in the default profile; 0: it only filters. */
export const PLUGIN_WEIGHTS: Readonly<Record<string, number>> = Object.fromEntries(PLUGINS.map(({ name, weight }) => [name, weight]));

/** Whether a plugin that can only judge node by node has something to say of these pods, as the cluster is. */
export function needsLoop(cluster: Cluster, pods: PodClass): boolean {
  if (pods.relations === undefined) return false;
  for (let i = 0; i < PEER_PLUGINS.length; i++) {
    const isOn = pods.filters[USAGE_FILTERS.length + i] === 1 || pods.weights[FIXED_SCORES.length + USAGE_SCORES.length + i] !== 0;
    const { peers } = PEER_PLUGINS[i] as PeerPlugin;
    if (isOn && peers.judge === undefined && peers.concerns(cluster, pods)) return true;
  }
  return false;
}

/** For each of USAGE_FILTERS and then PEER_PLUGINS whether it filters in this profile: 1 or 0. */
export function filtersOf({ filtersOff }: SchedulingProfile): Uint8Array {
  return Uint8Array.from([...USAGE_FILTERS, ...PEER_PLUGINS], ({ name }) => (filtersOff.has(name) ? 0 : 1));
}

/** Whether the pods that are on the node leave room for one more of this usage, by the filters that are on. */
export function fitsUsage(cluster: Cluster, { usage, filters }: Pick<PodClass, "usage" | "filters">, slot: number): boolean {
  for (let i = 0; i < USAGE_FILTERS.length; i++) {
    if (filters[i] === 1 && !(USAGE_FILTERS[i] as UsageFilter).usage.fits(cluster, usage, slot)) return false;
  }
  return true;
}

/** The weighted sum of what depends on this node's usage; OUT when the node cannot take the pod. */
export function localScore(cluster: Cluster, pods: PodClass, slot: number): number {
  if ((pods.verdicts[slot] as number) < 0 || !fitsUsage(cluster, pods, slot)) return OUT;
  let sum = 0;
  for (let i = 0; i < USAGE_SCORES.length; i++) {
    const weight = pods.weights[FIXED_SCORES.length + i] as number;
    if (weight !== 0) sum += weight * (USAGE_SCORES[i] as UsageScore).usage.score(cluster, pods.usage, slot, pods.scoring);
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
    const weight = pods.weights[i] as number;
    if (weight === 0) continue;
    const plugin = FIXED_SCORES[i] as FixedScore;
    let max = 0;
    for (let group = 0; group < feasible.length; group++) {
      if (feasible[group] === 1) max = Math.max(max, pods.groups[group * width + i] as number);
    }
    for (let group = 0; group < feasible.length; group++) {
      const raw = pods.groups[group * width + i] as number;
      offsets[group] = (offsets[group] as number) + weight * (plugin.fixed.normalize?.(raw, max) ?? raw);
    }
  }
}
