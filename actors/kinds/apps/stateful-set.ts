import { claimWarnings, defaultPersistentVolumeClaim, validateClaimSpec } from "../core/claim-rules.ts";
import { containerCells } from "../core/pod-cells.ts";
import { defaultPodSpec } from "../core/pod-defaults.ts";
import { validatePodTemplate } from "../core/pod-validation.ts";
import { templateWarnings } from "../core/pod-warnings.ts";
import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, required } from "../field-error.ts";
import { namedBy, nonNegative, oneOf } from "../field-rules.ts";
import type {
  PersistentVolumeClaim,
  PodTemplateSpec,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { dnsLabel } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, wideColumn } from "../table.ts";
import { SCALE, STATUS } from "../verbs.ts";
import { validateCollisions, validateReplicaCounts } from "./replica-counts.ts";
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
    // Behind a feature gate that is closed.
    delete spec.updateStrategy.rollingUpdate.maxUnavailable;
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

/** The template as the controller makes pods of it: names are its own, and claims stand in for volumes. */
function asPodsGetIt(spec: StatefulSetSpec): PodTemplateSpec {
  const claims = spec.volumeClaimTemplates ?? [];
  const { subdomain: _service, hostname: _pod, ...rest } = spec.template.spec ?? { containers: [] };
  if (claims.length === 0) return { ...spec.template, spec: rest };
  const names = claims.map(({ metadata }) => metadata?.name ?? "");
  const made = [...new Set(names)].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const own = (rest.volumes ?? []).filter(({ name }) => !names.includes(name));
  return { ...spec.template, spec: { ...rest, volumes: [...made, ...own] } };
}

/** `current`: what an update replaces, of which names and claims stay as they are, right or wrong. Source: ValidateStatefulSetSpec. */
function validateSpec(spec: StatefulSetSpec, current: StatefulSetSpec | undefined): FieldError[] {
  const { podManagementPolicy: policy = "", persistentVolumeClaimRetentionPolicy: retention, serviceName } = spec;
  const errors: FieldError[] = [];
  if (policy === "") errors.push(required("spec.podManagementPolicy"));
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  errors.push(...validateStrategy(spec.updateStrategy ?? {}));
  for (const name of ["whenDeleted", "whenScaled"] as const) {
    errors.push(...oneOf(retention?.[name], RETENTION, `spec.persistentVolumeClaimRetentionPolicy.${name}`));
  }
  if (current === undefined) {
    for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      errors.push(...validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${index}].spec`));
    }
  }
  errors.push(
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"),
    ...nonNegative(spec.ordinals?.start, "spec.ordinals.start"),
    ...(current === undefined ? namedBy(dnsLabel, serviceName, "spec.serviceName") : []),
    ...validateSelectorAndTemplate(spec.selector, asPodsGetIt(spec), "statefulset", (template) => validateTemplate(template, current)),
  );
  return errors;
}

/** A template that was wrong before may be kept. Source: ValidatePodTemplateSpecForStatefulSet, which looks at the metadata twice. */
function validateTemplate(template: PodTemplateSpec, current: StatefulSetSpec | undefined): FieldError[] {
  const { labels, annotations } = template.metadata ?? {};
  const keeps = current !== undefined && validatePodTemplate(asPodsGetIt(current), "spec.template").length > 0;
  return [
    ...(keeps ? [] : validatePodTemplate(template, "spec.template")),
    ...validateLabels(labels, "spec.template.labels"),
    ...validateAnnotations(annotations, "spec.template.annotations"),
  ];
}

const STATUS_COUNTS = [
  "replicas",
  "readyReplicas",
  "currentReplicas",
  "updatedReplicas",
  "availableReplicas",
  "observedGeneration",
  "collisionCount",
] as const;

function validateUpdate(next: StatefulSet, current: StatefulSet): FieldError[] {
  const rest: Record<string, unknown> = { ...next.spec };
  for (const name of UPDATABLE) rest[name] = current.spec[name];
  if (semanticEqual(rest, current.spec)) return [];
  const names = UPDATABLE.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return [forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`)];
}

/** In an update Kubernetes says `Spec` of a claim. Source: statefulSetStrategy. */
function warnings({ metadata, spec }: StatefulSet, current?: StatefulSet): string[] {
  const same = current !== undefined && metadata.generation === current.metadata.generation;
  const part = current === undefined ? "" : ".Spec";
  const endless = (spec.revisionHistoryLimit ?? 0) < 0;
  return [
    ...(same ? [] : templateWarnings(spec.template, "spec.template")),
    ...(spec.volumeClaimTemplates ?? []).flatMap((claim, index) => claimWarnings(claim.spec, `spec.volumeClaimTemplates[${index}]${part}`)),
    ...(endless ? ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"] : []),
  ];
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
  nameRule: dnsLabel,
  validate: (set, current) => validateSpec(set.spec, current?.spec),
  validateUpdate,
  validateStatus: ({ status }, current) => [
    ...validateReplicaCounts(status, STATUS_COUNTS, {
      whole: ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
      ready: "status.readyReplicas",
    }),
    ...validateCollisions(status, current.status),
  ],
  warnings,
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
