import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { immutable, namedBy, oneOf } from "../field-rules.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "../generated/types.ts";
import { internalDiff, internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { readTime } from "../machinery/time.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET, wideColumn } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { printAccessModes, storageClassOf, validateAccessModes, validateStorage, validateVolumeMode } from "./claim-rules.ts";
import { termWarnings } from "./node-labels.ts";
import { validateNodeTerms } from "./placement-validation.ts";
import { defaultVolumeSource } from "./pod-defaults.ts";

const RECLAIM_POLICIES: readonly string[] = ["Delete", "Recycle", "Retain"];
/** Where a volume may come from, in the order in which Kubernetes looks, with what each must say. */
const SOURCES: readonly (readonly [name: keyof PersistentVolumeSpec, ...required: readonly string[]])[] = [
  ["hostPath", "path"],
  ["gcePersistentDisk", "pdName"],
  ["awsElasticBlockStore", "volumeID"],
  ["glusterfs", "endpoints", "path"],
  ["flocker"],
  ["nfs", "server", "path"],
  ["rbd", "monitors", "image"],
  ["quobyte", "registry", "volume"],
  ["cephfs", "monitors"],
  ["iscsi", "targetPortal", "iqn"],
  ["cinder", "volumeID"],
  ["fc"],
  ["flexVolume", "driver"],
  ["azureFile", "secretName", "shareName"],
  ["vsphereVolume", "volumePath"],
  ["photonPersistentDisk", "pdID"],
  ["portworxVolume", "volumeID"],
  ["azureDisk", "diskName", "diskURI"],
  ["scaleIO", "gateway", "system", "volumeName"],
  ["local", "path"],
  ["storageos", "volumeName"],
  ["csi", "driver", "volumeHandle"],
];

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

function validateSources(spec: PersistentVolumeSpec): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const [name, ...fields] of SOURCES) {
    const source = spec[name] as Readonly<Record<string, unknown>> | undefined;
    if (source === undefined) continue;
    if (found) errors.push(forbidden(`spec.${name}`, "may not specify more than 1 volume type"));
    else for (const field of fields) if (!source[field]) errors.push(required(`spec.${name}.${field}`));
    found = true;
  }
  if (spec.local !== undefined && spec.nodeAffinity === undefined) {
    errors.push(required("spec.nodeAffinity", "Local volume requires node affinity"));
  }
  if (!found) errors.push(required("spec", "must specify a volume type"));
  return errors;
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

/** Source: ValidatePersistentVolumeSpec. */
function validate({ spec }: PersistentVolume): FieldError[] {
  const { accessModes = [], persistentVolumeReclaimPolicy: policy, nodeAffinity } = spec;
  const errors: FieldError[] = [];
  if (accessModes.length === 0) errors.push(required("spec.accessModes"));
  errors.push(...validateAccessModes(accessModes, "spec.accessModes"), ...validateCapacity(spec));
  errors.push(...oneOf(policy || undefined, RECLAIM_POLICIES, "spec.persistentVolumeReclaimPolicy"));
  if (nodeAffinity?.required !== undefined) {
    errors.push(...validateNodeTerms(nodeAffinity.required.nodeSelectorTerms, "spec.nodeAffinity.required.nodeSelectorTerms"));
  } else if (nodeAffinity !== undefined) errors.push(required("spec.nodeAffinity.required", "must specify required node constraints"));
  errors.push(...validateSources(spec));
  if (policy === "Recycle" && spec.hostPath?.path === "/") {
    errors.push(forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"));
  }
  return [
    ...errors,
    ...namedBy(dnsSubdomain, spec.storageClassName, "spec.storageClassName"),
    ...validateVolumeMode(spec.volumeMode, "spec.volumeMode"),
    ...validateAttributes(spec),
  ];
}

function validateUpdate(next: PersistentVolume, current: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const source = (spec: PersistentVolumeSpec): object => Object.fromEntries(SOURCES.map(([name]) => [name, spec[name]]));
  const [before, after] = [source(current.spec), source(withLateSecret(next.spec, current.spec))];
  if (!semanticEqual(after, before)) {
    const diff = internalDiff("PersistentVolumeSource", before, after);
    errors.push(forbidden("spec.persistentvolumesource", `spec.persistentvolumesource is immutable after creation\n${diff}`));
  }
  errors.push(...immutable(next.spec.volumeMode, current.spec.volumeMode, "volumeMode"));
  if (current.spec.nodeAffinity !== undefined && !semanticEqual(next.spec.nodeAffinity, current.spec.nodeAffinity)) {
    const { nodeAffinity } = next.spec;
    const shown = nodeAffinity === undefined ? null : internalForm("VolumeNodeAffinity", nodeAffinity);
    errors.push(invalid("nodeAffinity", shown, "field is immutable, except for updating from beta label to GA"));
  }
  return errors;
}

/** The secret for making it larger may be named later. */
function withLateSecret(next: PersistentVolumeSpec, current: PersistentVolumeSpec): PersistentVolumeSpec {
  if (next.csi === undefined || current.csi === undefined || current.csi.controllerExpandSecretRef !== undefined) return next;
  const { controllerExpandSecretRef: _late, ...csi } = next.csi;
  return { ...next, csi };
}

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  "volume.beta.kubernetes.io/storage-class": 'deprecated since v1.8; use "storageClassName" attribute instead',
  "volume.beta.kubernetes.io/mount-options": 'deprecated since v1.31; use "mountOptions" attribute instead',
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
