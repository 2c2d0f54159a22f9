/** The rules for jobs, alone and as a template of a CronJob. Source: pkg/apis/batch/validation of Kubernetes 1.34. */
import { printableSelector, sortedMap } from "../apps/replica-template.ts";
import { validatePodTemplate } from "../core/pod-validation.ts";
import { invalid, notSupported, required, tooMany } from "../field-error.ts";
import { immutable, nonNegative } from "../field-rules.ts";
import type { Job, JobSpec, PodFailurePolicyRule, PodTemplateSpec } from "../generated/types.ts";
import { matchesLabels, selectorOf, validateLabelSelector } from "../machinery/label-selector.ts";
import { qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { jobLabels } from "./job-labels.ts";

const INDEXED_PARALLELISM_MAX = 100_000;
const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
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
    ...validateMode(spec, field),
    ...validateFailurePolicy(spec, `${field}.podFailurePolicy`),
    ...validateReplacement(spec, `${field}.podReplacementPolicy`),
    ...validatePodTemplate(spec.template, `${field}.template`),
    ...validateRestartPolicy(spec, `${field}.template.spec.restartPolicy`),
  );
  return errors;
}

function validateMode(spec: JobSpec, field: string): FieldError[] {
  const { completionMode: mode, completions, parallelism, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const errors: FieldError[] = [];
  if (mode === undefined) return errors;
  if (!MODES.includes(mode)) errors.push(notSupported(`${field}.completionMode`, mode, MODES));
  if (mode === "Indexed") {
    if (completions === undefined) errors.push(required(`${field}.completions`, "when completion mode is Indexed"));
    if (parallelism !== undefined && parallelism > INDEXED_PARALLELISM_MAX) {
      const words = `must be less than or equal to ${INDEXED_PARALLELISM_MAX} when completion mode is Indexed`;
      errors.push(invalid(`${field}.parallelism`, parallelism, words));
    }
  }
  if (mode === "NonIndexed") {
    const words = "requires indexed completion mode";
    if (backoffLimitPerIndex !== undefined) errors.push(invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, words));
    if (maxFailedIndexes !== undefined) errors.push(invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, words));
  }
  return errors;
}

function validateFailurePolicy(spec: JobSpec, field: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > RULES_MAX) return [tooMany(`${field}.rules`, rules.length, RULES_MAX)];
  return rules.flatMap((rule, index) => validateRule(rule, spec, `${field}.rules[${index}]`));
}

function validateRule(rule: PodFailurePolicyRule, spec: JobSpec, field: string): FieldError[] {
  const { action = "", onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [];
  if (action === "") errors.push(required(`${field}.action`, `valid values: ${JSON.stringify(ACTIONS)}`));
  else if (!ACTIONS.includes(action)) errors.push(notSupported(`${field}.action`, action, ACTIONS));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalid(`${field}.action`, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (onExitCodes !== undefined) {
    const path = `${field}.onExitCodes`;
    const { operator, values = [] } = onExitCodes;
    if (!operator) errors.push(required(`${path}.operator`, `valid values: ${JSON.stringify(EXIT_OPERATORS)}`));
    else if (!EXIT_OPERATORS.includes(operator)) errors.push(notSupported(`${path}.operator`, operator, EXIT_OPERATORS));
    if (values.length === 0) errors.push(invalid(`${path}.values`, values, "at least one value is required"));
    else if (values.length > EXIT_CODES_MAX) errors.push(tooMany(`${path}.values`, values.length, EXIT_CODES_MAX));
    for (const [index, value] of values.entries()) {
      if (operator === "In" && value === 0) {
        errors.push(invalid(`${path}.values[${index}]`, value, "must not be 0 for the In operator"));
      }
    }
  }
  for (const [index, { type }] of onPodConditions.entries()) {
    for (const message of qualifiedName(type)) errors.push(invalid(`${field}.onPodConditions[${index}].type`, type, message));
  }
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    errors.push(invalid(field, null, "specifying both OnExitCodes and OnPodConditions is not supported"));
  } else if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.push(invalid(field, null, "specifying one of OnExitCodes and OnPodConditions is required"));
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

export function validateJob(job: Job): FieldError[] {
  const { spec } = job;
  const errors = [...validateGeneratedSelector(job), ...validateJobTemplate(spec, "spec")];
  if (spec.selector === undefined) return [...errors, required("spec.selector")];
  errors.push(...validateLabelSelector(spec.selector, "spec.selector"));
  const labels = spec.template.metadata?.labels;
  if (!matchesLabels(selectorOf(spec.selector), labels)) {
    errors.push(invalid("spec.template.metadata.labels", sortedMap(labels), "`selector` does not match template `labels`"));
  }
  return errors;
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

export function validateJobUpdate(next: Job, current: Job): FieldError[] {
  const [spec, old] = [next.spec, current.spec];
  const waits = old.suspend === true && current.status?.startTime === undefined;
  const before = waits ? withPlacementOf(old.template, spec.template) : old.template;
  return [
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
