import { JobKind } from "../../kinds/batch/job.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { Job, JobCondition, JobStatus, Pod } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { mayHaveFinalizers, ownersOf } from "../../kinds/metadata-text.ts";
import type { OwnerReference } from "../../kinds/object.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, Entry, View } from "../../store/view.ts";
import { anyKind, modify, normal, regarding, updateStatus, warning } from "../actions.ts";
import { type Action, type Controller, LOOK_AGAIN, NO_KEYS, NOTHING, type Note, type Refusal, type Write } from "../controller.ts";
import { controlledBy, controllerIndex } from "../ownership.ts";
import { claimPods, type PodOwner, watchPodsOf } from "../pods/pod-claims.ts";
import { JobBackoff } from "./job-backoff.ts";
import { condition, holding, isFinished } from "./job-conditions.ts";
import { JobPatience } from "./job-patience.ts";
import { lastFailures, type PodPlan, planPods, stopActive } from "./job-plan.ts";
import { isIndexed, isTerminating, type JobPod, jobPodOf, TRACKING_FINALIZER, tracked, untracked } from "./job-pods.ts";
import { type Tally, tallyOf } from "./job-tally.ts";
import { completionOf, deadlineOf_ms, failedIndexesOf, type JobFacts, succeededIndexesOf, verdictOn } from "./job-verdict.ts";

const JOBS = "jobs.batch";
const PODS = "pods";
const MANAGED_BY_US = "kubernetes.io/job-controller";
/** Pods of one job end in bursts. */
const PACE_MS = 50;
/** Source: DefaultJobApiBackOff. */
const RETRY_FIRST_MS = 1_000;
const NONE: ReadonlySet<JobPod> = new Set();

/** What it knows of jobs, by their keys, that no object says. */
interface JobMemory {
  readonly backoff: JobBackoff;
  readonly patience: JobPatience;
}

const OWNER: PodOwner<Job> = { kind: JobKind, resource: JOBS, selectorOf: ({ spec }) => spec.selector ?? {} };

/** Runs pods until enough of them have ended well. Source: pkg/controller/job, and KEP-2307 for how pods are counted. */
export function jobController(): Controller {
  const memory: JobMemory = { backoff: new JobBackoff(), patience: new JobPatience() };
  return {
    name: "job",
    component: "job-controller",
    kind: anyKind(JobKind),
    pace_ms: PACE_MS,
    retryFirst_ms: RETRY_FIRST_MS,
    indexes: [controllerIndex(PODS)],
    watches: [
      { resource: JOBS, keys: (change, view) => keysOfJob(memory, change, view) },
      watchPodsOf(OWNER),
      { resource: PODS, keys: keysOfOrphan },
    ],
    reconcile: (view, key, now_ms) => reconcile(memory, view, key, now_ms),
    refused: (view, key, now_ms, refusals) => refused(memory, view, key, now_ms, refusals),
  };
}

function forget({ backoff, patience }: JobMemory, key: string): void {
  backoff.forget(key);
  patience.forget(key);
}

function keysOfJob(memory: JobMemory, { now, before }: Change, view: View): readonly string[] {
  if (now !== undefined) return [now.key];
  if (before === undefined) return NO_KEYS;
  forget(memory, before.key);
  // Its pods wait for somebody to let them go.
  return controlledBy(view, PODS, view.decode<Job>(before).metadata.uid).map(({ key }) => key);
}

/** A pod that waits for a job that is not there, or never will be. What another kind's pod waits for is that kind's concern. */
function keysOfOrphan({ now }: Change, view: View): readonly string[] {
  if (now === undefined || !mayHaveFinalizers(now.text) || !now.text.includes(TRACKING_FINALIZER)) return NO_KEYS;
  if ((controllerIn(now)?.kind ?? JobKind.kind) !== JobKind.kind) return NO_KEYS;
  return jobOf(view, now) === undefined ? [now.key] : NO_KEYS;
}

function controllerIn(pod: Entry): OwnerReference | undefined {
  return ownersOf(pod.text).find(({ controller }) => controller === true);
}

function jobOf(view: View, pod: Entry): Job | undefined {
  const owner = controllerIn(pod);
  if (owner?.kind !== JobKind.kind) return undefined;
  const job = view.get<Job>(`${JOBS}/${partsOf(pod.key).namespace}/${owner.name}`);
  return job?.metadata.uid === owner.uid ? job : undefined;
}

function reconcile(memory: JobMemory, view: View, key: string, now_ms: number): readonly Action[] {
  if (key.startsWith(`${PODS}/`)) return letGoOfOrphan(view, key);
  const job = view.get<Job>(key);
  if (job === undefined || (job.spec.managedBy ?? MANAGED_BY_US) !== MANAGED_BY_US) return NOTHING;
  if (isFinished(job)) {
    forget(memory, key);
    // Whose pods are whose is looked at no more.
    return letGo(
      view,
      controlledBy(view, PODS, job.metadata.uid).map((entry) => jobPodOf(view, entry)),
    );
  }
  const { pods: claimed, actions: claims } = claimPods(OWNER, view, job, {
    adopted: tracked,
    released: (pod) => untracked(pod) ?? pod,
  });
  // What they come to is looked at before any pod is made or counted.
  if (claims.length > 0) return [...claims, LOOK_AGAIN];
  const pods = claimed.map((pod) => jobPodOf(view, pod.entry));
  const facts = factsOf(view, job, pods, memory.backoff.failuresOf(key, job, pods));
  const decided = verdictOn(view, facts, now_ms);
  const wait_ms = memory.patience.left_ms(key, facts, decided, now_ms);
  return wait_ms > 0 ? [{ do: "requeue", after_ms: wait_ms }] : advance(view, facts, decided, now_ms);
}

/** What else there was to do when pods could not be made: the books, and a status that does not tell of them. */
function refused({ backoff }: JobMemory, view: View, key: string, now_ms: number, refusals: readonly Refusal[]): readonly Action[] {
  const job = view.get<Job>(key);
  if (job === undefined || isFinished(job) || !refusals.some(({ write }) => write.do === "create")) return NOTHING;
  const pods = claimPods(OWNER, view, job).pods.map((pod) => jobPodOf(view, pod.entry));
  const facts = factsOf(view, job, pods, backoff.failuresOf(key, job, pods));
  return advance(view, facts, verdictOn(view, facts, now_ms), now_ms, { mayMake: false });
}

function letGoOfOrphan(view: View, key: string): readonly Action[] {
  const entry = view.entry(key);
  if (entry === undefined || jobOf(view, entry) !== undefined) return NOTHING;
  return letGo(view, [jobPodOf(view, entry)]);
}

function letGo(view: View, pods: readonly JobPod[]): readonly Write[] {
  return pods.filter((pod) => pod.tracked).map(({ facts }) => modify(PodKind, view.decode<Pod>(facts.entry), untracked));
}

/** Source: syncJob. */
function advance(
  view: View,
  facts: JobFacts,
  decided: JobCondition | undefined,
  now_ms: number,
  { mayMake }: { readonly mayMake: boolean } = { mayMake: true },
): readonly Action[] {
  const { job, pods } = facts;
  const isGoing = job.metadata.deletionTimestamp !== undefined;
  const plan: PodPlan =
    decided !== undefined
      ? { actions: stopActive(view, facts), active: 0 }
      : isGoing
        ? { actions: NOTHING, active: facts.active.length }
        : plannedPods(view, facts, now_ms, mayMake);
  const verdict = decided ?? completionOf(facts, plan.active, now_ms);
  const kept = verdict === undefined && !isGoing ? keptFailures(view, facts) : NONE;
  const tally = tallyOf(view, job, pods, {
    all: verdict?.type === "FailureTarget",
    done: isGoing || verdict !== undefined,
    kept,
  });
  const changes = conditionChanges(facts, verdict, tally, timestamp(now_ms));
  const status = nextStatus(facts, plan.active, tally, changes, timestamp(now_ms));
  const finalizers = letGo(view, tally.letGo);
  // The books are written before any pod is let go, and pods that run are stopped before the job says that it is over. Those that are to be made come
  // first: the status tells of them only when they are.
  const steps: readonly Action[] = [
    ...(verdict === undefined ? (plan.births === undefined ? NOTHING : [plan.births]) : plan.actions),
    ...(semanticEqual(status, job.status) ? [] : [updateStatus(JobKind, job, status)]),
    ...(finalizers.length === 0 ? [] : [{ do: "slowStart", writes: finalizers } as const]),
    ...changes.flatMap((change) => notesOf({ ...job, status }, change)).map((note): Action => ({ do: "event", note })),
  ];
  const deadline_ms = verdict === undefined ? deadlineOf_ms({ ...job, status }) : undefined;
  return [
    ...(verdict === undefined ? plan.actions : NOTHING),
    ...(steps.length === 0 ? [] : [{ do: "inOrder", steps } as const]),
    ...(deadline_ms === undefined ? [] : [{ do: "requeue", after_ms: Math.max(1, deadline_ms - now_ms) } as const]),
  ];
}

/** Failed pods that are needed until another one of their index is there. In a namespace that is going none will be, and it waits for them. */
function keptFailures(view: View, facts: JobFacts): ReadonlySet<JobPod> {
  const last = lastFailures(facts);
  if (last.size === 0) return NONE;
  const namespace = view.get(`namespaces/${facts.job.metadata.namespace ?? ""}`);
  return namespace?.metadata.deletionTimestamp === undefined ? new Set(last.values()) : NONE;
}

function plannedPods(view: View, facts: JobFacts, now_ms: number, mayMake: boolean): PodPlan {
  const plan = planPods(view, facts, now_ms);
  return mayMake || plan.births === undefined ? plan : { actions: plan.actions, active: facts.active.length };
}

function factsOf(view: View, job: Job, pods: readonly JobPod[], failures_ms: readonly number[]): JobFacts {
  const { succeeded, failed, uncounted } = tallyOf(view, job, pods, { all: false, done: false, kept: NONE });
  const succeededIndexes = succeededIndexesOf(job, pods);
  return {
    job,
    pods,
    active: pods.filter(({ facts }) => facts.active),
    succeeded: isIndexed(job) ? succeededIndexes.size : succeeded + (uncounted.succeeded?.length ?? 0),
    failed: failed + (uncounted.failed?.length ?? 0),
    succeededIndexes,
    failedIndexes: failedIndexesOf(view, job, pods),
    failures_ms,
  };
}

/** Conditions that are new or become another. */
function conditionChanges(
  { job, pods, active }: JobFacts,
  verdict: JobCondition | undefined,
  tally: Tally,
  now: string,
): readonly JobCondition[] {
  if (verdict === undefined) return job.metadata.deletionTimestamp === undefined ? suspensionOf(job, now) : [];
  if (holding(job, verdict.type) === undefined) return [verdict];
  const isWaiting = active.length > 0 || pods.some(isTerminating) || tally.letGo.length > 0 || Object.keys(tally.uncounted).length > 0;
  if (isWaiting) return [];
  const { reason = "", message = "" } = verdict;
  return [condition(verdict.type === "FailureTarget" ? "Failed" : "Complete", reason, message, now)];
}

function suspensionOf(job: Job, now: string): readonly JobCondition[] {
  const current = job.status?.conditions?.find(({ type }) => type === "Suspended")?.status ?? "False";
  if (job.spec.suspend === true) return current === "True" ? [] : [condition("Suspended", "JobSuspended", "Job suspended", now)];
  return current === "True" ? [condition("Suspended", "JobResumed", "Job resumed", now, "False")] : [];
}

/** The Events that go with a condition, if any. */
function notesOf(job: Job, { type, status, reason = "", message = "" }: JobCondition): readonly Note[] {
  const about = regarding(JobKind, job);
  switch (type) {
    case "Suspended":
      return [normal(about, status === "True" ? "Suspended" : "Resumed", message)];
    case "Complete": {
      const isTooMany = job.spec.completions !== undefined && (job.status?.succeeded ?? 0) > job.spec.completions;
      const tooMany = warning(about, "TooManySucceededPods", "Too many succeeded pods running after completion count reached");
      return [...(isTooMany ? [tooMany] : []), normal(about, "Completed", "Job completed")];
    }
    case "Failed":
      return [warning(about, reason, message)];
    default:
      return [];
  }
}

function nextStatus(facts: JobFacts, active: number, tally: Tally, changes: readonly JobCondition[], now: string): JobStatus {
  const { job, pods, succeededIndexes, failedIndexes } = facts;
  const changed = new Set(changes.map(({ type }) => type));
  const conditions = [...(job.status?.conditions ?? []).filter(({ type }) => !changed.has(type)), ...changes];
  // Its time does not run while it is suspended, and begins anew after that.
  const isResumed = changes.some(({ type, status }) => type === "Suspended" && status === "False");
  const startTime = isResumed ? now : (job.status?.startTime ?? (job.spec.suspend === true ? undefined : now));
  const succeeded = isIndexed(job) ? succeededIndexes.size : tally.succeeded;
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(changed.has("Complete") ? { completionTime: now } : {}),
    ...(active === 0 ? {} : { active }),
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(tally.failed === 0 ? {} : { failed: tally.failed }),
    terminating: pods.filter(isTerminating).length,
    ...(succeededIndexes.size === 0 ? {} : { completedIndexes: succeededIndexes.toString() }),
    ...(job.spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: failedIndexes.toString() }),
    uncountedTerminatedPods: tally.uncounted,
    ready: facts.active.filter((pod) => pod.facts.ready).length,
  };
}
