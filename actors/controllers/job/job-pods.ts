import type { Job, Pod } from "../../kinds/generated/types.ts";
import { Finding } from "../../store/finding.ts";
import type { Entry, View } from "../../store/view.ts";
import { factsOf, type PodFacts } from "../pods/pod-facts.ts";

/** Keeps a pod that ended until its job has counted it. */
export const TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking";
export const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";
export const INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count";
export const INDEX_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count";

/** What a job asks of its pods, beside what all controllers ask. */
export interface JobPod {
  readonly facts: PodFacts;
  readonly tracked: boolean;
  /** Undefined for pods that have none or one that is no number. */
  readonly index: number | undefined;
  /** Failures of the same index before this pod. */
  readonly indexFailures: number;
  readonly indexIgnoredFailures: number;
  /** When it ended, or was told to. Source: getFinishedTime. */
  readonly finished_ms: number;
  /** Restarts of all its containers. */
  readonly restarts: number;
}

const jobPods = new Finding((entry, view: View) => read(view.decode<Pod>(entry), factsOf(view, entry)));

export function jobPodOf(view: View, entry: Entry): JobPod {
  return jobPods.of(entry, view);
}

function read(pod: Pod, facts: PodFacts): JobPod {
  const { annotations = {}, finalizers } = pod.metadata;
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return {
    facts,
    tracked: finalizers?.includes(TRACKING_FINALIZER) === true,
    index: numberOf(annotations[COMPLETION_INDEX]),
    indexFailures: numberOf(annotations[INDEX_FAILURES]) ?? 0,
    indexIgnoredFailures: numberOf(annotations[INDEX_IGNORED_FAILURES]) ?? 0,
    finished_ms: finishedAt_ms(pod),
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function finishedAt_ms({ metadata, spec, status }: Pod): number {
  const sidecars = new Set((spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name));
  const init = (status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name));
  const ended = [...(status?.containerStatuses ?? []), ...init].map(({ state }) => state?.terminated?.finishedAt);
  if (ended.length > 0 && ended.every((at) => at !== undefined)) return Math.max(...ended.map((at) => Date.parse(at as string)));
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime !== undefined) return Date.parse(ready.lastTransitionTime);
  if (metadata.deletionTimestamp !== undefined) {
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
  }
  return Date.parse(metadata.creationTimestamp);
}

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === "Indexed";
}

/** Pods are replaced when they have failed, not already when they are told to go. Source: onlyReplaceFailedPods. */
export function replacesOnlyFailed(job: Job): boolean {
  return job.spec.podReplacementPolicy === "Failed" || job.spec.podFailurePolicy !== undefined;
}

export function isSucceeded({ facts }: JobPod): boolean {
  return facts.phase === "Succeeded";
}

/** Also a pod that is told to go, since it may never say how it ended. Source: isPodFailed. */
export function isFailed(job: Job, { facts }: JobPod): boolean {
  if (facts.phase === "Failed") return true;
  return !replacesOnlyFailed(job) && facts.deleting && facts.phase !== "Succeeded";
}

/** Told to go, and not ended yet. */
export function isTerminating({ facts }: JobPod): boolean {
  return facts.deleting && facts.phase !== "Succeeded" && facts.phase !== "Failed";
}

/** A copy of the pod without the tracking finalizer; undefined when it has none. */
export function untracked(pod: Pod): Pod | undefined {
  const { finalizers = [], ...metadata } = pod.metadata;
  if (!finalizers.includes(TRACKING_FINALIZER)) return undefined;
  const left = finalizers.filter((one) => one !== TRACKING_FINALIZER);
  return { ...pod, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
}

/** A copy of the pod with the tracking finalizer. */
export function tracked(pod: Pod): Pod {
  const { finalizers = [] } = pod.metadata;
  if (finalizers.includes(TRACKING_FINALIZER)) return pod;
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...finalizers, TRACKING_FINALIZER] } };
}
