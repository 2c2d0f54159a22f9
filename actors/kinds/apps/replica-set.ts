import { defaultPodSpec } from "../core/pod-defaults.ts";
import { makerWarnings, templateWarnings } from "../core/pod-warnings.ts";
import { immutable, nonNegative } from "../field-rules.ts";
import type { ReplicaSet } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { formatLabelSelector } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { ALL_VERBS, SCALE, STATUS } from "../verbs.ts";
import { validateReplicaCounts, withoutTerminating } from "./replica-counts.ts";
import { validateSelectorAndTemplate } from "./replica-template.ts";
import { REPLICAS_COLUMNS, replicasCells } from "./replicas-table.ts";

function validate(set: ReplicaSet): FieldError[] {
  return [
    ...nonNegative(set.spec.replicas, "spec.replicas"),
    ...nonNegative(set.spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateSelectorAndTemplate(set.spec.selector, set.spec.template, "replicaset"),
  ];
}

const STATUS_COUNTS = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
  "terminatingReplicas",
] as const;

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
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => immutable(next.spec.selector, current.spec.selector, "spec.selector", "LabelSelector"),
  prepareForStatusUpdate: (next) => {
    if (next.status !== undefined) next.status = withoutTerminating(next.status);
  },
  validateStatus: ({ status }) =>
    validateReplicaCounts(status, STATUS_COUNTS, { whole: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] }),
  warnings: (next, current) => makerWarnings(next, current, () => templateWarnings(next.spec.template, "spec.template")),
  columns: REPLICAS_COLUMNS,
  cells: (set, now_ms) => replicasCells(set, formatLabelSelector(set.spec.selector), now_ms),
  selectableFields: { "status.replicas": (set) => String(set.status?.replicas ?? 0) },
};
