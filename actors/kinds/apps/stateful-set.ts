import { defaultPersistentVolumeClaim } from "../core/claim-rules.ts";
import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { PersistentVolumeClaim, StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";
import { SCALE, STATUS } from "../verbs.ts";
import { validateSelectorAndTemplate } from "./replica-template.ts";

const RETENTION: readonly string[] = ["Retain", "Delete"];
/** What an update may change. Source: ValidateStatefulSetUpdate. */
const UPDATABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

/** Source: SetDefaults_StatefulSet, and the conversion of apps/v1, which names the kind of the claims. */
function applyDefaults(set: StatefulSet): void {
  const { spec } = set;
  if (spec === undefined) return;
  spec.podManagementPolicy ||= "OrderedReady";
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= "Retain";
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
  if (spec.volumeClaimTemplates !== undefined) spec.volumeClaimTemplates = spec.volumeClaimTemplates.map(namedClaim);
}

function namedClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  defaultPersistentVolumeClaim(claim);
  return { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim };
}

function validateStrategy(strategy: StatefulSetUpdateStrategy): FieldError[] {
  const { type = "", rollingUpdate } = strategy;
  const field = "spec.updateStrategy";
  switch (type) {
    case "":
      return [required(field)];
    case "OnDelete":
      if (rollingUpdate === undefined) return [];
      return [
        invalid(
          `${field}.rollingUpdate`,
          internalForm("RollingUpdateStatefulSetStrategy", rollingUpdate),
          "only allowed for updateStrategy 'RollingUpdate'",
        ),
      ];
    case "RollingUpdate":
      return nonNegative(rollingUpdate?.partition, `${field}.rollingUpdate.partition`);
    default:
      return [invalid(field, internalForm("StatefulSetUpdateStrategy", strategy), "must be 'RollingUpdate' or 'OnDelete'")];
  }
}

function validateSpec(spec: StatefulSetSpec): FieldError[] {
  const { podManagementPolicy: policy = "", persistentVolumeClaimRetentionPolicy: retention } = spec;
  const errors: FieldError[] = [];
  if (policy === "") errors.push(required("spec.podManagementPolicy"));
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  errors.push(...validateStrategy(spec.updateStrategy ?? {}));
  for (const name of ["whenDeleted", "whenScaled"] as const) {
    const value = retention?.[name];
    if (value !== undefined && !RETENTION.includes(value)) {
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${name}`, value, RETENTION));
    }
  }
  errors.push(
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...nonNegative(spec.ordinals?.start, "spec.ordinals.start"),
    ...validateSelectorAndTemplate(spec.selector, spec.template, "statefulset"),
  );
  return errors;
}

function validateUpdate(next: StatefulSet, current: StatefulSet): FieldError[] {
  const rest: Record<string, unknown> = { ...next.spec };
  for (const name of UPDATABLE) rest[name] = current.spec[name];
  if (semanticEqual(rest, current.spec)) return [];
  const names = UPDATABLE.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return [forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`)];
}

export const StatefulSetKind: Kind<StatefulSet> = defineKind<StatefulSet>({
  group: "apps",
  kind: "StatefulSet",
  plural: "statefulsets",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  subresources: [SCALE, STATUS],
  tracksGeneration: true,
  applyDefaults,
  ...statusApart<StatefulSet>(() => ({ replicas: 0, availableReplicas: 0 })),
  validate: (set) => [...validateObjectMeta(set.metadata, true, dnsLabel), ...validateSpec(set.spec)],
  validateUpdate,
  columns: [
    NAME_COLUMN,
    column("Ready", "How many of the wanted pods are ready"),
    AGE_COLUMN,
    wideColumn("Containers", "The names of the containers"),
    wideColumn("Images", "The images of the containers"),
  ],
  cells: (set, now_ms) => [
    set.metadata.name,
    `${set.status?.readyReplicas ?? 0}/${set.spec.replicas ?? 0}`,
    ageOf(set, now_ms),
    ...containerCells(set.spec.template),
  ],
});
