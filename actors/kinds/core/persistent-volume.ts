import { posix } from "node:path";
import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { immutable, namedBy, oneOf } from "../field-rules.ts";
import type { PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from "../generated/types.ts";
import { internalDiff, internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { readTime } from "../machinery/time.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { printAccessModes, storageClassOf, validateAccessModes, validateStorage, validateVolumeMode } from "./claim-rules.ts";
import { stableLabel, termWarnings } from "./node-labels.ts";
import { PERSISTENT_SOURCES, validatePersistentSource } from "./persistent-sources.ts";
import { validateNodeTerms } from "./placement-validation.ts";
import { defaultVolumeSource } from "./pod-defaults.ts";

const RECLAIM_POLICIES: readonly string[] = ["Delete", "Recycle", "Retain"];
/** Source: SetDefaults_PersistentVolume. */
function applyDefaults(volume: PersistentVolume): void {
  volume.status ??= {};
  volume.status.phase ||= "Pending";
  const { spec } = volume;
  if (spec === undefined) return;
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  defaultVolumeSource(spec);
}

/** What is on a node is found by the node. */
function validateSources(spec: PersistentVolumeSpec, name: string): FieldError[] {
  const errors = validatePersistentSource(spec, name);
  if (spec.local === undefined || spec.nodeAffinity !== undefined) return errors;
  return [...errors, required("spec.nodeAffinity", "Local volume requires node affinity")];
}

function validateCapacity({ capacity = {} }: PersistentVolumeSpec): FieldError[] {
  const field = "spec.capacity";
  const names = Object.keys(capacity);
  if (names.length === 0) return [required(field), notSupported(field, capacity, ["storage"])];
  const errors = "storage" in capacity && names.length === 1 ? [] : [notSupported(field, capacity, ["storage"])];
  for (const [name, quantity] of Object.entries(capacity)) errors.push(...validateStorage(quantity, `${field}[${name}]`));
  return errors;
}

/** Only drivers of CSI know classes of attributes. */
function validateAttributes({ volumeAttributesClassName: name, csi }: PersistentVolumeSpec): FieldError[] {
  if (name === undefined) return [];
  const field = "spec.volumeAttributesClassName";
  const errors = name === "" ? [required(field, "an empty string is disallowed")] : namedBy(dnsSubdomain, name, field);
  return csi === undefined ? [...errors, required("spec.csi", "has to be specified when using volumeAttributesClassName")] : errors;
}

const MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options";
/** Where an annotation may say how a volume is mounted. */
const MOUNTED_WITH_OPTIONS: readonly (keyof PersistentVolumeSpec)[] = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
];

/** Source: checkMountOption of pkg/volume/validation. */
function validateMountOptions(annotations: Readonly<Record<string, string>> = {}, spec: PersistentVolumeSpec): FieldError[] {
  if (!(MOUNT_OPTIONS in annotations) || MOUNTED_WITH_OPTIONS.some((name) => spec[name] !== undefined)) return [];
  return [forbidden(`metadata.annotations.${MOUNT_OPTIONS}`, "may not specify mount options for this volume type")];
}

/** Source: ValidatePersistentVolumeSpec. */
function validate({ metadata, spec }: PersistentVolume): FieldError[] {
  const { accessModes = [], persistentVolumeReclaimPolicy: policy, nodeAffinity } = spec;
  const errors: FieldError[] = [];
  if (accessModes.length === 0) errors.push(required("spec.accessModes"));
  errors.push(...validateAccessModes(accessModes, "spec.accessModes"), ...validateCapacity(spec));
  errors.push(...oneOf(policy || undefined, RECLAIM_POLICIES, "spec.persistentVolumeReclaimPolicy"));
  if (nodeAffinity?.required !== undefined) {
    errors.push(...validateNodeTerms(nodeAffinity.required.nodeSelectorTerms, "spec.nodeAffinity.required.nodeSelectorTerms"));
  } else if (nodeAffinity !== undefined) errors.push(required("spec.nodeAffinity.required", "must specify required node constraints"));
  errors.push(...validateSources(spec, metadata.name));
  if (policy === "Recycle" && posix.normalize(spec.hostPath?.path || ".").replace(/(?<=.)\/$/, "") === "/") {
    errors.push(forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"));
  }
  return [
    ...errors,
    ...namedBy(dnsSubdomain, spec.storageClassName, "spec.storageClassName"),
    ...validateVolumeMode(spec.volumeMode, "spec.volumeMode"),
    ...validateAttributes(spec),
    ...validateMountOptions(metadata.annotations, spec),
  ];
}

function validateUpdate(next: PersistentVolume, current: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const source = (spec: PersistentVolumeSpec): object => Object.fromEntries(PERSISTENT_SOURCES.map((name) => [name, spec[name]]));
  const [before, after] = [source(current.spec), source(withLateSecret(next.spec, current.spec))];
  if (!semanticEqual(after, before)) {
    const diff = internalDiff("PersistentVolumeSource", before, after);
    errors.push(forbidden("spec.persistentvolumesource", `spec.persistentvolumesource is immutable after creation\n${diff}`));
  }
  errors.push(...immutable(next.spec.volumeMode, current.spec.volumeMode, "volumeMode"));
  if (current.spec.nodeAffinity !== undefined && !isSameAffinity(next.spec.nodeAffinity, current.spec.nodeAffinity)) {
    const { nodeAffinity } = next.spec;
    const shown = nodeAffinity === undefined ? null : internalForm("VolumeNodeAffinity", nodeAffinity);
    errors.push(invalid("nodeAffinity", shown, "field is immutable, except for updating from beta label to GA"));
  }
  if (next.spec.volumeAttributesClassName === undefined && current.spec.volumeAttributesClassName !== undefined) {
    errors.push(forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden"));
  }
  return errors;
}

/** Equal but for labels that have taken the place of older ones. */
function isSameAffinity(next: VolumeNodeAffinity | undefined, current: VolumeNodeAffinity): boolean {
  if (semanticEqual(next, current)) return true;
  const terms = current.required?.nodeSelectorTerms.map((term, at) => {
    const wanted = next?.required?.nodeSelectorTerms[at]?.matchExpressions;
    const matchExpressions = term.matchExpressions?.map((one, index) => {
      const key = wanted?.[index]?.key;
      return key !== undefined && stableLabel(one.key) === key ? { ...one, key } : one;
    });
    return matchExpressions === undefined ? term : { ...term, matchExpressions };
  });
  return terms !== undefined && semanticEqual(next, { required: { nodeSelectorTerms: terms } });
}

/** The secret for making it larger may be named later. */
function withLateSecret(next: PersistentVolumeSpec, current: PersistentVolumeSpec): PersistentVolumeSpec {
  if (next.csi === undefined || current.csi === undefined || current.csi.controllerExpandSecretRef !== undefined) return next;
  const { controllerExpandSecretRef: _late, ...csi } = next.csi;
  return { ...next, csi };
}

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  "volume.beta.kubernetes.io/storage-class": 'deprecated since v1.8; use "storageClassName" attribute instead',
  [MOUNT_OPTIONS]: 'deprecated since v1.31; use "mountOptions" attribute instead',
};
const OLD_SOURCES: Readonly<Partial<Record<keyof PersistentVolumeSpec, string>>> = {
  cephfs: "deprecated in v1.28, non-functional in v1.31+",
  photonPersistentDisk: "deprecated in v1.11, non-functional in v1.16+",
  scaleIO: "deprecated in v1.16, non-functional in v1.22+",
  storageos: "deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "deprecated in v1.25, non-functional in v1.26+",
  rbd: "deprecated in v1.28, non-functional in v1.31+",
};

/** Source: GetWarningsForPersistentVolume of pkg/api/persistentvolume. */
function warnings({ metadata, spec }: PersistentVolume): string[] {
  const { annotations = {} } = metadata;
  const recycles = spec.persistentVolumeReclaimPolicy === "Recycle";
  const advice = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
  return [
    ...Object.entries(OLD_ANNOTATIONS).flatMap(([key, words]) => (key in annotations ? [`metadata.annotations[${key}]: ${words}`] : [])),
    ...(recycles ? [`spec.persistentVolumeReclaimPolicy: ${advice}`] : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      termWarnings(term, false, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`),
    ),
    ...Object.entries(OLD_SOURCES).flatMap(([name, words]) => {
      if (spec[name as keyof PersistentVolumeSpec] === undefined) return [];
      return [`spec.${name === "storageos" ? "storageOS" : name}: ${words}`];
    }),
  ];
}

export const PersistentVolumeKind: Kind<PersistentVolume> = defineKind<PersistentVolume>({
  group: "",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  shortNames: ["pv"],
  namespaced: false,
  subresources: [STATUS],
  returnsDeletedObject: true,
  applyDefaults,
  prepareForCreate: (volume, { now_ms }) => {
    volume.status = { phase: "Pending", ...phaseSince(now_ms) };
  },
  prepareForUpdate: (next, current) => {
    next.status = current.status ?? {};
  },
  // A phase that changes says since when. Source: persistentvolumeStatusStrategy.
  prepareForStatusUpdate: ({ status }, { status: before }, { now_ms }) => {
    if (status === undefined) return;
    const { phase, lastPhaseTransitionTime: since } = status;
    if (phase !== before?.phase) {
      if (since === undefined || since === before?.lastPhaseTransitionTime) Object.assign(status, phaseSince(now_ms));
    } else if (since === undefined && before?.lastPhaseTransitionTime !== undefined) {
      status.lastPhaseTransitionTime = before.lastPhaseTransitionTime;
    }
  },
  updateChecks: ["whole", "whole", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  warnings,
  columns: [
    NAME_COLUMN,
    column("Capacity", "How much it holds"),
    column("Access Modes", "How it may be mounted"),
    column("Reclaim Policy", "What becomes of it when its claim is gone"),
    column("Status", "Whether it has a claim"),
    column("Claim", "The claim that it is bound to"),
    column("StorageClass", "Its class"),
    column("VolumeAttributesClass", "The class of its attributes"),
    column("Reason", "Why it is in this state"),
    AGE_COLUMN,
    wideColumn("VolumeMode", "A file system, or a block device"),
  ],
  cells: (volume, now_ms) => {
    const { metadata, spec, status } = volume;
    const claim = spec.claimRef;
    return [
      metadata.name,
      spec.capacity?.storage ?? "0",
      printAccessModes(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? "",
      metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
      claim === undefined ? "" : `${claim.namespace ?? ""}/${claim.name ?? ""}`,
      storageClassOf(volume),
      spec.volumeAttributesClassName ?? UNSET,
      status?.reason ?? "",
      ageOf(volume, now_ms),
      spec.volumeMode ?? UNSET,
    ];
  },
});

function phaseSince(now_ms: number): { lastPhaseTransitionTime?: string } {
  const read = readTime(new Date(now_ms).toISOString(), false);
  return "text" in read ? { lastPhaseTransitionTime: read.text } : {};
}
