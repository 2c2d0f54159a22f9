import { printableSelector } from "../apps/replica-template.ts";
import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { nonNegative, requiredOneOf } from "../field-rules.ts";
import type { CronJob, CronJobSpec } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { CronError, parseCron } from "../machinery/cron.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE, printedFlag, since, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateJobTemplate } from "./job-validation.ts";

/** The jobs are named after it, with eleven characters more, and a pod after its job. */
const NAME_CHARS_MAX = 52;
const POLICIES: readonly string[] = ["Allow", "Forbid", "Replace"];

/** Source: SetDefaults_CronJob. */
function applyDefaults(job: CronJob): void {
  const { spec } = job;
  if (spec === undefined) return;
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  const template = spec.jobTemplate?.spec?.template;
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

function validateSchedule({ schedule = "", timeZone }: CronJobSpec): FieldError[] {
  if (schedule === "") return [required("spec.schedule")];
  const errors: FieldError[] = [];
  if (schedule.includes("TZ")) {
    errors.push(invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
  } else {
    try {
      parseCron(schedule);
    } catch (error) {
      if (!(error instanceof CronError)) throw error;
      errors.push(invalid("spec.schedule", schedule, error.message));
    }
  }
  if (timeZone !== undefined) errors.push(...validateTimeZone(timeZone));
  return errors;
}

function validateTimeZone(zone: string): FieldError[] {
  const field = "spec.timeZone";
  if (zone === "") return [invalid(field, zone, "timeZone must be nil or non-empty string")];
  if (zone.toLowerCase() === "local") {
    return [invalid(field, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")];
  }
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return [];
  } catch {
    return [invalid(field, zone, `unknown time zone ${zone}`)];
  }
}

function validate(job: CronJob): FieldError[] {
  const { metadata, spec } = job;
  const errors = validateObjectMeta(metadata, true, dnsSubdomain);
  const template = spec.jobTemplate?.spec;
  errors.push(
    ...validateSchedule(spec),
    ...nonNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds"),
    ...requiredOneOf(spec.concurrencyPolicy, POLICIES, "spec.concurrencyPolicy"),
    ...validateJobTemplate(template, "spec.jobTemplate.spec"),
  );
  if (template.selector !== undefined) {
    const shown = printableSelector(template.selector);
    errors.push(invalid("spec.jobTemplate.spec.selector", shown, "`selector` will be auto-generated"));
  }
  if (template.manualSelector === true) errors.push(notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]));
  for (const name of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const) {
    errors.push(...nonNegative(spec[name], `spec.${name}`));
  }
  if ((metadata.name?.length ?? 0) > NAME_CHARS_MAX) {
    errors.push(invalid("metadata.name", metadata.name, `must be no more than ${NAME_CHARS_MAX} characters`));
  }
  return errors;
}

export const CronJobKind: Kind<CronJob> = defineKind<CronJob>({
  group: "batch",
  kind: "CronJob",
  plural: "cronjobs",
  shortNames: ["cj"],
  categories: ["all"],
  namespaced: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults,
  ...statusApart<CronJob>(() => ({})),
  validate,
  columns: [
    NAME_COLUMN,
    column("Schedule", "When jobs are made, in the form of cron"),
    column("Timezone", "Where the schedule's clock stands"),
    column("Suspend", "Whether it waits", "boolean"),
    column("Active", "How many jobs run", "integer"),
    column("Last Schedule", "The time since a job was made last"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
    wideColumn("Selector", "The labels of the pods"),
  ],
  cells: (job, now_ms) => [
    job.metadata.name,
    job.spec.schedule,
    job.spec.timeZone ?? NONE,
    printedFlag(job.spec.suspend),
    job.status?.active?.length ?? 0,
    job.status?.lastScheduleTime ? since(job.status.lastScheduleTime, now_ms) : NONE,
    ageOf(job, now_ms),
    ...containerCells(job.spec.jobTemplate?.spec?.template),
    formatLabelSelector(job.spec.jobTemplate?.spec?.selector),
  ],
});
