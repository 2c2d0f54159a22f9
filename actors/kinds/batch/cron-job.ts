import { printableSelector } from "../apps/replica-template.ts";
import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { makerWarnings } from "../core/pod-warnings.ts";
import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { nonNegative, requiredOneOf } from "../field-rules.ts";
import type { CronJob, CronJobSpec } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { CronError, parseCron } from "../machinery/cron.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE, printedFlag, since, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateJobTemplate } from "./job-validation.ts";
import { jobWarnings } from "./job-warnings.ts";

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

function validateSchedule({ schedule = "", timeZone }: CronJobSpec, current: CronJobSpec | undefined): FieldError[] {
  const field = "spec.schedule";
  if (schedule === "") return [required(field)];
  const errors: FieldError[] = [];
  try {
    // The form of cron has a zone of its own, though it may not be used here.
    parseCron(schedule.replace(/^(CRON_)?TZ=\S* +/, ""));
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    errors.push(invalid(field, schedule, error.message));
  }
  if (!schedule.includes("TZ")) return errors;
  if (current?.schedule?.includes("TZ") !== true) {
    errors.push(invalid(field, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
  } else if (timeZone !== undefined) {
    errors.push(invalid(field, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"));
  }
  return errors;
}

function validateTimeZone(zone: string | undefined): FieldError[] {
  if (zone === undefined) return [];
  const field = "spec.timeZone";
  if (zone === "") return [invalid(field, zone, "timeZone must be nil or non-empty string")];
  const parts = zone.split("/");
  if (parts.some((part) => part === "." || part === ".." || part.startsWith("-") || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part))) {
    return [invalid(field, zone, `unknown time zone ${zone}`)];
  }
  // Go knows this one.
  if (zone === "Local" || zone.toLowerCase() === "local") {
    const words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    const unknown = zone === "Local" ? [] : [invalid(field, zone, `unknown time zone ${zone}`)];
    return [invalid(field, zone, words), ...unknown];
  }
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return [];
  } catch {
    return [invalid(field, zone, `unknown time zone ${zone}`)];
  }
}

/** `current`: what an update replaces; its name, and the time zone that it keeps, are not looked at again. */
function validate({ metadata, spec }: CronJob, current: CronJob | undefined): FieldError[] {
  const template = spec.jobTemplate?.spec;
  const errors = [
    ...validateSchedule(spec, current?.spec),
    ...nonNegative(spec.startingDeadlineSeconds, "spec.startingDeadlineSeconds"),
    ...(current !== undefined && current.spec.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone)),
    ...requiredOneOf(spec.concurrencyPolicy, POLICIES, "spec.concurrencyPolicy"),
    ...validateJobTemplate(template, "spec.jobTemplate.spec"),
  ];
  if (template.selector !== undefined) {
    const shown = printableSelector(template.selector);
    errors.push(invalid("spec.jobTemplate.spec.selector", shown, "`selector` will be auto-generated"));
  }
  if (template.manualSelector === true) errors.push(notSupported("spec.jobTemplate.spec.manualSelector", true, ["nil", "false"]));
  for (const name of ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] as const) {
    errors.push(...nonNegative(spec[name], `spec.${name}`));
  }
  if (current === undefined && metadata.name.length > NAME_CHARS_MAX) {
    errors.push(invalid("metadata.name", metadata.name, `must be no more than ${NAME_CHARS_MAX} characters`));
  }
  return errors;
}

const ZONE_WORDS =
  "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";

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
  nameRule: dnsSubdomain,
  validate,
  warnings: (next, current) => [
    ...makerWarnings(next, current, () => jobWarnings(next.spec.jobTemplate.spec, "spec.jobTemplate.spec")),
    ...(current !== undefined && next.spec.schedule.includes("TZ") ? [ZONE_WORDS] : []),
  ],
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
