/**
 * How the status of a job may change, whoever runs it: what is over stays so, and is over for a reason. What was wrong before and is as it
 * was is let through. Source: validateJobStatus, ValidateJobUpdateStatus and getStatusValidationOptions of Kubernetes 1.34.
 */
import { duplicate, invalid, invalidAltogether, required } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { Job, JobStatus } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { semanticEqual } from "../machinery/equal.ts";
import type { FieldError } from "../status.ts";
import { firstInBoth, readIndexes } from "./job-indexes.ts";

const COUNTS = ["active", "succeeded", "failed", "ready", "terminating"] as const;
const CONDITIONS = "status.conditions";

function holds({ status }: Job, type: string, value = "True"): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === value) === true;
}

function isFinished(job: Job): boolean {
  return holds(job, "Complete") || holds(job, "Failed");
}

function validateUncounted({ uncountedTerminatedPods: pods }: JobStatus): FieldError[] {
  const seen = new Set<string>();
  return (["succeeded", "failed"] as const).flatMap((name) =>
    (pods?.[name] ?? []).flatMap((uid, index) => {
      const field = `status.uncountedTerminatedPods.${name}[${index}]`;
      if (uid === "") return [invalid(field, uid, "must not be empty")];
      if (seen.has(uid)) return [duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** What of two jobs differs, by the names that the rules ask for. */
class Changes {
  readonly #next: Job;
  readonly #current: Job;

  constructor(next: Job, current: Job) {
    this.#next = next;
    this.#current = current;
  }

  field(...names: readonly (keyof JobStatus)[]): boolean {
    return names.some((name) => !semanticEqual(this.#next.status?.[name], this.#current.status?.[name]));
  }

  condition(...types: readonly string[]): boolean {
    return types.some((type) => holds(this.#next, type) !== holds(this.#current, type));
  }

  finish(): boolean {
    return isFinished(this.#next) !== isFinished(this.#current);
  }
}

/** What holds together of what a finished job says. */
function validateEnd(job: Job, changes: Changes): FieldError[] {
  const { spec, status = {} } = job;
  const { startTime, completionTime, active = 0, terminating = 0, uncountedTerminatedPods: uncounted } = status;
  const [complete, failed, finished] = [holds(job, "Complete"), holds(job, "Failed"), isFinished(job)];
  const errors: FieldError[] = [];
  const refuse = (wrong: boolean, error: FieldError): void => {
    if (wrong) errors.push(error);
  };
  const together = (words: string): FieldError => invalidAltogether(CONDITIONS, words);
  const completes = changes.condition("Complete");
  const timed = changes.field("completionTime");
  if (completes || changes.condition("Failed")) refuse(complete && failed, together("cannot set Complete=True and Failed=true conditions"));
  if (completes || changes.condition("FailureTarget")) {
    refuse(complete && holds(job, "FailureTarget"), together("cannot set Complete=True and FailureTarget=true conditions"));
  }
  if (completes || timed) {
    const [field, words] = ["status.completionTime", "cannot set completionTime when there is no Complete=True condition"];
    refuse(completionTime !== undefined && !complete, invalid(field, completionTime, words));
    refuse(completionTime === undefined && complete, required(field, "completionTime is required for Complete jobs"));
  }
  if (timed || changes.field("startTime")) {
    const early = startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime);
    refuse(Boolean(early), invalid("status.completionTime", completionTime, "must be equal to or after `startTime`"));
  }
  if (changes.condition("Failed") || changes.field("failedIndexes")) {
    refuse(failed && !holds(job, "FailureTarget"), together("cannot set Failed=True condition without the FailureTarget=true condition"));
  }
  if (completes || changes.condition("SuccessCriteriaMet")) {
    const words = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
    refuse(complete && !holds(job, "SuccessCriteriaMet"), together(words));
  }
  if (changes.finish() || changes.field("active")) {
    refuse(active > 0 && finished, invalid("status.active", active, "active>0 is invalid for finished job"));
  }
  const nothingToDo = spec.suspend === true && spec.completions === 0;
  if ((changes.finish() || changes.field("startTime")) && !nothingToDo) {
    refuse(startTime === undefined && finished, required("status.startTime", "startTime is required for finished job"));
  }
  if (changes.finish() || changes.field("uncountedTerminatedPods")) {
    const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
    const shown = uncounted === undefined ? null : internalForm("UncountedTerminatedPods", uncounted);
    refuse(finished && left > 0, invalid("status.uncountedTerminatedPods", shown, "must be empty for finished job"));
  }
  errors.push(...validateIndexes(job, changes));
  if (changes.finish() || changes.field("terminating")) {
    refuse(terminating > 0 && finished, invalid("status.terminating", terminating, "terminating>0 is invalid for finished job"));
  }
  return errors;
}

function validateIndexes({ spec, status = {} }: Job, changes: Changes): FieldError[] {
  const { completions = 0, completionMode, backoffLimitPerIndex } = spec;
  const { completedIndexes: completed = "", failedIndexes: failed } = status;
  const errors: FieldError[] = [];
  const [completes, fails] = [changes.field("completedIndexes"), changes.field("failedIndexes")];
  const done = readIndexes(completed, completions);
  const lost = readIndexes(failed ?? "", completions);
  if (completes && spec.completions !== undefined && "problem" in done) {
    errors.push(invalid("status.completedIndexes", completed, `error parsing completedIndexes: ${done.problem}`));
  }
  if (fails && spec.completions !== undefined && backoffLimitPerIndex !== undefined && "problem" in lost) {
    errors.push(invalid("status.failedIndexes", failed, `error parsing failedIndexes: ${lost.problem}`));
  }
  if (completes && completed !== "" && completionMode !== "Indexed") {
    const words = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.push(invalid("status.completedIndexes", completed, words));
  }
  if (fails && backoffLimitPerIndex === undefined && failed !== undefined) {
    errors.push(invalid("status.failedIndexes", failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
  }
  if ((fails || completes) && failed !== undefined && !("problem" in done) && !("problem" in lost)) {
    const both = firstInBoth(done.stretches, lost.stretches);
    if (both !== undefined) {
      errors.push(invalid("status.failedIndexes", failed, `failedIndexes and completedIndexes overlap at index: ${both}`));
    }
  }
  return errors;
}

/** Rules about success, which hold of every status. */
function validateSuccess(job: Job): FieldError[] {
  if (!holds(job, "SuccessCriteriaMet")) {
    const early = job.spec.successPolicy !== undefined && holds(job, "Complete");
    return early
      ? [invalidAltogether(CONDITIONS, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True")]
      : [];
  }
  return ["Failed", "FailureTarget"]
    .filter((type) => holds(job, type))
    .map((type) => invalidAltogether(CONDITIONS, `cannot set SuccessCriteriaMet=True and ${type}=true conditions`));
}

/** What was counted stays counted, and what was decided stays decided. */
function validateSteps(next: Job, current: Job, changes: Changes): FieldError[] {
  const [now, before] = [next.status ?? {}, current.status ?? {}];
  const { completionMode, completions, parallelism, suspend = false } = next.spec;
  const errors: FieldError[] = [];
  for (const type of ["Failed", "Complete", "FailureTarget"]) {
    if (holds(current, type) && !holds(next, type)) {
      errors.push(invalidAltogether(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
    }
  }
  if ((now.failed ?? 0) < (before.failed ?? 0))
    errors.push(invalid("status.failed", now.failed ?? 0, "cannot decrease the failed counter"));
  const elastic = completionMode === "Indexed" && completions === parallelism;
  if (!elastic && (now.succeeded ?? 0) < (before.succeeded ?? 0)) {
    errors.push(invalid("status.succeeded", now.succeeded ?? 0, "cannot decrease the succeeded counter"));
  }
  if (now.completionTime && before.completionTime && now.completionTime !== before.completionTime) {
    errors.push(invalid("status.completionTime", now.completionTime, "field is immutable"));
  }
  const resumes = holds(current, "Suspended") && holds(next, "Suspended", "False");
  if (changes.field("startTime") && !resumes && before.startTime !== undefined && !suspend) {
    errors.push(required("status.startTime", "startTime cannot be removed for unsuspended job"));
  }
  if (holds(current, "SuccessCriteriaMet") && !holds(next, "SuccessCriteriaMet")) {
    errors.push(invalidAltogether(CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition"));
  }
  if (holds(current, "Complete") && !holds(current, "SuccessCriteriaMet") && holds(next, "SuccessCriteriaMet")) {
    errors.push(invalidAltogether(CONDITIONS, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"));
  }
  return errors;
}

export function validateJobStatus(next: Job, current: Job): FieldError[] {
  const { status = {} } = next;
  const changes = new Changes(next, current);
  const errors = COUNTS.flatMap((name) => nonNegative(status[name], `status.${name}`));
  errors.push(...validateUncounted(status), ...validateEnd(next, changes));
  const { ready = 0, active = 0 } = status;
  if (changes.field("ready", "active") && ready > active) {
    errors.push(invalid("status.ready", ready, "cannot set more ready pods than active"));
  }
  return [...errors, ...validateSuccess(next), ...validateSteps(next, current, changes)];
}
