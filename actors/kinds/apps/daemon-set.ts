import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { validatePodTemplate } from "../core/pod-validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { defineKind } from "../define-kind.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { immutable, nonNegative } from "../field-rules.ts";
import type { DaemonSet, DaemonSetUpdateStrategy } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { plainValue, validateAtMostHundred, validateCountOrPercent } from "../machinery/int-or-string.ts";
import { formatLabelSelector, validateLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, formatLabels, NAME_COLUMN, NONE, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateCollisions } from "./replica-counts.ts";
import { printableSelector, validateForever, validateTemplateLabels } from "./replica-template.ts";

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

/** Source: ValidateDaemonSetUpdateStrategy. */
function validateStrategy(strategy: DaemonSetUpdateStrategy): FieldError[] {
  const { type = "", rollingUpdate } = strategy;
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") {
    return [notSupported("spec.updateStrategy", internalForm("DaemonSetUpdateStrategy", strategy), ["RollingUpdate", "OnDelete"])];
  }
  const field = "spec.updateStrategy.rollingUpdate";
  if (rollingUpdate === undefined) return [required(field)];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [
    ...validateCountOrPercent(maxUnavailable, `${field}.maxUnavailable`),
    ...validateCountOrPercent(maxSurge, `${field}.maxSurge`),
    ...validateAtMostHundred(maxUnavailable, `${field}.maxUnavailable`),
    ...validateAtMostHundred(maxSurge, `${field}.maxSurge`),
  ];
  const [unavailable, surge] = [plainValue(maxUnavailable) !== 0, plainValue(maxSurge) !== 0];
  if (unavailable && surge) errors.push(invalid(`${field}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!unavailable && !surge) errors.push(required(`${field}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  return errors;
}

/** Source: ValidateDaemonSetSpec, and before it what of the spec may not change. */
function validate({ spec }: DaemonSet, current: DaemonSet | undefined): FieldError[] {
  const { selector, template } = spec;
  const wrong = validateLabelSelector(selector, "spec.selector");
  const isEmpty = selector !== undefined && formatLabelSelector(selector) === NONE;
  return [
    ...(current === undefined ? [] : immutable(selector, current.spec.selector, "spec.selector", "LabelSelector")),
    ...wrong,
    ...(wrong.length > 0 ? [] : validateTemplateLabels(selector, template)),
    ...(isEmpty ? [invalid("spec.selector", printableSelector(selector), "empty selector is invalid for daemonset")] : []),
    ...validatePodTemplate(template, "spec.template"),
    ...validateForever(template, "DaemonSet"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateStrategy(spec.updateStrategy ?? {}),
    ...nonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
  ];
}

const STATUS_COUNTS = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

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
  nameRule: dnsSubdomain,
  validate,
  validateStatus: ({ status }, current) => [
    ...STATUS_COUNTS.flatMap((name) => nonNegative(status?.[name], `status.${name}`)),
    ...validateCollisions(status, current.status),
  ],
  warnings: ({ spec }, current) =>
    current !== undefined && semanticEqual(spec.template, current.spec.template) ? [] : templateWarnings(spec.template, "spec.template"),
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
