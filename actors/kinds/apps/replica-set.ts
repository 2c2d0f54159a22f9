import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { invalid } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { ReplicaSet, ReplicaSetStatus } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";
import { ALL_VERBS, SCALE, STATUS } from "../verbs.ts";
import { printableSelector, validateSelectorAndTemplate } from "./replica-template.ts";

function validate(set: ReplicaSet): FieldError[] {
  return [
    ...validateObjectMeta(set.metadata, true, dnsSubdomain),
    ...nonNegative(set.spec.replicas, "spec.replicas"),
    ...nonNegative(set.spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateSelectorAndTemplate(set.spec.selector, set.spec.template, "replicaset"),
    ...validateStatus(set.status),
  ];
}

const STATUS_COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const;

/** No part may be more than the whole. Source: ValidateReplicaSetStatus. */
function validateStatus(status: ReplicaSetStatus | undefined): FieldError[] {
  if (status === undefined) return [];
  const { replicas = 0, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const errors = STATUS_COUNTS.flatMap((name) => nonNegative(status[name], `status.${name}`));
  if (fullyLabeledReplicas > replicas) {
    errors.push(invalid("status.fullyLabeledReplicas", fullyLabeledReplicas, "cannot be greater than status.replicas"));
  }
  if (readyReplicas > replicas) errors.push(invalid("status.readyReplicas", readyReplicas, "cannot be greater than status.replicas"));
  if (availableReplicas > replicas) {
    errors.push(invalid("status.availableReplicas", availableReplicas, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalid("status.availableReplicas", availableReplicas, "cannot be greater than readyReplicas"));
  }
  return errors;
}

export const ReplicaSetKind: Kind<ReplicaSet> = {
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [SCALE, STATUS],
  schema: "io.k8s.api.apps.v1.ReplicaSet",
  tracksGeneration: true,
  applyDefaults: (set) => {
    if (set.spec === undefined) return;
    set.spec.replicas ??= 1;
    if (set.spec.template?.spec !== undefined) defaultPodSpec(set.spec.template.spec);
  },
  prepareForCreate: (set) => {
    set.status = { replicas: 0 };
  },
  prepareForUpdate: (next, current) => {
    next.status = current.status ?? { replicas: 0 };
  },
  validate,
  validateUpdate: (next, current) => {
    if (semanticEqual(next.spec.selector, current.spec.selector)) return [];
    return [invalid("spec.selector", printableSelector(next.spec.selector), "field is immutable")];
  },
  columns: [
    NAME_COLUMN,
    column("Desired", "How many pods are wanted", "integer"),
    column("Current", "How many pods there are", "integer"),
    column("Ready", "How many pods are ready", "integer"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
    wideColumn("Selector", "The labels of the pods"),
  ],
  cells: (set, now_ms) => [
    set.metadata.name,
    set.spec.replicas ?? 0,
    set.status?.replicas ?? 0,
    set.status?.readyReplicas ?? 0,
    ageOf(set, now_ms),
    ...containerCells(set.spec.template),
    formatLabelSelector(set.spec.selector),
  ],
  selectableFields: { "status.replicas": (set) => String(set.status?.replicas ?? 0) },
};
