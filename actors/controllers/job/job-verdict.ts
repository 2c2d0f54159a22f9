import type { Job, JobCondition, Pod } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { condition, holding } from "./job-conditions.ts";
import { failureVerdict } from "./job-failure-policy.ts";
import { IndexSet } from "./job-indexes.ts";
import { isFailed, isIndexed, isSucceeded, type JobPod } from "./job-pods.ts";

export const DEADLINE_EXCEEDED = "DeadlineExceeded";
const BACKOFF_LIMIT_MESSAGE = "Job has reached the specified backoff limit";

/** Where a job stands, worked out from its status and its pods. */
export interface JobFacts {
  readonly job: Job;
  readonly pods: readonly JobPod[];
  readonly active: readonly JobPod[];
  /** Counted ones and those that are to be counted. */
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: IndexSet;
  readonly failedIndexes: IndexSet;
  /** When pods failed since the last success; pods that are gone as well. */
  readonly failures_ms: readonly number[];
}

export function completionsLimit(job: Job): number {
  return job.spec.completions ?? 0;
}

/** Whether it is one of those that the job asks for: of an indexed job a pod without an index, or with one beyond the last, is none. */
export function hasPlace(job: Job, { index }: JobPod): boolean {
  return !isIndexed(job) || (index !== undefined && index < completionsLimit(job));
}

/** The indexes that are done: those of the status, and those of pods that are still to be counted. Source: calculateSucceededIndexes. */
export function succeededIndexesOf(job: Job, pods: readonly JobPod[]): IndexSet {
  const limit = completionsLimit(job);
  const before = IndexSet.parse(job.status?.completedIndexes, limit);
  return before.with(
    IndexSet.of(
      indexesOf(
        pods.filter((pod) => pod.tracked && isSucceeded(pod)),
        limit,
      ),
    ),
  );
}

/** The same for indexes that failed for good. Source: calculateFailedIndexes. */
export function failedIndexesOf(view: View, job: Job, pods: readonly JobPod[]): IndexSet {
  const { backoffLimitPerIndex } = job.spec;
  if (backoffLimitPerIndex === undefined) return IndexSet.of([]);
  const limit = completionsLimit(job);
  const lost = pods.filter((pod) => {
    if (!pod.tracked || !isFailed(job, pod)) return false;
    const { action } = failureVerdict(job, view.decode<Pod>(pod.facts.entry));
    return action === "FailIndex" || (action !== "Ignore" && pod.indexFailures >= backoffLimitPerIndex);
  });
  return IndexSet.parse(job.status?.failedIndexes, limit).with(IndexSet.of(indexesOf(lost, limit)));
}

function indexesOf(pods: readonly JobPod[], limit: number): number[] {
  return pods.flatMap(({ index }) => (index !== undefined && index < limit ? [index] : []));
}

/**
 * Why the job comes to an end, as the condition that says so before its pods are let go (FailureTarget or SuccessCriteriaMet); undefined as long as it
 * goes on. What was decided once stands.
 */
export function verdictOn(view: View, facts: JobFacts, now_ms: number): JobCondition | undefined {
  const { job, pods } = facts;
  const standing = holding(job, "SuccessCriteriaMet") ?? holding(job, "FailureTarget");
  if (standing !== undefined) return standing;
  const now = timestamp(now_ms);
  const fail = (reason: string, message: string): JobCondition => condition("FailureTarget", reason, message, now);
  for (const pod of pods) {
    if (job.spec.podFailurePolicy === undefined || !isFailed(job, pod)) continue;
    const { message } = failureVerdict(job, view.decode<Pod>(pod.facts.entry));
    if (message !== undefined) return fail("PodFailurePolicy", message);
  }
  if (facts.failed > (job.spec.backoffLimit ?? 0) || hasRestartedTooOften(facts))
    return fail("BackoffLimitExceeded", BACKOFF_LIMIT_MESSAGE);
  const deadline_ms = deadlineOf_ms(job);
  if (deadline_ms !== undefined && now_ms >= deadline_ms) return fail(DEADLINE_EXCEEDED, "Job was active longer than specified deadline");
  if (isIndexed(job)) {
    const { failedIndexes, succeededIndexes } = facts;
    const { backoffLimitPerIndex, maxFailedIndexes, successPolicy } = job.spec;
    if (backoffLimitPerIndex !== undefined) {
      if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
        return fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
      }
      if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completionsLimit(job)) {
        return fail("FailedIndexes", "Job has failed indexes");
      }
    }
    const rules = succeededIndexes.size === 0 ? [] : (successPolicy?.rules ?? []);
    const rule = rules.findIndex((one) => meetsRule(one, succeededIndexes, completionsLimit(job)));
    if (rule >= 0) return condition("SuccessCriteriaMet", "SuccessPolicy", `Matched rules at index ${rule}`, now);
  }
  return undefined;
}

/** The same when as many pods have succeeded as were asked for, and so many are still active: asked when those that are too many have been stopped. */
export function completionOf({ job, succeeded }: JobFacts, active: number, now_ms: number): JobCondition | undefined {
  const { completions } = job.spec;
  const isComplete = completions === undefined ? succeeded > 0 : succeeded >= completions;
  if (!isComplete || active > 0) return undefined;
  return condition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", timestamp(now_ms));
}

/** Restarts count like failures where containers are started again in place. Source: pastBackoffLimitOnFailure. */
function hasRestartedTooOften({ job, pods }: JobFacts): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  const running = pods.filter(({ facts }) => facts.phase === "Running" || facts.phase === "Pending");
  const restarts = running.reduce((sum, pod) => sum + pod.restarts, 0);
  const limit = job.spec.backoffLimit ?? 0;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Source: matchSuccessPolicy. */
function meetsRule(
  { succeededIndexes, succeededCount }: { succeededIndexes?: string; succeededCount?: number },
  succeeded: IndexSet,
  limit: number,
): boolean {
  if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
  const wanted = IndexSet.parse(succeededIndexes, limit);
  return wanted.size > 0 && wanted.common(succeeded) >= (succeededCount ?? wanted.size);
}

/**
 * When the job's time is over; undefined when it has no deadline or is suspended. It begins anew when the job is resumed, unless it was over by then: that
 * is looked at first. Source: pastActiveDeadline.
 */
export function deadlineOf_ms(job: Job): number | undefined {
  const { spec, status } = job;
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined) return undefined;
  if (spec.suspend === true) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1_000;
}
