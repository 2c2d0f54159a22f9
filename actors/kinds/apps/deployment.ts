import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { makerWarnings, templateWarnings } from "../core/pod-warnings.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { immutable, nonNegative } from "../field-rules.ts";
import type { Deployment, DeploymentStrategy } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { plainValue, validateAtMostHundred, validateCountOrPercent } from "../machinery/int-or-string.ts";
import { printSelector, selectorOf } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";
import { ALL_VERBS, SCALE, STATUS } from "../verbs.ts";
import { validateCollisions, validateReplicaCounts, withoutTerminating } from "./replica-counts.ts";
import { validateSelectorAndTemplate } from "./replica-template.ts";

/** Source: SetDefaults_Deployment. */
function applyDefaults(deployment: Deployment): void {
  const { spec } = deployment;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
}

function validateStrategy(strategy: DeploymentStrategy | undefined): FieldError[] {
  const { type = "", rollingUpdate } = strategy ?? {};
  const field = "spec.strategy";
  if (type === "Recreate") {
    if (rollingUpdate === undefined) return [];
    return [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== "RollingUpdate") {
    return [notSupported(field, internalForm("DeploymentStrategy", strategy ?? {}), ["Recreate", "RollingUpdate"])];
  }
  const path = `${field}.rollingUpdate`;
  if (rollingUpdate === undefined) return [required(path, "this should be defaulted and never be nil")];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const errors = [
    ...validateCountOrPercent(maxUnavailable, `${path}.maxUnavailable`),
    ...validateCountOrPercent(maxSurge, `${path}.maxSurge`),
  ];
  if (plainValue(maxUnavailable) === 0 && plainValue(maxSurge) === 0) {
    errors.push(invalid(`${path}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  errors.push(...validateAtMostHundred(maxUnavailable, `${path}.maxUnavailable`));
  return errors;
}

function validate(deployment: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = deployment;
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline_s } = spec;
  errors.push(
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...validateSelectorAndTemplate(spec.selector, spec.template, "deployment"),
    ...validateStrategy(spec.strategy),
    ...nonNegative(minReadySeconds, "spec.minReadySeconds"),
    ...nonNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
    ...nonNegative(deadline_s, "spec.progressDeadlineSeconds"),
  );
  if (deadline_s !== undefined && deadline_s <= minReadySeconds) {
    errors.push(invalid("spec.progressDeadlineSeconds", deadline_s, "must be greater than minReadySeconds"));
  }
  return errors;
}

const STATUS_COUNTS = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
] as const;

export const DeploymentKind: Kind<Deployment> = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [SCALE, STATUS],
  schema: "io.k8s.api.apps.v1.Deployment",
  tracksGeneration: true,
  // Annotations count too: the controller copies them to the replica sets.
  generationChanges: (next, current) =>
    !semanticEqual(next.spec, current.spec) || !semanticEqual(next.metadata.annotations, current.metadata.annotations),
  applyDefaults,
  prepareForCreate: (deployment) => {
    deployment.status = {};
  },
  prepareForUpdate: (next, current) => {
    next.status = current.status ?? {};
  },
  // Annotations go along with the status, labels do not. Source: deploymentStatusStrategy.
  prepareForStatusUpdate: (next, current) => {
    const { labels: _sent, ...metadata } = next.metadata;
    const { labels } = current.metadata;
    Object.assign(next, { metadata: labels === undefined ? metadata : { ...metadata, labels } });
    if (next.status !== undefined) next.status = withoutTerminating(next.status);
  },
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => immutable(next.spec.selector, current.spec.selector, "spec.selector", "LabelSelector"),
  validateStatus: ({ status }, current) => [
    ...validateReplicaCounts(status, STATUS_COUNTS, { whole: ["updatedReplicas", "readyReplicas", "availableReplicas"] }),
    ...validateCollisions(status, current.status),
  ],
  warnings: (next, current) => makerWarnings(next, current, () => templateWarnings(next.spec.template, "spec.template")),
  columns: [
    NAME_COLUMN,
    column("Ready", "How many of the wanted pods are ready"),
    column("Up-to-date", "How many pods are of the newest template"),
    column("Available", "How many pods have been ready for long enough"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
    wideColumn("Selector", "The labels of the pods"),
  ],
  cells: (deployment, now_ms) => {
    const { spec, status } = deployment;
    return [
      deployment.metadata.name,
      `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      ageOf(deployment, now_ms),
      ...containerCells(spec.template),
      printSelector(selectorOf(spec.selector)),
    ];
  },
  selectableFields: {},
};
