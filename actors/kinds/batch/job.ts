import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { makerWarnings } from "../core/pod-warnings.ts";
import { defineKind } from "../define-kind.ts";
import type { Job } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, humanDuration, NAME_COLUMN, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { generateSelector } from "./job-labels.ts";
import { validateJobStatus } from "./job-status.ts";
import { validateJob, validateJobUpdate } from "./job-validation.ts";
import { jobWarnings } from "./job-warnings.ts";

const BACKOFF_LIMIT = 6;
const INT32_MAX = 2 ** 31 - 1;

/** Source: SetDefaults_Job. */
function applyDefaults(job: Job): void {
  const { spec } = job;
  if (spec === undefined) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : INT32_MAX;
  spec.completionMode ||= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const one of rule.onPodConditions ?? []) one.status ||= "True";
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && Object.keys(job.metadata.labels ?? {}).length === 0) {
    // The same map, not a copy of it: what the template's gets later is the job's as well. So it is in Kubernetes.
    Object.assign(job, { metadata: { ...job.metadata, labels } });
  }
}

/** What a job is up to, by the first that holds of the conditions that end it. Source: printJob. */
function statusOf(job: Job): string {
  const holds = (type: string): boolean =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(holds) ?? "Running";
}

function completionsOf({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationOf({ status }: Job, now_ms: number): string {
  if (!status?.startTime) return "";
  const end_ms = status.completionTime ? Date.parse(status.completionTime) : now_ms;
  return humanDuration(end_ms - Date.parse(status.startTime));
}

export const JobKind: Kind<Job> = defineKind<Job>({
  group: "batch",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  namespaced: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults,
  prepareForCreate: (job) => {
    job.status = {};
    const sharesLabels = job.metadata.labels !== undefined && job.metadata.labels === job.spec.template?.metadata?.labels;
    generateSelector(job);
    const labels = job.spec.template?.metadata?.labels;
    // A job without labels of its own has those of its template, also the ones that it just got.
    if (labels !== undefined && (sharesLabels || Object.keys(job.metadata.labels ?? {}).length === 0)) {
      Object.assign(job, { metadata: { ...job.metadata, labels: { ...labels } } });
    }
  },
  prepareForUpdate: (next, current) => {
    next.status = current.status ?? {};
  },
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  validateStatus: validateJobStatus,
  warnings: (next, current) => makerWarnings(next, current, () => jobWarnings(next.spec, "spec")),
  columns: [
    NAME_COLUMN,
    column("Status", "What the job is up to"),
    column("Completions", "How many pods have succeeded, of how many"),
    column("Duration", "How long it ran"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
    wideColumn("Selector", "The labels of the pods"),
  ],
  cells: (job, now_ms) => [
    job.metadata.name,
    statusOf(job),
    completionsOf(job),
    durationOf(job, now_ms),
    ageOf(job, now_ms),
    ...containerCells(job.spec.template),
    formatLabelSelector(job.spec.selector),
  ],
  selectableFields: { "status.successful": (job) => String(job.status?.succeeded ?? 0) },
});
