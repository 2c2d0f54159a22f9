import type { Job, Pod, UncountedTerminatedPods } from "../../kinds/generated/types.ts";
import type { View } from "../../store/view.ts";
import { failureVerdict } from "./job-failure-policy.ts";
import { isFailed, isIndexed, isSucceeded, type JobPod } from "./job-pods.ts";
import { hasPlace } from "./job-verdict.ts";

/** Pods that are taken into the books in one round at most. Source: MaxUncountedPods. */
const UNCOUNTED_MAX = 500;

/**
 * The books of a job. Each pod's end counts exactly once, whatever becomes of this process: its uid is written into the status first (`uncounted`), then
 * its finalizer is removed, and when that is gone the uid becomes one more in a count. Successes of an indexed job are kept by index instead.
 */
export interface Tally {
  /** What is counted, those left out that are still uncounted. */
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: UncountedTerminatedPods;
  /** Whose finalizer may go once the status is written. */
  readonly letGo: readonly JobPod[];
}

export interface TallyRules {
  /** The job has failed or goes: whatever has not ended well by now has failed. */
  readonly all: boolean;
  /** The job has succeeded: whatever still runs is let go without being counted. */
  readonly done: boolean;
  /** Failed pods that are still needed, to tell how often their index has failed. */
  readonly kept: ReadonlySet<JobPod>;
}

/** The next state of the books. Source: trackJobStatusAndRemoveFinalizers and cleanUncountedPodsWithoutFinalizers. */
export function tallyOf(view: View, job: Job, pods: readonly JobPod[], { all, done, kept }: TallyRules): Tally {
  const { succeeded = 0, failed = 0, uncountedTerminatedPods } = job.status ?? {};
  const tracked = new Map(pods.filter((pod) => pod.tracked).map((pod) => [pod.facts.uid, pod]));
  const isTracked = (uid: string): boolean => tracked.has(uid);
  const known = { succeeded: uncountedTerminatedPods?.succeeded ?? [], failed: uncountedTerminatedPods?.failed ?? [] };
  const next = { succeeded: known.succeeded.filter(isTracked), failed: known.failed.filter(isTracked) };
  const written = new Set([...next.succeeded, ...next.failed]);
  const letGo: JobPod[] = [];
  for (const [uid, pod] of tracked) {
    if (letGo.length >= UNCOUNTED_MAX) break;
    if (kept.has(pod)) continue;
    if (!written.has(uid)) {
      if (isSucceeded(pod)) {
        if (!isIndexed(job)) next.succeeded.push(uid);
      } else if (all || isFailed(job, pod)) {
        if (failureCounts(view, job, pod)) next.failed.push(uid);
      } else if (!done) continue;
    }
    letGo.push(pod);
  }
  return {
    succeeded: succeeded + known.succeeded.length - known.succeeded.filter(isTracked).length,
    failed: failed + known.failed.length - known.failed.filter(isTracked).length,
    uncounted: {
      ...(next.succeeded.length === 0 ? {} : { succeeded: next.succeeded }),
      ...(next.failed.length === 0 ? {} : { failed: next.failed }),
    },
    letGo,
  };
}

function failureCounts(view: View, job: Job, pod: JobPod): boolean {
  return hasPlace(job, pod) && failureVerdict(job, view.decode<Pod>(pod.facts.entry)).counts;
}
