import { CronJobKind } from "../../kinds/batch/cron-job.ts";
import { JobKind } from "../../kinds/batch/job.ts";
import type { CronJob, CronJobStatus, Job, ObjectReference } from "../../kinds/generated/types.ts";
import { apiVersionOf } from "../../kinds/kind.ts";
import { CronError, type CronSchedule, parseCron } from "../../kinds/machinery/cron.ts";
import { nextTime_ms } from "../../kinds/machinery/cron-times.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Key } from "../../store/transaction.ts";
import type { Entry, View } from "../../store/view.ts";
import { anyKind, create, newMeta, normal, regarding, remove, updateStatus, warning } from "../actions.ts";
import { type Action, type Controller, NOTHING, type Write } from "../controller.ts";
import { controlledBy, controllerIndex, controllerReference, watchOwned } from "../ownership.ts";
import { missedStart } from "./cronjob-starts.ts";
import { holding, isFinished } from "./job-conditions.ts";

const CRON_JOBS = "cronjobs.batch";
const JOBS = "jobs.batch";
const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";
const MINUTE_MS = 60_000;

/** The schedule that each cron job was seen to have, by its key. */
type Schedules = Map<Key, string>;

/** Makes a Job at each time of a schedule. Source: pkg/controller/cronjob. */
export function cronJobController(): Controller {
  const schedules: Schedules = new Map();
  return {
    name: "cronjob",
    component: "cronjob-controller",
    kind: anyKind(CronJobKind),
    indexes: [controllerIndex(JOBS)],
    watches: [
      { resource: CRON_JOBS, keys: ({ now, before }) => [(now ?? (before as Entry)).key] },
      watchOwned(CronJobKind, CRON_JOBS, JOBS),
    ],
    reconcile: (view, key, now_ms) => reconcile(schedules, view, key, now_ms),
  };
}

function reconcile(schedules: Schedules, view: View, key: string, now_ms: number): readonly Action[] {
  const cron = view.get<CronJob>(key);
  if (cron === undefined) {
    schedules.delete(key);
    return NOTHING;
  }
  const jobs = controlledBy(view, JOBS, cron.metadata.uid).map((entry) => view.decode<Job>(entry));
  const tooOld = beyondHistory(cron, jobs);
  const kept = followJobs(view, withoutActive(cron, tooOld), jobs);
  const actions: Action[] = [...tooOld.map((job) => removal(cron, job)), ...kept.actions];
  const isNew = isRescheduled(schedules, key, cron);
  const start = mayStart(cron) ? startOf(view, cron, kept.status, jobs, now_ms, isNew) : undefined;
  const status = start?.status ?? kept.status;
  actions.push(...unexpected(cron, jobs, [...(kept.status.active ?? []), ...(status.active ?? [])]));
  if (!semanticEqual(status, cron.status ?? {})) actions.push(updateStatus(CronJobKind, cron, status));
  return [...actions, ...(start?.actions ?? NOTHING)];
}

function mayStart({ metadata, spec }: CronJob): boolean {
  return metadata.deletionTimestamp === undefined && spec.suspend !== true;
}

/** Whether its schedule is another than it was when it was looked at last. */
function isRescheduled(schedules: Schedules, key: Key, { spec }: CronJob): boolean {
  const schedule = `${spec.timeZone ?? ""} ${spec.schedule}`;
  const before = schedules.get(key);
  schedules.set(key, schedule);
  return before !== undefined && before !== schedule;
}

/** Jobs of its own that run and that it did not start, as those that somebody has made from its template. */
function unexpected(cron: CronJob, jobs: readonly Job[], active: readonly ObjectReference[]): readonly Action[] {
  const about = regarding(CronJobKind, cron);
  return jobs
    .filter((job) => !isFinished(job) && !active.some(({ uid }) => uid === job.metadata.uid))
    .map(({ metadata }) => {
      const message = `Saw a job that the controller did not create or forgot: ${metadata.name}`;
      return { do: "event", note: warning(about, "UnexpectedJob", message) };
    });
}

/** A copy whose list of active jobs does without these, which are given up: nothing is said of what became of them. */
function withoutActive(cron: CronJob, jobs: readonly Job[]): CronJob {
  const active = (cron.status?.active ?? []).filter(({ uid }) => !jobs.some(({ metadata }) => metadata.uid === uid));
  return { ...cron, status: statusWith(cron.status ?? {}, active) };
}

function statusWith({ active: _active, ...rest }: CronJobStatus, active: ObjectReference[]): CronJobStatus {
  return { ...(active.length === 0 ? {} : { active }), ...rest };
}

/** The list of active jobs without those that ended or are gone, and the last success. */
function followJobs(
  view: View,
  cron: CronJob,
  jobs: readonly Job[],
): { readonly status: CronJobStatus; readonly actions: readonly Action[] } {
  const about = regarding(CronJobKind, cron);
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  const actions: Action[] = [];
  let lastSuccessfulTime = cron.status?.lastSuccessfulTime;
  const active = (cron.status?.active ?? []).filter(({ uid = "", name }) => {
    const job = byUid.get(uid);
    // One that has another owner by now is waited for as long as it is there.
    if (job === undefined && view.entry(keyOfJob(cron, name)) !== undefined) return true;
    if (job === undefined) {
      actions.push({ do: "event", note: normal(about, "MissingJob", `Active job went missing: ${name}`) });
      return false;
    }
    if (!isFinished(job)) return true;
    const type = (holding(job, "Complete") ?? holding(job, "Failed"))?.type;
    actions.push({ do: "event", note: normal(about, "SawCompletedJob", `Saw completed job: ${name}, condition: ${type}`) });
    return false;
  });
  for (const { status } of jobs) {
    const at = status?.completionTime;
    if (at !== undefined && (lastSuccessfulTime === undefined || Date.parse(at) > Date.parse(lastSuccessfulTime))) lastSuccessfulTime = at;
  }
  const { lastScheduleTime } = cron.status ?? {};
  return {
    status: {
      ...(active.length === 0 ? {} : { active }),
      ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
      ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    },
    actions,
  };
}

/** The oldest finished jobs that are more than wanted. Source: cleanupFinishedJobs. */
function beyondHistory(cron: CronJob, jobs: readonly Job[]): readonly Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cron.spec;
  const ended = (type: string): readonly Job[] =>
    jobs.filter((job) => job.metadata.deletionTimestamp === undefined && holding(job, type) !== undefined).sort(byStart);
  const beyond = (all: readonly Job[], limit: number | undefined): readonly Job[] =>
    limit === undefined ? [] : all.slice(0, Math.max(0, all.length - limit));
  return [...beyond(ended("Complete"), successfulJobsHistoryLimit), ...beyond(ended("Failed"), failedJobsHistoryLimit)];
}

/** By when they began, those that never did last; by name where that is the same. Source: byJobStartTime. */
function byStart(one: Job, other: Job): number {
  const [a, b] = [one, other].map(({ status }) => status?.startTime ?? "9");
  if (a === b) return one.metadata.name < other.metadata.name ? -1 : 1;
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function removal(cron: CronJob, job: Job): Write {
  const about = regarding(CronJobKind, cron);
  return remove(
    JobKind,
    job,
    { propagationPolicy: "Background" },
    {
      done: normal(about, "SuccessfulDelete", "Deleted job {name}"),
      refused: warning(about, "FailedDelete", "Deleted job: {error}"),
    },
  );
}

interface Start {
  readonly status: CronJobStatus;
  readonly actions: readonly Action[];
}

function startOf(view: View, cron: CronJob, status: CronJobStatus, jobs: readonly Job[], now_ms: number, isNew: boolean): Start {
  const about = regarding(CronJobKind, cron);
  let schedule: CronSchedule;
  try {
    schedule = parseCron(cron.spec.schedule);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    const message = `unparseable schedule: ${JSON.stringify(cron.spec.schedule)} : ${error.message}`;
    return { status, actions: [{ do: "event", note: warning(about, "UnparseableSchedule", message) }] };
  }
  const zone = cron.spec.timeZone ?? "UTC";
  const next_ms = nextTime_ms(schedule, now_ms, zone);
  const later: readonly Action[] = next_ms === undefined ? NOTHING : [{ do: "requeue", after_ms: Math.max(1, next_ms - now_ms) }];
  const missed = missedStart(cron, schedule, zone, now_ms);
  if (missed === undefined) {
    const message = `invalid schedule: ${cron.spec.schedule} : time difference between two schedules is less than 1 second`;
    return { status, actions: [{ do: "event", note: warning(about, "InvalidSchedule", message) }] };
  }
  const { at_ms, tooMany } = missed;
  // What a schedule would have started before it came to be is not made up for.
  if (isNew || at_ms === undefined) return { status, actions: later };
  const notes: Action[] = tooMany
    ? [
        {
          do: "event",
          note: warning(
            about,
            "TooManyMissedTimes",
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
          ),
        },
      ]
    : [];
  const deadline = cron.spec.startingDeadlineSeconds;
  if (deadline !== undefined && at_ms + deadline * 1_000 < now_ms) {
    const message = `Missed scheduled time to start a job: ${rfc1123(at_ms)}`;
    return { status, actions: [...notes, { do: "event", note: warning(about, "MissSchedule", message) }, ...later] };
  }
  const name = jobName(cron, at_ms);
  const { active = [] } = status;
  const made = jobs.find(({ metadata }) => metadata.name === name);
  if (made !== undefined && !active.some((one) => one.name === name)) {
    return {
      status: { ...statusWith(status, [...active, referenceTo(made)]), lastScheduleTime: timestamp(at_ms) },
      actions: later,
    };
  }
  // It was seen to, or somebody else has a job of the name.
  if (view.entry(keyOfJob(cron, name)) !== undefined) return { status, actions: [...notes, ...later] };
  const running = jobs.filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid));
  if (cron.spec.concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return { status, actions: [...notes, { do: "event", note: normal(about, "JobAlreadyActive", message) }, ...later] };
  }
  const replaced = cron.spec.concurrencyPolicy === "Replace" ? running : [];
  const creation = create(JobKind, newJob(cron, at_ms, zone), {
    done: normal(about, "SuccessfulCreate", "Created job {name}"),
    refused: warning(about, "FailedCreate", "Error creating job: {error}"),
  });
  const left = active.filter(({ uid }) => !replaced.some(({ metadata }) => metadata.uid === uid));
  const steps = [...replaced.map((job) => removal(cron, job)), creation];
  return { status: statusWith(status, left), actions: [...notes, { do: "inOrder", steps }, ...later] };
}

function keyOfJob({ metadata: { namespace = "" } }: CronJob, name: string | undefined): Key {
  return `${JOBS}/${namespace}/${name ?? ""}`;
}

/** The same for the same time, so that no time is started twice. */
function jobName(cron: CronJob, at_ms: number): string {
  return `${cron.metadata.name}-${Math.floor(at_ms / MINUTE_MS)}`;
}

function referenceTo({ metadata: { name, namespace = "", uid, resourceVersion = "" } }: Job): ObjectReference {
  return { apiVersion: apiVersionOf(JobKind), kind: JobKind.kind, name, namespace, uid, resourceVersion };
}

/** Source: getJobFromTemplate2. */
function newJob(cron: CronJob, at_ms: number, zone: string): Job {
  const { metadata, spec } = cron.spec.jobTemplate;
  return structuredClone({
    metadata: newMeta({
      name: jobName(cron, at_ms),
      namespace: cron.metadata.namespace ?? "",
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [SCHEDULED_AT]: inZone(at_ms, zone) },
      ownerReferences: [controllerReference(CronJobKind, cron)],
    }),
    spec,
  });
}

/** RFC 3339 with the zone's offset; a `Z` for UTC. */
function inZone(at_ms: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at_ms);
  const offset = parts.find(({ type }) => type === "timeZoneName")?.value.slice("GMT".length) ?? "";
  if (offset === "") return timestamp(at_ms);
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d+):(\d+)/.exec(offset) ?? [];
  const shift_ms = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return `${new Date(at_ms + shift_ms).toISOString().slice(0, -5)}${offset}`;
}

/** `Mon, 02 Jan 2006 15:04:05 +0000`. */
function rfc1123(at_ms: number): string {
  return new Date(at_ms).toUTCString().replace("GMT", "+0000");
}
