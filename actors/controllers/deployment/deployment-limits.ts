import type { Deployment, ReplicaSet } from "../../kinds/generated/types.ts";
import { scaledValue } from "../../kinds/machinery/int-or-string.ts";

/** Kubernetes' value for "no limit" in progressDeadlineSeconds and revisionHistoryLimit. */
const NO_LIMIT = 2_147_483_647;

export function isRolling(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type !== "Recreate";
}

/** spec.replicas, which the API defaults to 1. */
export function wantedReplicas(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

/** How many pods more than asked, and how many fewer available ones, an update may cause; never both 0. Source: ResolveFenceposts. */
function fenceposts(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy?.rollingUpdate ?? {};
  const replicas = wantedReplicas(deployment);
  const surge = scaledValue(maxSurge, replicas, "up") ?? 0;
  const unavailable = scaledValue(maxUnavailable, replicas, "down") ?? 0;
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return isRolling(deployment) ? fenceposts(deployment).surge : 0;
}

export function maxUnavailable(deployment: Deployment): number {
  const replicas = wantedReplicas(deployment);
  return isRolling(deployment) && replicas > 0 ? Math.min(fenceposts(deployment).unavailable, replicas) : 0;
}

/** Seconds without progress after which a rollout counts as stuck; undefined: never. */
export function progressDeadlineSeconds(deployment: Deployment): number | undefined {
  const { progressDeadlineSeconds: seconds } = deployment.spec;
  return seconds === undefined || seconds === NO_LIMIT ? undefined : seconds;
}

/** Old ReplicaSets to keep; undefined: all. */
export function revisionHistoryLimit(deployment: Deployment): number | undefined {
  const { revisionHistoryLimit: limit } = deployment.spec;
  return limit === undefined || limit === NO_LIMIT ? undefined : limit;
}

export function sumOf(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  let sum = 0;
  for (const set of sets) sum += count(set) ?? 0;
  return sum;
}

/** The sets that want any pods. */
export function activeOf(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  return sets.filter((set) => wantedReplicas(set) > 0);
}

/** Oldest first; names decide between the same second. Source: ReplicaSetsByCreationTimestamp. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const { creationTimestamp: left, name } = a.metadata;
  const { creationTimestamp: right, name: other } = b.metadata;
  if (left !== right) return left < right ? -1 : 1;
  return name < other ? -1 : name > other ? 1 : 0;
}
