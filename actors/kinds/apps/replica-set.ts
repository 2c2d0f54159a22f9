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
import { ALL_VERBS, SCALE, STATUS } from "../verbs.ts";
import { printableSelector, validateSelectorAndTemplate } from "./replica-template.ts";
import { REPLICAS_COLUMNS, replicasCells } from "./replicas-table.ts";

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
  columns: REPLICAS_COLUMNS,
  cells: (set, now_ms) => replicasCells(set, formatLabelSelector(set.spec.selector), now_ms),
  selectableFields: { "status.replicas": (set) => String(set.status?.replicas ?? 0) },
};
