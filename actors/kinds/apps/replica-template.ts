/** What deployments and replica sets share: a selector, and a template of pods that it selects. Source: pkg/apis/apps/validation. */

import { validatePodTemplate } from "../core/pod-validation.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { LabelSelector, PodTemplateSpec } from "../generated/types.ts";
import { matchesLabels, selectorOf, validateLabelSelector } from "../machinery/label-selector.ts";
import type { FieldError } from "../status.ts";

function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

/** `what` is `deployment` or `replicaset`. */
export function validateSelectorAndTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  what: "deployment" | "replicaset",
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
    errors.push(forbidden("spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"));
  }
  return errors;
}

/** Go prints maps in the order of their keys, and a map that is not there as null. */
function sortedMap(map: Readonly<Record<string, string>> | undefined): object | null {
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

export function nonNegative(value: number | undefined, field: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];
}

/** The names and images of a template's containers, as wide tables show them. */
export function containerCells(template: PodTemplateSpec | undefined): [names: string, images: string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map((container) => container.name).join(","), containers.map((container) => container.image ?? "").join(",")];
}
