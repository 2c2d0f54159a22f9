import { validateReplicaCounts } from "../apps/replica-counts.ts";
import { sortedMap } from "../apps/replica-template.ts";
import { REPLICAS_COLUMNS, replicasCells } from "../apps/replicas-table.ts";
import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { ReplicationController } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { matchesLabels, selectorOf } from "../machinery/label-selector.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { formatLabels } from "../table.ts";
import { SCALE, STATUS } from "../verbs.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { validatePodTemplate } from "./pod-validation.ts";
import { makerWarnings, templateWarnings } from "./pod-warnings.ts";

const STATUS_COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"] as const;

function isEmpty(map: object | undefined): boolean {
  return Object.keys(map ?? {}).length === 0;
}

/** The labels of the template stand in for those that are not said. Source: SetDefaults_ReplicationController. */
function applyDefaults(controller: ReplicationController): void {
  const { spec, metadata } = controller;
  if (spec === undefined) return;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels };
    if (isEmpty(metadata.labels)) Object.assign(controller, { metadata: { ...metadata, labels: { ...labels } } });
  }
  spec.replicas ??= 1;
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
}

/** Source: ValidateReplicationControllerSpec. */
function validate({ spec }: ReplicationController): FieldError[] {
  const errors = [...nonNegative(spec.minReadySeconds, "spec.minReadySeconds")];
  if (isEmpty(spec.selector)) errors.push(required("spec.selector"));
  errors.push(...nonNegative(spec.replicas, "spec.replicas"));
  const { template } = spec;
  if (template === undefined) return [...errors, required("spec.template")];
  const labels = template.metadata?.labels;
  if (!isEmpty(spec.selector) && !matchesLabels(selectorOf({ matchLabels: spec.selector ?? {} }), labels)) {
    errors.push(invalid("spec.template.metadata.labels", sortedMap(labels), "`selector` does not match template `labels`"));
  }
  errors.push(...validatePodTemplate(template, "spec.template"));
  const { restartPolicy = "", activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== "Always") errors.push(notSupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"]));
  if (activeDeadlineSeconds !== undefined) {
    const words = "activeDeadlineSeconds in ReplicationController is not Supported";
    errors.push(forbidden("spec.template.spec.activeDeadlineSeconds", words));
  }
  return errors;
}

export const ReplicationControllerKind: Kind<ReplicationController> = defineKind<ReplicationController>({
  group: "",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  namespaced: true,
  subresources: [SCALE, STATUS],
  tracksGeneration: true,
  applyDefaults,
  ...statusApart<ReplicationController>(() => ({ replicas: 0 })),
  updateChecks: ["whole", "metadata", "content"],
  nameRule: dnsSubdomain,
  validate,
  validateStatus: ({ status }) =>
    validateReplicaCounts(status, STATUS_COUNTS, { whole: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] }),
  warnings: (next, current) => makerWarnings(next, current, () => templateWarnings(next.spec.template, "spec.template")),
  columns: REPLICAS_COLUMNS,
  cells: (controller, now_ms) => replicasCells(controller, formatLabels(controller.spec.selector), now_ms),
  selectableFields: { "status.replicas": (controller) => String(controller.status?.replicas ?? 0) },
});
