/** What the workloads share: a selector, and a template of pods that it selects. Source: pkg/apis/apps/validation. */

import { validatePodTemplate } from "../core/pod-validation.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { LabelSelector, PodTemplateSpec } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { matchesLabels, selectorOf, validateLabelSelector } from "../machinery/label-selector.ts";
import type { FieldError } from "../status.ts";

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

/** How each calls itself where it refuses an empty selector and a deadline, and what it says of a selector that cannot be read. */
const WORDS = {
  deployment: ["deployment", "ReplicaSet", "invalid label selector"],
  replicaset: ["deployment", "ReplicaSet", "invalid label selector"],
  statefulset: ["statefulset", "StatefulSet", ""],
} as const;

const LABELS = "spec.template.metadata.labels";

/** No selector at all selects nothing. */
export function validateTemplateLabels(selector: LabelSelector | undefined, template: PodTemplateSpec): FieldError[] {
  const labels = template.metadata?.labels;
  if (selector !== undefined && matchesLabels(selectorOf(selector), labels)) return [];
  return [invalid(LABELS, sortedMap(labels), "`selector` does not match template `labels`")];
}

export function validateSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec,
  what: keyof typeof WORDS,
  templateIn: (template: PodTemplateSpec) => FieldError[] = validateReplicaTemplate,
): FieldError[] {
  const [name, longName, unreadable] = WORDS[what];
  const shown = printableSelector(selector);
  const wrong = selector === undefined ? [] : validateLabelSelector(selector, "spec.selector");
  const errors = selector === undefined ? [required("spec.selector")] : [...wrong];
  if (selector !== undefined && isEmpty(selector)) errors.push(invalid("spec.selector", shown, `empty selector is invalid for ${name}`));
  if (wrong.length > 0) errors.push(invalid("spec.selector", shown, unreadable));
  else errors.push(...validateTemplateLabels(selector, template), ...templateIn(template));
  // Of templates whose selector cannot be read only a StatefulSet says more.
  return wrong.length > 0 && what !== "statefulset" ? errors : [...errors, ...validateForever(template, longName)];
}

function validateReplicaTemplate(template: PodTemplateSpec): FieldError[] {
  return validatePodTemplate(template, "spec.template");
}

/** Pods that are to run until somebody ends them. */
export function validateForever({ spec }: PodTemplateSpec, what: string): FieldError[] {
  const { restartPolicy = "", activeDeadlineSeconds } = spec ?? {};
  const errors = restartPolicy === "Always" ? [] : [notSupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"])];
  if (activeDeadlineSeconds === undefined) return errors;
  return [...errors, forbidden("spec.template.spec.activeDeadlineSeconds", `activeDeadlineSeconds in ${what} is not Supported`)];
}

/** Go prints maps in the order of their keys, and a map that is not there as null. */
export function sortedMap(map: Readonly<Record<string, string>> | undefined): object | null {
  return map === undefined ? null : Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The selector as Go prints it. */
export function printableSelector(selector: LabelSelector | undefined): object | null {
  return selector === undefined ? null : internalForm("LabelSelector", selector);
}
