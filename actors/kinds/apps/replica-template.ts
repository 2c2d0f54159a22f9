/** What the workloads share: a selector, and a template of pods that it selects. Source: pkg/apis/apps/validation. */

import { validatePodTemplate } from "../core/pod-validation.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { LabelSelector, PodTemplateSpec } from "../generated/types.ts";
import { matchesLabels, selectorOf, validateLabelSelector } from "../machinery/label-selector.ts";
import type { FieldError } from "../status.ts";

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

/** How each calls itself where it refuses a deadline. */
const DEADLINE_WORDS = { deployment: "ReplicaSet", replicaset: "ReplicaSet", statefulset: "StatefulSet", daemonset: "DaemonSet" } as const;

export function validateSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  what: keyof typeof DEADLINE_WORDS,
): FieldError[] {
  const errors: FieldError[] = [];
  if (selector === undefined) errors.push(required("spec.selector"));
  else {
    errors.push(...validateLabelSelector(selector, "spec.selector"));
    if (isEmpty(selector)) errors.push(invalid("spec.selector", selector, `empty selector is invalid for ${what}`));
  }
  if (template === undefined) return [...errors, required("spec.template")];
  const labels = template.metadata?.labels;
  if (selector !== undefined && !isEmpty(selector) && !matchesLabels(selectorOf(selector), labels)) {
    errors.push(invalid("spec.template.metadata.labels", sortedMap(labels), "`selector` does not match template `labels`"));
  }
  errors.push(...validatePodTemplate(template, "spec.template"));
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== "Always") errors.push(notSupported("spec.template.spec.restartPolicy", restartPolicy ?? "", ["Always"]));
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbidden("spec.template.spec.activeDeadlineSeconds", `activeDeadlineSeconds in ${DEADLINE_WORDS[what]} is not Supported`));
  }
  return errors;
}

/** Go prints maps in the order of their keys, and a map that is not there as null. */
export function sortedMap(map: Readonly<Record<string, string>> | undefined): object | null {
  return map === undefined ? null : Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The selector as Go prints it: labels in the order of their keys, then expressions. */
export function printableSelector(selector: LabelSelector | undefined): object | null {
  if (selector === undefined) return null;
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(matchLabels === undefined ? {} : { matchLabels: sortedMap(matchLabels) }),
    ...(matchExpressions === undefined ? {} : { matchExpressions }),
  };
}
