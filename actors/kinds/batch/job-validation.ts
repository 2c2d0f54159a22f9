/** The rules for jobs, alone and as a template of a CronJob. Source: pkg/apis/batch/validation of Kubernetes 1.34. */

import { printableSelector, sortedMap, validateTemplateLabels } from "../apps/replica-template.ts";
import { validatePodTemplate } from "../core/pod-validation.ts";
import { duplicate, invalid, invalidAltogether, notSupported, required, tooLong, tooMany } from "../field-error.ts";
import { domainPrefixedPath, immutable, nonNegative, oneOf } from "../field-rules.ts";
import type {
  Job,
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
  PodTemplateSpec,
  SuccessPolicyRule,
} from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { matchesLabels, selectorOf, validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsLabel, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { readIndexes } from "./job-indexes.ts";
import { jobLabels } from "./job-labels.ts";

const INDEXED_PARALLELISM_MAX = 100_000;
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const FAILED_INDEXES_MAX = 100_000;
const MANAGER_BYTES_MAX = 63;
const INDEXES_BYTES_MAX: number = 64 * 1_024;
const STATUSES: readonly string[] = ["False", "True", "Unknown"];
const MODES: readonly string[] = ["NonIndexed", "Indexed"];
const ACTIONS: readonly string[] = ["Count", "FailIndex", "FailJob", "Ignore"];
const EXIT_OPERATORS: readonly string[] = ["In", "NotIn"];

const COUNTS = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
] as const;

/** Everything but the selector, which a template has not. */
export function validateJobTemplate(spec: JobSpec, field: string): FieldError[] {
  const errors = COUNTS.flatMap((name) => nonNegative(spec[name], `${field}.${name}`));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  }
  errors.push(
    ...validateManager(spec.managedBy, `${field}.managedBy`),
    ...validateMode(spec, field),
    ...validateFailurePolicy(spec, `${field}.podFailurePolicy`),
    ...validateSuccessPolicy(spec, `${field}.successPolicy`),
    ...validateReplacement(spec, `${field}.podReplacementPolicy`),
    ...validatePodTemplate(spec.template, `${field}.template`),
    ...validateRestartPolicy(spec, `${field}.template.spec.restartPolicy`),
  );
  return errors;
}

/** Of jobs with this many completions, and limits for each index, less is allowed otherwise. */
const COMPLETIONS_MANY = 100_000;
const PARALLELISM_OF_MANY_MAX = 10_000;
const FAILED_OF_MANY_MAX = 10_000;

function validateMode(spec: JobSpec, field: string): FieldError[] {
  const { completionMode: mode = "NonIndexed", completions, parallelism, backoffLimitPerIndex, maxFailedIndexes: failed } = spec;
  const errors = oneOf(mode, MODES, `${field}.completionMode`);
  if (mode === "NonIndexed") {
    const words = "requires indexed completion mode";
    if (backoffLimitPerIndex !== undefined) errors.push(invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, words));
    if (failed !== undefined) errors.push(invalid(`${field}.maxFailedIndexes`, failed, words));
  }
  if (mode !== "Indexed") return errors;
  const atMost = (name: "parallelism" | "maxFailedIndexes", most: number, words: string): void => {
    const value = spec[name];
    if (value !== undefined && value > most) errors.push(invalid(`${field}.${name}`, value, `must be less than or equal to ${words}`));
  };
  if (completions === undefined) errors.push(required(`${field}.completions`, "when completion mode is Indexed"));
  atMost("parallelism", INDEXED_PARALLELISM_MAX, `${INDEXED_PARALLELISM_MAX} when completion mode is Indexed`);
  if (completions !== undefined) atMost("maxFailedIndexes", completions, "completions");
  atMost("maxFailedIndexes", FAILED_INDEXES_MAX, String(FAILED_INDEXES_MAX));
  if (completions === undefined || completions <= COMPLETIONS_MANY || backoffLimitPerIndex === undefined) return errors;
  if (failed === undefined) {
    errors.push(required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${COMPLETIONS_MANY}`));
  }
  const words = `when completions are above ${COMPLETIONS_MANY} and used with backoff limit per index`;
  if (parallelism !== undefined) atMost("parallelism", PARALLELISM_OF_MANY_MAX, `${PARALLELISM_OF_MANY_MAX} ${words}`);
  atMost("maxFailedIndexes", FAILED_OF_MANY_MAX, `${FAILED_OF_MANY_MAX} ${words}`);
  return errors;
}

function validateManager(name: string | undefined, field: string): FieldError[] {
  if (name === undefined) return [];
  const errors = domainPrefixedPath(name, field);
  return name.length > MANAGER_BYTES_MAX ? [...errors, tooLong(field, MANAGER_BYTES_MAX)] : errors;
}

function validateFailurePolicy(spec: JobSpec, field: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const many = rules.length > RULES_MAX ? [tooMany(`${field}.rules`, rules.length, RULES_MAX)] : [];
  return [...many, ...rules.flatMap((rule, index) => validateRule(rule, spec, `${field}.rules[${index}]`))];
}

const quoted = (names: readonly string[]): string => `valid values: [${names.map((name) => JSON.stringify(name)).join(" ")}]`;

function validateRule(rule: PodFailurePolicyRule, spec: JobSpec, field: string): FieldError[] {
  const { action = "", onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [];
  if (action === "") errors.push(required(`${field}.action`, quoted(ACTIONS)));
  else if (!ACTIONS.includes(action)) errors.push(notSupported(`${field}.action`, action, ACTIONS));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalid(`${field}.action`, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (onExitCodes !== undefined) errors.push(...validateExitCodes(onExitCodes, spec.template, `${field}.onExitCodes`));
  if (onPodConditions.length > RULES_MAX) errors.push(tooMany(`${field}.onPodConditions`, onPodConditions.length, RULES_MAX));
  for (const [index, { type = "", status = "" }] of onPodConditions.entries()) {
    const path = `${field}.onPodConditions[${index}]`;
    errors.push(...qualifiedName(type).map((message) => invalid(`${path}.type`, type, message)));
    errors.push(...(status === "" ? [required(`${path}.status`, quoted(STATUSES))] : oneOf(status, STATUSES, `${path}.status`)));
  }
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    errors.push(invalidAltogether(field, "specifying both OnExitCodes and OnPodConditions is not supported"));
  } else if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.push(invalidAltogether(field, "specifying one of OnExitCodes and OnPodConditions is required"));
  }
  return errors;
}

function validateExitCodes(
  { operator = "", containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  { spec }: PodTemplateSpec,
  field: string,
): FieldError[] {
  const path = `${field}.operator`;
  const errors = operator === "" ? [required(path, quoted(EXIT_OPERATORS))] : oneOf(operator, EXIT_OPERATORS, path);
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  if (containerName !== undefined && !containers.some(({ name }) => name === containerName)) {
    const words = "must be one of the container or initContainer names in the pod template";
    errors.push(invalid(`${field}.containerName`, containerName, words));
  }
  if (values.length === 0) errors.push(invalid(`${field}.values`, null, "at least one value is required"));
  else if (values.length > EXIT_CODES_MAX) errors.push(tooMany(`${field}.values`, values.length, EXIT_CODES_MAX));
  for (const [index, value] of values.entries()) {
    const at = `${field}.values[${index}]`;
    if (operator === "In" && value === 0) errors.push(invalid(at, value, "must not be 0 for the In operator"));
    if (values.indexOf(value) < index) errors.push(duplicate(at, value));
  }
  const ordered = values.every((value, index) => index === 0 || (values[index - 1] ?? value) <= value);
  return ordered ? errors : [...errors, invalid(`${field}.values`, values, "must be ordered")];
}

function validateSuccessPolicy({ successPolicy, completionMode, completions = 0 }: JobSpec, field: string): FieldError[] {
  if (successPolicy === undefined) return [];
  if (completionMode !== "Indexed") {
    return [invalid(field, internalForm("SuccessPolicy", successPolicy), "requires indexed completion mode")];
  }
  const { rules = [] } = successPolicy;
  const errors: FieldError[] = [];
  if (rules.length === 0)
    errors.push(required(`${field}.rules`, "at least one rules must be specified when the successPolicy is specified"));
  if (rules.length > RULES_MAX) errors.push(tooMany(`${field}.rules`, rules.length, RULES_MAX));
  return [...errors, ...rules.flatMap((rule, index) => validateSuccessRule(rule, completions, `${field}.rules[${index}]`))];
}

function validateSuccessRule(
  { succeededCount: count, succeededIndexes: indexes }: SuccessPolicyRule,
  completions: number,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined) {
    errors.push(required(field, "at least one of succeededCount or succeededIndexes must be specified"));
  }
  let total = 0;
  if (indexes !== undefined) {
    const path = `${field}.succeededIndexes`;
    if (indexes.length > INDEXES_BYTES_MAX) errors.push(tooLong(path, INDEXES_BYTES_MAX));
    const read = readIndexes(indexes, completions);
    if ("problem" in read) errors.push(invalid(path, indexes, `error parsing succeededIndexes: ${read.problem}`));
    else total = read.count;
  }
  if (count === undefined) return errors;
  const path = `${field}.succeededCount`;
  errors.push(...nonNegative(count, path));
  if (count > completions) {
    errors.push(invalid(path, count, `must be less than or equal to ${completions} (the number of specified completions)`));
  }
  if (indexes !== undefined && count > total) {
    const words = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(invalid(path, count, words));
  }
  return errors;
}

function validateReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const supported = podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  return policy === undefined || supported.includes(policy) ? [] : [notSupported(field, policy, supported)];
}

/** A pod's own default, Always, is none for a job. */
function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const policy = template.spec?.restartPolicy ?? "";
  if (policy === "" || policy === "Always") return [required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== "OnFailure" && policy !== "Never") return [notSupported(field, policy, ["OnFailure", "Never"])];
  if (podFailurePolicy === undefined || policy === "Never") return [];
  return [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

function validateJobSpec(spec: JobSpec): FieldError[] {
  const { selector, template } = spec;
  const wrong = validateLabelSelector(selector, "spec.selector");
  const errors = [...validateJobTemplate(spec, "spec"), ...(selector === undefined ? [required("spec.selector")] : wrong)];
  return wrong.length > 0 ? errors : [...errors, ...validateTemplateLabels(selector, template)];
}

export function validateJob(job: Job): FieldError[] {
  const { metadata, spec } = job;
  const errors = [...validateGeneratedSelector(job), ...validateJobSpec(spec)];
  if (spec.completionMode !== "Indexed" || (spec.completions ?? 0) <= 0) return errors;
  const last = `${metadata.name}-${(spec.completions ?? 0) - 1}`;
  if (dnsLabel(last).length === 0) return errors;
  return [...errors, invalid("metadata.name", metadata.name, `will not able to create pod with invalid DNS label: ${last}`)];
}

/** The labels of a generated selector must be what was generated. */
function validateGeneratedSelector(job: Job): FieldError[] {
  const { spec } = job;
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const labels = spec.template.metadata?.labels ?? {};
  const expected = jobLabels(job);
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(expected)) {
    const field = "spec.template.metadata.labels";
    if (labels[key] === undefined) errors.push(required(`${field}[${key}]`, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalid(`${field}[${key}]`, sortedMap(labels), `must be '${value}'`));
  }
  if (!matchesLabels(selectorOf(spec.selector), expected)) {
    errors.push(invalid("spec.selector", printableSelector(spec.selector), "`selector` not auto-generated"));
  }
  return errors;
}

/** Where a job's pods go may change as long as it has not begun. Source: validatePodTemplateUpdate. */
function withPlacementOf(template: PodTemplateSpec, next: PodTemplateSpec): object {
  const { affinity, nodeSelector: _nodes, tolerations: _tolerations, schedulingGates: _gates, ...spec } = template.spec ?? {};
  const { annotations: _annotations, labels: _labels, ...metadata } = template.metadata ?? {};
  const { nodeAffinity: _nodeAffinity, ...others } = affinity ?? {};
  const { nodeSelector, tolerations, schedulingGates } = next.spec ?? {};
  const nodeAffinity = next.spec?.affinity?.nodeAffinity;
  const { annotations, labels } = next.metadata ?? {};
  const placed = nodeAffinity === undefined ? others : { ...others, nodeAffinity };
  const placement = { affinity: placed, nodeSelector, tolerations, schedulingGates };
  return { metadata: { ...metadata, annotations, labels }, spec: { ...spec, ...placement } };
}

/** How many it takes may change for an indexed job, with how many run at once. */
function validateCompletionsUpdate({ completionMode, completions, parallelism }: JobSpec, old: JobSpec): FieldError[] {
  const field = "spec.completions";
  if (completionMode !== "Indexed") return immutable(completions, old.completions, field);
  if (completions === old.completions || completions === undefined || completions === parallelism) return [];
  return [invalid(field, completions, "can only be modified in tandem with spec.parallelism")];
}

/** The spec is looked at once more, beside what may not change. Source: ValidateJobSpecUpdate. */
export function validateJobUpdate(next: Job, current: Job): FieldError[] {
  const [spec, old] = [next.spec, current.spec];
  const waits = old.suspend === true && current.status?.startTime === undefined;
  const before = waits ? withPlacementOf(old.template, spec.template) : old.template;
  return [
    ...validateJobSpec(spec),
    ...validateCompletionsUpdate(spec, old),
    ...immutable(spec.selector, old.selector, "spec.selector", "LabelSelector"),
    ...immutable(spec.template, before, "spec.template", "PodTemplateSpec"),
    ...immutable(spec.completionMode, old.completionMode, "spec.completionMode"),
    ...immutable(spec.podFailurePolicy, old.podFailurePolicy, "spec.podFailurePolicy", "PodFailurePolicy"),
    ...immutable(spec.backoffLimitPerIndex, old.backoffLimitPerIndex, "spec.backoffLimitPerIndex"),
    ...immutable(spec.managedBy, old.managedBy, "spec.managedBy"),
    ...immutable(spec.successPolicy, old.successPolicy, "spec.successPolicy", "SuccessPolicy"),
  ];
}
