import type { Job, JobCondition, Pod } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { View } from "../../store/view.ts";
import { condition, holding } from "./job-conditions.ts";
import { failureVerdict } from "./job-failure-policy.ts";
import { IndexSet } from "./job-indexes.ts";
import { isFailed, isIndexed, isSucceeded, type JobPod } from "./job-pods.ts";

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
  const { job, pods, active } = facts;
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
  if (deadline_ms !== undefined && now_ms >= deadline_ms) return fail("DeadlineExceeded", "Job was active longer than specified deadline");
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
    const rule = successPolicy?.rules.findIndex((one) => meetsRule(one, succeededIndexes, completionsLimit(job))) ?? -1;
    if (rule >= 0) return condition("SuccessCriteriaMet", "SuccessPolicy", `Matched rules at index ${rule}`, now);
  }
  const { completions } = job.spec;
  const isComplete = completions === undefined ? facts.succeeded > 0 : facts.succeeded >= completions;
  if (isComplete && active.length === 0) {
    return condition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods", now);
  }
  return undefined;
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

/** When the job's time is over; undefined when it has no deadline or does not run. It begins anew when a suspended job is resumed. */
export function deadlineOf_ms(job: Job): number | undefined {
  const { spec, status } = job;
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined) return undefined;
  if (spec.suspend === true || holding(job, "Suspended") !== undefined) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1_000;
}
