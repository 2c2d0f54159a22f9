import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import { conditionOf, withCondition, withoutCondition } from "../conditions.ts";
import { maxUnavailable, progressDeadlineSeconds, sumOf, wantedReplicas } from "./deployment-limits.ts";
import type { Revisions } from "./deployment-revisions.ts";

const PROGRESSING = "Progressing";
/** How far apart clocks may be. */
const SKEW_MS = 1_000;
const NEW_SET_AVAILABLE = "NewReplicaSetAvailable";
const TIMED_OUT = "ProgressDeadlineExceeded";
const PAUSED = "DeploymentPaused";

function condition(type: string, status: string, reason: string, message: string, now_ms: number): DeploymentCondition {
  const now = timestamp(now_ms);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}

/** Progressing with this status, reason and message. */
export function progressing(status: "True" | "False" | "Unknown", reason: string, message: string, now_ms: number): DeploymentCondition {
  return condition(PROGRESSING, status, reason, message, now_ms);
}

/** The counts and the Available condition; the other conditions as they are. Source: calculateStatus. */
export function countedStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  now_ms: number,
): DeploymentStatus {
  const replicas = sumOf(all, (set) => set.status?.replicas);
  const available = sumOf(all, (set) => set.status?.availableReplicas);
  const { collisionCount, conditions = [] } = deployment.status ?? {};
  const isAvailable = available >= wantedReplicas(deployment) - maxUnavailable(deployment);
  const availability = isAvailable
    ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now_ms)
    : condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now_ms);
  return statusOf(
    {
      replicas,
      updatedReplicas: current?.status?.replicas ?? 0,
      readyReplicas: sumOf(all, (set) => set.status?.readyReplicas),
      availableReplicas: available,
      // Also those that could not even be created.
      unavailableReplicas: Math.max(0, sumOf(all, wantedReplicas) - available),
    },
    {
      ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
      ...(collisionCount === undefined ? {} : { collisionCount }),
      conditions: withCondition(conditions, availability),
    },
  );
}

/** Go leaves out counts that are 0, and so do we. */
function statusOf(counts: Readonly<Record<string, number>>, rest: DeploymentStatus): DeploymentStatus {
  return { ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)), ...rest };
}

/** Source: DeploymentComplete. */
export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const replicas = wantedReplicas(deployment);
  return (
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Source: DeploymentProgressing. */
function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** When the rollout's progress deadline passes; undefined when it cannot. Source: DeploymentTimedOut. */
function deadline_ms(deployment: Deployment, status: DeploymentStatus): number | undefined {
  const seconds = progressDeadlineSeconds(deployment);
  const current = conditionOf(status.conditions, PROGRESSING);
  if (seconds === undefined || current?.lastUpdateTime === undefined) return undefined;
  if (current.reason === NEW_SET_AVAILABLE || current.reason === TIMED_OUT) return undefined;
  return Date.parse(current.lastUpdateTime) + seconds * 1_000;
}

/** The status in the course of a rollout: counts, and whether it goes on. Source: syncRolloutStatus. */
export function rolloutStatus(deployment: Deployment, { all, current }: Revisions, now_ms: number): DeploymentStatus {
  const status = countedStatus(deployment, all, current, now_ms);
  const before = deployment.status ?? {};
  const who = current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  const progress = conditionOf(before.conditions, PROGRESSING);
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && progress?.reason === NEW_SET_AVAILABLE;
  let conditions = status.conditions ?? [];
  if (progressDeadlineSeconds(deployment) === undefined) conditions = withoutCondition(conditions, PROGRESSING);
  else if (!wasComplete) {
    const passes_ms = deadline_ms(deployment, before);
    if (isComplete(deployment, status)) {
      conditions = withCondition(conditions, progressing("True", NEW_SET_AVAILABLE, `${who} has successfully progressed.`, now_ms));
    } else if (hasProgressed(before, status)) {
      const next = progressing("True", "ReplicaSetUpdated", `${who} is progressing.`, now_ms);
      const since = progress?.status === "True" ? progress.lastTransitionTime : undefined;
      conditions = [...withoutCondition(conditions, PROGRESSING), since === undefined ? next : { ...next, lastTransitionTime: since }];
    } else if (passes_ms !== undefined && passes_ms < now_ms) {
      conditions = withCondition(conditions, progressing("False", TIMED_OUT, `${who} has timed out progressing.`, now_ms));
    }
  }
  const failure = failureOf(all, current);
  conditions = failure === undefined ? withoutCondition(conditions, "ReplicaFailure") : withCondition(conditions, failure);
  return { ...status, conditions };
}

/** A set that cannot create its pods makes its Deployment say so; the current one's words count first. Source: getReplicaFailures. */
function failureOf(all: readonly ReplicaSet[], current: ReplicaSet | undefined): DeploymentCondition | undefined {
  const sets = current === undefined ? all : [current, ...all];
  for (const set of sets) {
    const failure = conditionOf(set.status?.conditions, "ReplicaFailure");
    if (failure === undefined) continue;
    const since = failure.lastTransitionTime;
    return since === undefined ? { ...failure } : { ...failure, lastUpdateTime: since, lastTransitionTime: since };
  }
  return undefined;
}

/**
 * How long until a rollout that makes no progress has to be looked at again; undefined when it need not be. Kubernetes looks a second late, unless the
 * deadline is less than a second away. Source: requeueStuckDeployment.
 */
export function stuckAfter_ms(deployment: Deployment, status: DeploymentStatus, now_ms: number): number | undefined {
  const passes_ms = isComplete(deployment, status) ? undefined : deadline_ms(deployment, status);
  if (passes_ms === undefined) return undefined;
  const left_ms = passes_ms - now_ms;
  return left_ms < SKEW_MS ? Math.max(0, left_ms) + 1 : left_ms + SKEW_MS;
}

/** The conditions when a Deployment has just been paused or resumed; undefined when neither. Source: checkPausedConditions. */
export function pauseConditions(deployment: Deployment, now_ms: number): DeploymentCondition[] | undefined {
  if (progressDeadlineSeconds(deployment) === undefined) return undefined;
  const conditions = deployment.status?.conditions ?? [];
  const current = conditionOf(conditions, PROGRESSING);
  if (current?.reason === TIMED_OUT) return undefined;
  const isPaused = deployment.spec.paused === true;
  if (isPaused === (current?.reason === PAUSED)) return undefined;
  return withCondition(
    conditions,
    isPaused
      ? progressing("Unknown", PAUSED, "Deployment is paused", now_ms)
      : progressing("Unknown", "DeploymentResumed", "Deployment is resumed", now_ms),
  );
}
