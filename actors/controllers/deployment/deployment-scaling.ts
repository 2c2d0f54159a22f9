import type { Deployment, ReplicaSet } from "../../kinds/generated/types.ts";
import { activeOf, byAge, isRolling, maxSurge, maxUnavailable, sumOf, wantedReplicas } from "./deployment-limits.ts";
import { annotatedNumber, DESIRED_REPLICAS, MAX_REPLICAS, type Revisions } from "./deployment-revisions.ts";

/** One ReplicaSet that shall have so many replicas. */
export interface Scale {
  readonly set: ReplicaSet;
  /** What it has when its turn comes, where a step before has made it smaller. */
  readonly from?: number;
  readonly replicas: number;
  /** One of several that share a changed size: it is told of the whole although its own part may stay. */
  readonly isShare?: true;
}

/** Whether the Deployment's size was changed since its sets were last told. Source: isScalingEvent. */
export function isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return activeOf(sets).some((set) => {
    const desired = annotatedNumber(set, DESIRED_REPLICAS);
    return desired !== undefined && desired !== wantedReplicas(deployment);
  });
}

/** The sets' sizes after the Deployment's was changed: in proportion, when a rollout is under way. Source: DeploymentController.scale. */
export function scaleAlong(deployment: Deployment, { current, old }: Revisions): readonly Scale[] {
  const replicas = wantedReplicas(deployment);
  const sets = current === undefined ? old : [...old, current];
  const active = activeOf(sets);
  const only = active.length > 1 ? undefined : (active[0] ?? current ?? [...old].sort(byAge).at(-1));
  if (only !== undefined) return [{ set: only, replicas }];
  if (active.length === 0) return [];
  if (current !== undefined && isSaturated(deployment, current)) return activeOf(old).map((set) => ({ set, replicas: 0 }));
  return isRolling(deployment) ? inProportion(deployment, active) : [];
}

function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const replicas = wantedReplicas(deployment);
  return (
    annotatedNumber(current, DESIRED_REPLICAS) === replicas &&
    wantedReplicas(current) === replicas &&
    (current.status?.availableReplicas ?? 0) === replicas
  );
}

/** What is to be added or taken away is shared out by size; the largest set gets what rounding leaves over. Source: proportional scaling. */
function inProportion(deployment: Deployment, active: readonly ReplicaSet[]): readonly Scale[] {
  const replicas = wantedReplicas(deployment);
  const allowed = replicas > 0 ? replicas + maxSurge(deployment) : 0;
  const change = allowed - sumOf(active, wantedReplicas);
  const ageOrder = change > 0 ? -1 : 1;
  const sets = [...active].sort((a, b) => wantedReplicas(b) - wantedReplicas(a) || ageOrder * byAge(a, b));
  let left = change;
  const sizes = sets.map((set) => {
    const share = left === 0 ? 0 : shareOf(deployment, set);
    const taken = change > 0 ? Math.min(share, left) : Math.max(share, left);
    left -= taken;
    return wantedReplicas(set) + taken;
  });
  return sets.map((set, i) => ({ set, replicas: Math.max(0, (sizes[i] ?? 0) + (i === 0 ? left : 0)), isShare: true }));
}

/** How much larger a set becomes when the whole grows from what it was at the last change of size. Source: getReplicaSetFraction. */
function shareOf(deployment: Deployment, set: ReplicaSet): number {
  const size = wantedReplicas(set);
  if (wantedReplicas(deployment) === 0) return -size;
  const before = annotatedNumber(set, MAX_REPLICAS) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((size * (wantedReplicas(deployment) + maxSurge(deployment))) / before) - size;
}

/** How many replicas the set of the present template may have now. Source: NewRSNewReplicas. */
export function replicasOfCurrent(deployment: Deployment, all: readonly ReplicaSet[], size: number): number {
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return replicas;
  const room = replicas + maxSurge(deployment) - sumOf(all, wantedReplicas);
  return room <= 0 ? size : size + Math.min(room, replicas - size);
}

/** The next step of a rolling update: the new set up if there is room, else the old ones down. Source: rolloutRolling. */
export function rollOn(deployment: Deployment, current: ReplicaSet, { old, all }: Revisions): readonly Scale[] {
  const replicas = wantedReplicas(deployment);
  const size = wantedReplicas(current);
  const next = size > replicas ? replicas : replicasOfCurrent(deployment, all, size);
  return next === size ? shrinkOld(deployment, current, old, all) : [{ set: current, replicas: next }];
}

/**
 * The set's available pods that it was not told to delete yet. A set that was made smaller a moment ago still counts the pods that it is
 * about to delete; taken for available, they would let the rollout delete others in their place, and fall below what it promises.
 */
function availableToStay(set: ReplicaSet): number {
  return Math.min(set.status?.availableReplicas ?? 0, wantedReplicas(set));
}

function shrinkOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[], all: readonly ReplicaSet[]): readonly Scale[] {
  const active = [...activeOf(old)].sort(byAge);
  if (active.length === 0) return [];
  const least = wantedReplicas(deployment) - maxUnavailable(deployment);
  const unavailable = wantedReplicas(current) - availableToStay(current);
  const spare = sumOf(all, wantedReplicas) - least - unavailable;
  if (spare <= 0) return [];
  const sizes = new Map(active.map((set) => [set, wantedReplicas(set)]));
  const take = (most: number, of: (set: ReplicaSet) => number): readonly Scale[] => {
    let left = most;
    return active.flatMap((set) => {
      const from = sizes.get(set) ?? 0;
      const taken = Math.max(0, Math.min(left, from, of(set)));
      if (taken === 0) return [];
      left -= taken;
      sizes.set(set, from - taken);
      return [{ set, from, replicas: from - taken }];
    });
  };
  // First what serves nobody anyway. A set of which there is some of both is made smaller twice, and each time it is told.
  const unhealthy = take(spare, (set) => wantedReplicas(set) - availableToStay(set));
  return [...unhealthy, ...take(sumOf(all, availableToStay) - least, wantedReplicas)];
}
