/**
 * What a pod's status says of a resize that has been granted and is not in force, or has not been granted. Pure. Source: kubelet's allocation manager and
 * status manager (Kubernetes 1.34), KEP-1287.
 */
import type { Container, Pod, PodCondition } from "../../kinds/generated/types.ts";
import type { PodObserved } from "../../node/container-runtime.ts";
import { resizableContainers } from "../allocation.ts";
import type { ResizeRefusal } from "../node-room.ts";
import { isResized } from "./plan.ts";
import { initContainersOf, newestOf } from "./pod-containers.ts";

export const RESIZE_PENDING = "PodResizePending";
export const RESIZE_IN_PROGRESS = "PodResizeInProgress";

/** `pod` as it is to run: with what it was granted. `trouble`: why that is not in force. */
export function resizeConditions(
  pod: Pod,
  observed: PodObserved,
  pending: ResizeRefusal | undefined,
  trouble: string | undefined,
  now: string,
): readonly PodCondition[] {
  const { generation } = pod.metadata;
  const before = (type: string): PodCondition | undefined => pod.status?.conditions?.find((condition) => condition.type === type);
  const condition = (type: string, why: Pick<PodCondition, "reason" | "message">, observedGeneration = generation): PodCondition => {
    const old = before(type);
    const since = old !== undefined && old.reason === why.reason ? (old.lastTransitionTime ?? now) : now;
    const seen = observedGeneration === undefined ? {} : { observedGeneration };
    return { type, status: "True", ...why, ...seen, lastProbeTime: since, lastTransitionTime: since };
  };
  // It is of the generation in which it began.
  const inProgress = before(RESIZE_IN_PROGRESS)?.observedGeneration;
  const why = trouble === undefined ? {} : { reason: "Error", message: trouble };
  return [
    ...(pending === undefined ? [] : [condition(RESIZE_PENDING, pending)]),
    ...(isInProgress(pod, observed) ? [condition(RESIZE_IN_PROGRESS, why, inProgress)] : []),
  ];
}

/** Only what runs is held to anything. */
function isInProgress(pod: Pod, observed: PodObserved): boolean {
  return resizableContainers(pod).some((container) => {
    const newest = newestOf(observed, container.name);
    return newest?.state === "running" && isResized(container, newest);
  });
}

/** The message of the Event that a resize is in force; undefined: none has just come to be. Source: podResizeCompletionMsg. */
export function resizeCompleted(before: Pod, now: Pod): string | undefined {
  const has = (pod: Pod): boolean => pod.status?.conditions?.some(({ type }) => type === RESIZE_IN_PROGRESS) === true;
  if (!has(before) || has(now) || now.status?.phase !== "Running") return undefined;
  const granted = ({ name, resources = {} }: Container): object => ({ name, resources });
  const inits = initContainersOf(now);
  const summary = {
    ...(inits.length === 0 ? {} : { initContainers: inits.map(granted) }),
    containers: now.spec.containers.map(granted),
  };
  return `Pod resize completed: ${JSON.stringify(summary)}`;
}
