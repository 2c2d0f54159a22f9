import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { defineKind } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { DaemonSet, DaemonSetUpdateStrategy } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateAtMostHundred, validateCountOrPercent } from "../machinery/int-or-string.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, formatLabels, NAME_COLUMN, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { printableSelector, validateSelectorAndTemplate } from "./replica-template.ts";

/** Counts the templates; the kubelet's own name for a revision, kept for clients of apps/v1beta2. */
const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";
const NO_PODS = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };

/** Source: SetDefaults_DaemonSet, and the conversion of apps/v1, which writes the count of templates where there is none. */
function applyDefaults(set: DaemonSet): void {
  const { spec, metadata } = set;
  if (metadata.annotations?.[TEMPLATE_GENERATION] === undefined) countTemplate(set, 0);
  if (spec === undefined) return;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
}

function countTemplate(set: DaemonSet, generation: number): void {
  const annotations = { ...set.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
  Object.assign(set, { metadata: { ...set.metadata, annotations } });
}

function prepareForUpdate(next: DaemonSet, current: DaemonSet): void {
  next.status = current.status ?? { ...NO_PODS };
  const before = Number(current.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
  countTemplate(next, semanticEqual(next.spec?.template, current.spec.template) ? before : before + 1);
}

/** A percentage of nothing is nothing; what is no percentage was refused already. */
function isNothing(value: number | string): boolean {
  return value === 0 || /^0+%?$/.test(String(value));
}

/** Source: ValidateDaemonSetUpdateStrategy. */
function validateStrategy({ type = "", rollingUpdate }: DaemonSetUpdateStrategy): FieldError[] {
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") return [notSupported("spec.updateStrategy.type", type, ["RollingUpdate", "OnDelete"])];
  const field = "spec.updateStrategy.rollingUpdate";
  if (rollingUpdate === undefined) return [required(field)];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [
    ...validateCountOrPercent(maxUnavailable, `${field}.maxUnavailable`),
    ...validateCountOrPercent(maxSurge, `${field}.maxSurge`),
  ];
  if (!isNothing(maxUnavailable) && !isNothing(maxSurge)) {
    errors.push(invalid(`${field}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  } else if (isNothing(maxUnavailable) && isNothing(maxSurge)) {
    errors.push(required(`${field}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
  return [
    ...errors,
    ...validateAtMostHundred(maxUnavailable, `${field}.maxUnavailable`),
    ...validateAtMostHundred(maxSurge, `${field}.maxSurge`),
  ];
}

export const DaemonSetKind: Kind<DaemonSet> = defineKind<DaemonSet>({
  group: "apps",
  kind: "DaemonSet",
  plural: "daemonsets",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  subresources: [STATUS],
  tracksGeneration: true,
  fieldAnnotation: TEMPLATE_GENERATION,
  applyDefaults,
  prepareForCreate: (set) => {
    set.status = { ...NO_PODS };
    countTemplate(set, 1);
  },
  prepareForUpdate,
  validate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, true, dnsSubdomain),
    ...validateSelectorAndTemplate(spec.selector, spec.template, "daemonset"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...nonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
  ],
  validateUpdate: (next, current) =>
    semanticEqual(next.spec.selector, current.spec.selector)
      ? []
      : [invalid("spec.selector", printableSelector(next.spec.selector), "field is immutable")],
  columns: [
    NAME_COLUMN,
    column("Desired", "How many nodes should run a pod", "integer"),
    column("Current", "How many nodes run a pod", "integer"),
    column("Ready", "How many pods are ready", "integer"),
    column("Up-to-date", "How many pods are of the newest template", "integer"),
    column("Available", "How many pods have been ready for long enough", "integer"),
    column("Node Selector", "The labels of the nodes"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
    wideColumn("Selector", "The labels of the pods"),
  ],
  cells: (set, now_ms) => [
    set.metadata.name,
    set.status?.desiredNumberScheduled ?? 0,
    set.status?.currentNumberScheduled ?? 0,
    set.status?.numberReady ?? 0,
    set.status?.updatedNumberScheduled ?? 0,
    set.status?.numberAvailable ?? 0,
    formatLabels(set.spec.template?.spec?.nodeSelector),
    ageOf(set, now_ms),
    ...containerCells(set.spec.template),
    formatLabelSelector(set.spec.selector),
  ],
});
