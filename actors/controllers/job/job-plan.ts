import { JobKind } from "../../kinds/batch/job.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Container, Job, Pod, PodTemplateSpec } from "../../kinds/generated/types.ts";
import type { View } from "../../store/view.ts";
import { create, modify, newMeta, remove } from "../actions.ts";
import { type Action, NOTHING, type Write } from "../controller.ts";
import { controllerReference } from "../ownership.ts";
import { creationNotes, deletionNotes } from "../pods/pod-notes.ts";
import { compareWorth } from "../pods/pod-ranking.ts";
import { PodMaker } from "../pods/pod-template.ts";
import { failureVerdict } from "./job-failure-policy.ts";
import { IndexSet } from "./job-indexes.ts";
import {
  COMPLETION_INDEX,
  INDEX_FAILURES,
  INDEX_IGNORED_FAILURES,
  isFailed,
  isIndexed,
  isTerminating,
  type JobPod,
  replacesOnlyFailed,
  TRACKING_FINALIZER,
  untracked,
} from "./job-pods.ts";
import { completionsLimit, hasPlace, type JobFacts } from "./job-verdict.ts";

/** Pods created or deleted in one round at most. Source: MaxPodCreateDeletePerSync. */
const BURST_PODS = 500;
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 10 * 60_000;
/** Generated names have five characters more, and fit a label. */
const GENERATED_PREFIX_MAX = 58;
const INDEX_VARIABLE = "JOB_COMPLETION_INDEX";

/** What to do with a job's pods, and how many will be active then. */
export interface PodPlan {
  readonly actions: readonly Action[];
  readonly active: number;
  /** Pods that are to be made, which may be refused. */
  readonly births?: Action;
}

/** Starts and stops pods of a job that goes on. Source: manageJob. */
export function planPods(view: View, facts: JobFacts, now_ms: number): PodPlan {
  const { job, active } = facts;
  if (job.spec.suspend === true) return stop(view, job, active);
  const wanted = wantedActive(facts);
  const surplus = surplusOf(facts, Math.max(0, active.length - wanted));
  if (surplus.length > 0) return { ...stop(view, job, surplus), active: active.length - Math.min(surplus.length, BURST_PODS) };
  const terminating = replacesOnlyFailed(job) ? facts.pods.filter(isTerminating).length : 0;
  const missing = wanted - terminating - active.length;
  return missing > 0 ? start(view, facts, missing, now_ms) : { actions: NOTHING, active: active.length };
}

function wantedActive({ job, active, succeeded }: JobFacts): number {
  const { parallelism = 1, completions } = job.spec;
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

/** Pods that are too many; of an indexed job also those whose index another one has, or that have none. Source: activePodsForRemoval. */
function surplusOf({ job, active }: JobFacts, atLeast: number): readonly JobPod[] {
  if (!isIndexed(job)) return active.toSorted(byWorth).slice(0, atLeast);
  const surplus = active.filter((pod) => !hasPlace(job, pod));
  const places: JobPod[] = [];
  // Of pods of the same index the worthiest is the last.
  for (const pod of active.filter((one) => hasPlace(job, one)).sort((a, b) => indexOf(a) - indexOf(b) || byWorth(a, b))) {
    const before = places.at(-1);
    if (before?.index === pod.index) surplus.push(places.pop() as JobPod);
    places.push(pod);
  }
  return [...surplus, ...places.sort(byWorth).slice(0, Math.max(0, atLeast - surplus.length))];
}

/** Negative: it is given up before the other one. */
function byWorth(a: JobPod, b: JobPod): number {
  return compareWorth(a.facts, b.facts);
}

function indexOf({ index = -1 }: JobPod): number {
  return index;
}

/** Stops pods that are to count neither as successes nor as failures. Source: deleteJobPods. */
function stop(view: View, job: Job, pods: readonly JobPod[]): PodPlan {
  const actions = pods.slice(0, BURST_PODS).map((pod): Action => {
    const object = view.decode<Pod>(pod.facts.entry);
    const letGo = pod.tracked ? [modify(PodKind, object, untracked)] : [];
    return { do: "inOrder", steps: [...letGo, removal(job, object)] };
  });
  return { actions, active: pods.length - actions.length };
}

/** Stops pods of a job that has ended; they count as its verdict says. Source: deleteActivePods. */
export function stopActive(view: View, { job, active }: JobFacts): readonly Action[] {
  if (active.length === 0) return NOTHING;
  return [{ do: "slowStart", writes: active.map(({ facts }) => removal(job, view.decode<Pod>(facts.entry))) }];
}

function removal(job: Job, pod: Pod): Write {
  return remove(PodKind, pod, undefined, deletionNotes(JobKind, job));
}

function start(view: View, facts: JobFacts, missing: number, now_ms: number): PodPlan {
  const { job, active } = facts;
  const waiting: PodPlan = { actions: NOTHING, active: active.length };
  const births =
    job.spec.backoffLimitPerIndex === undefined ? birthsTogether(facts, missing, now_ms) : birthsByIndex(view, facts, missing, now_ms);
  const requeue: Action[] = births.wait_ms > 0 ? [{ do: "requeue", after_ms: births.wait_ms }] : [];
  // While it waits Kubernetes says that none is active, whatever runs.
  if (births.pods.length === 0) return requeue.length === 0 ? waiting : { actions: requeue, active: 0 };
  const notes = creationNotes(JobKind, job);
  const maker = new PodMaker(jobTemplate(job), job.metadata.namespace ?? "", controllerReference(JobKind, job));
  const writes = births.pods.map((birth) => create(PodKind, born(job, maker.make(), birth), notes));
  return { actions: requeue, births: { do: "slowStart", writes }, active: active.length + writes.length };
}

/** A pod to be created. */
interface Birth {
  readonly index: number | undefined;
  readonly failures?: number;
  readonly ignoredFailures?: number;
}

interface Births {
  readonly pods: readonly Birth[];
  /** Until more may be born; 0: not only time is waited for. */
  readonly wait_ms: number;
}

/** Failures since the last success make the whole job wait. Source: newBackoffRecord. */
function birthsTogether(facts: JobFacts, missing: number, now_ms: number): Births {
  const { job, failures_ms: failures } = facts;
  const wait_ms = failures.length === 0 ? 0 : Math.max(...failures) + backoff_ms(failures.length) - now_ms;
  if (wait_ms > 0) return { pods: [], wait_ms };
  const count = Math.min(missing, BURST_PODS);
  if (!isIndexed(job)) return { pods: Array.from({ length: count }, () => ({ index: undefined })), wait_ms: 0 };
  return {
    pods: pendingIndexes(facts)
      .slice(0, count)
      .map((index) => ({ index })),
    wait_ms: 0,
  };
}

/** Each index waits for itself, and holds its place while it does. Source: getPodCreationInfoForIndependentIndexes. */
function birthsByIndex(view: View, facts: JobFacts, missing: number, now_ms: number): Births {
  const last = lastFailures(facts);
  const births: Birth[] = [];
  let soonest_ms = Number.POSITIVE_INFINITY;
  for (const index of pendingIndexes(facts).slice(0, missing)) {
    const failure = last.get(index);
    if (failure === undefined) {
      births.push({ index, failures: 0 });
      continue;
    }
    const wait_ms = failure.finished_ms + backoff_ms(failure.indexFailures + failure.indexIgnoredFailures + 1) - now_ms;
    if (wait_ms > 0) {
      soonest_ms = Math.min(soonest_ms, wait_ms);
      continue;
    }
    const isIgnored = failureVerdict(facts.job, view.decode<Pod>(failure.facts.entry)).action === "Ignore";
    births.push({
      index,
      failures: failure.indexFailures + (isIgnored ? 0 : 1),
      ignoredFailures: failure.indexIgnoredFailures + (isIgnored ? 1 : 0),
    });
  }
  return { pods: births, wait_ms: soonest_ms === Number.POSITIVE_INFINITY ? 0 : soonest_ms };
}

/**
 * By index, the failed pod that tells how often the index has failed; it is kept until the next one of the index is there. Source:
 * getPodsWithDelayedDeletionPerIndex.
 */
export function lastFailures({ job, pods, active, succeededIndexes, failedIndexes }: JobFacts): ReadonlyMap<number, JobPod> {
  const last = new Map<number, JobPod>();
  if (job.spec.backoffLimitPerIndex === undefined) return last;
  const failuresOf = (pod: JobPod): number => pod.indexFailures + pod.indexIgnoredFailures;
  const running = new Set(active.map(({ index }) => index));
  for (const pod of pods) {
    const { index } = pod;
    if (index === undefined || !hasPlace(job, pod) || !pod.tracked || !isFailed(job, pod)) continue;
    if (running.has(index) || succeededIndexes.has(index) || failedIndexes.has(index)) continue;
    const other = last.get(index);
    const isLater = other === undefined || (failuresOf(pod) >= failuresOf(other) && pod.finished_ms >= other.finished_ms);
    if (isLater) last.set(index, pod);
  }
  return last;
}

/** Indexes without a pod that are not done, the smallest first. Source: firstPendingIndexes. */
function pendingIndexes({ job, pods, active, succeededIndexes, failedIndexes }: JobFacts): readonly number[] {
  const held = replacesOnlyFailed(job) ? [...active, ...pods.filter(isTerminating)] : active;
  const taken = IndexSet.of(held.flatMap(({ index }) => (index === undefined ? [] : [index])));
  return succeededIndexes.with(failedIndexes).with(taken).firstMissing(completionsLimit(job), BURST_PODS);
}

function backoff_ms(failures: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);
}

function jobTemplate(job: Job): PodTemplateSpec {
  const { template } = job.spec;
  const { metadata } = template;
  const finalizers = [...(metadata?.finalizers ?? []).filter((one) => one !== TRACKING_FINALIZER), TRACKING_FINALIZER];
  const { initContainers } = template.spec;
  const spec = isIndexed(job)
    ? {
        ...template.spec,
        containers: template.spec.containers.map(knowingIndex),
        ...(initContainers === undefined ? {} : { initContainers: initContainers.map(knowingIndex) }),
      }
    : template.spec;
  return { metadata: { ...metadata, finalizers }, spec };
}

function knowingIndex(container: Container): Container {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE) === true) return container;
  const valueFrom = { fieldRef: { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } };
  return { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom }] };
}

function born(job: Job, pod: Pod, { index, failures, ignoredFailures = 0 }: Birth): Pod {
  if (index === undefined) return pod;
  const { metadata, spec } = pod;
  const suffix = `-${index}-`;
  const annotations = {
    ...metadata.annotations,
    [COMPLETION_INDEX]: String(index),
    ...(failures === undefined ? {} : { [INDEX_FAILURES]: String(failures) }),
    ...(ignoredFailures === 0 ? {} : { [INDEX_IGNORED_FAILURES]: String(ignoredFailures) }),
  };
  return {
    ...pod,
    metadata: newMeta({
      ...metadata,
      generateName: `${job.metadata.name.slice(0, GENERATED_PREFIX_MAX - suffix.length)}${suffix}`,
      annotations,
      labels: { ...metadata.labels, [COMPLETION_INDEX]: String(index) },
    }),
    spec: { ...spec, hostname: `${job.metadata.name}-${index}` },
  };
}
