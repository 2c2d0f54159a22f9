/** Volumes of a pod. Source: ValidateVolumes of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, required } from "../field-error.ts";
import { namedBy, requiredOneOf } from "../field-rules.ts";
import type { DownwardAPIVolumeFile, KeyToPath, PersistentVolumeClaimTemplate, ProjectedVolumeSource, Volume } from "../generated/types.ts";
import { validateTemplateMetadata } from "../metadata.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateDriverName } from "../storage/driver-name.ts";
import { validateClaimSpec } from "./claim-rules.ts";
import { VOLUME_FIELDS, validateFieldRef, validateResourceRef } from "./downward-validation.ts";
import { validateDescendingPath } from "./security-validation.ts";
import {
  needs,
  oneSource,
  SHARED,
  type SourceRules,
  secretNames,
  targetNameTooLong,
  validateStorageOS,
  validateTarget,
} from "./volume-sources.ts";

const MODE_MAX = 0o777;
const MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive";

function validateMode(mode: number | undefined, field: string): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= MODE_MAX) ? [] : [invalid(field, mode, MODE_WORDS)];
}

/** A file in a volume, whose own files begin with two dots. Source: ValidateLocalNonReservedPath. */
function validateFilePath(path: string, field: string): FieldError[] {
  const errors = validateDescendingPath(path, field);
  if (path.startsWith("..") && !path.startsWith("../")) errors.push(invalid(field, path, "must not start with '..'"));
  return errors;
}

function validateItems(items: readonly KeyToPath[] | undefined, field: string): FieldError[] {
  return (items ?? []).flatMap((item, index) => validateItem(item, `${field}[${index}]`));
}

function validateItem({ key, path, mode }: KeyToPath, field: string): FieldError[] {
  const errors = key ? [] : [required(`${field}.key`)];
  if (!path) errors.push(required(`${field}.path`));
  return [...errors, ...validateFilePath(path ?? "", `${field}.path`), ...validateMode(mode, `${field}.mode`)];
}

function validateDownwardFile(file: DownwardAPIVolumeFile, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!file.path) errors.push(required(`${field}.path`));
  errors.push(...validateFilePath(file.path ?? "", `${field}.path`));
  if (file.fieldRef !== undefined) {
    errors.push(...validateFieldRef(file.fieldRef, VOLUME_FIELDS, `${field}.fieldRef`));
    if (file.resourceFieldRef !== undefined)
      errors.push(invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
  } else if (file.resourceFieldRef !== undefined) {
    errors.push(...validateResourceRef(file.resourceFieldRef, true, `${field}.resourceFieldRef`));
  } else errors.push(required(field, "one of fieldRef and resourceFieldRef is required"));
  errors.push(...validateMode(file.mode, `${field}.mode`));
  return errors;
}

/** Source: ValidatePersistentVolumeClaimTemplate. */
function validateClaimTemplate({ metadata = {}, spec }: PersistentVolumeClaimTemplate, field: string): FieldError[] {
  return [...validateTemplateMetadata(metadata, `${field}.metadata`), ...validateClaimSpec(spec, `${field}.spec`)];
}

const PULL_POLICIES: readonly string[] = ["Always", "IfNotPresent", "Never"];
const INITIATOR_WORDS = "must be valid format starting with iqn, eui, or naa";

const SOURCES: SourceRules<Volume> = {
  emptyDir: ({ sizeLimit }, field) => {
    return sizeLimit?.startsWith("-") ? [forbidden(`${field}.sizeLimit`, "SizeLimit field must be a valid resource quantity")] : [];
  },
  hostPath: SHARED.hostPath,
  gitRepo: ({ repository, directory = "" }, field) => [
    ...(repository ? [] : [required(`${field}.repository`)]),
    ...validateDescendingPath(directory, `${field}.directory`),
  ],
  gcePersistentDisk: SHARED.gcePersistentDisk,
  awsElasticBlockStore: SHARED.awsElasticBlockStore,
  secret: ({ secretName, defaultMode, items }, field) => [
    ...(secretName ? [] : [required(`${field}.secretName`)]),
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...validateItems(items, `${field}.items`),
  ],
  nfs: SHARED.nfs,
  iscsi: (iscsi, field, { volume }) => {
    const long = targetNameTooLong(iscsi, volume);
    return [
      ...(iscsi.targetPortal ? [] : [required(`${field}.targetPortal`)]),
      ...validateTarget(iscsi, field, INITIATOR_WORDS),
      ...(long === undefined ? [] : [invalid(field.replace(/iscsi$/, "name"), volume, long)]),
    ];
  },
  glusterfs: needs("endpoints", "path"),
  flocker: SHARED.flocker,
  persistentVolumeClaim: needs("claimName"),
  rbd: SHARED.rbd,
  cinder: ({ volumeID, secretRef }, field) => [
    ...(volumeID ? [] : [required(`${field}.volumeID`)]),
    ...secretNames(secretRef, `${field}.secretRef`, "name"),
  ],
  cephfs: SHARED.cephfs,
  quobyte: SHARED.quobyte,
  downwardAPI: ({ defaultMode, items = [] }, field) => [
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...items.flatMap((file) => validateDownwardFile(file, field)),
  ],
  fc: SHARED.fc,
  flexVolume: SHARED.flexVolume,
  configMap: ({ name, defaultMode, items }, field) => [
    ...(name ? [] : [required(`${field}.name`)]),
    ...validateMode(defaultMode, `${field}.defaultMode`),
    ...validateItems(items, `${field}.items`),
  ],
  azureFile: needs("secretName", "shareName"),
  vsphereVolume: SHARED.vsphereVolume,
  photonPersistentDisk: SHARED.photonPersistentDisk,
  portworxVolume: SHARED.portworxVolume,
  azureDisk: SHARED.azureDisk,
  storageos: (source, field) => [...validateStorageOS(source, field), ...secretNames(source.secretRef, `${field}.secretRef`, "name")],
  projected: validateProjected,
  scaleIO: SHARED.scaleIO,
  csi: ({ driver, nodePublishSecretRef }, field) => {
    const errors = validateDriverName(driver ?? "", `${field}.driver`);
    if (nodePublishSecretRef === undefined) return errors;
    const { name } = nodePublishSecretRef;
    return [...errors, ...(name ? namedBy(dnsSubdomain, name, `${field}.name`) : [required(`${field}.nodePublishSecretRef.name`)])];
  },
  ephemeral: ({ volumeClaimTemplate: template }, field, { volume, pod }) => {
    const path = `${field}.volumeClaimTemplate`;
    const errors = template === undefined ? [required(path)] : validateClaimTemplate(template, path);
    if (pod === "" || !volume) return errors;
    const claim = `${pod}-${volume}`;
    const wrong = dnsSubdomain(claim).map((message) =>
      invalid(field.replace(/ephemeral$/, "name"), volume, `PVC name "${claim}": ${message}`),
    );
    return [...errors, ...wrong];
  },
  image: ({ reference, pullPolicy }, field, { pod }) => [
    ...(pod !== "" && !reference ? [required(`${field}.reference`)] : []),
    ...requiredOneOf(pullPolicy, PULL_POLICIES, `${field}.pullPolicy`),
  ],
};

const TOKEN_S_MIN = 600;
const TOKEN_S_MAX = 2 ** 32;

/** Files of several sources in one volume, each under a path of its own. Source: validateProjectionSources. */
function validateProjected({ defaultMode, sources = [] }: ProjectedVolumeSource, field: string): FieldError[] {
  const errors = validateMode(defaultMode, `${field}.defaultMode`);
  const taken = new Set<string>();
  const take = (path: string | undefined, shown: string): void => {
    if (!path) return;
    if (taken.has(path)) errors.push(invalid(field, shown, "conflicting duplicate paths"));
    taken.add(path);
  };
  for (const [index, source] of sources.entries()) {
    const path = `${field}.sources[${index}]`;
    for (const name of ["secret", "configMap"] as const) {
      const keys = source[name];
      if (keys === undefined) continue;
      if (!keys.name) errors.push(required(`${path}.${name}.name`));
      for (const [at, item] of (keys.items ?? []).entries()) {
        errors.push(...validateItem(item, `${path}.${name}.items[${at}]`));
        take(item.path, keys.name ?? "");
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      errors.push(...validateDownwardFile(file, `${path}.downwardAPI`));
      take(file.path, file.path ?? "");
    }
    if (source.serviceAccountToken !== undefined) {
      const { expirationSeconds: seconds = 0, path: file } = source.serviceAccountToken;
      const at = `${path}.serviceAccountToken.expirationSeconds`;
      if (seconds < TOKEN_S_MIN) errors.push(invalid(at, seconds, "may not specify a duration less than 10 minutes"));
      if (seconds > TOKEN_S_MAX) errors.push(invalid(at, seconds, "may not specify a duration larger than 2^32 seconds"));
      errors.push(...(file ? validateFilePath(file, `${field}.path`) : [required(`${field}.path`)]));
    }
    if (Object.keys(source).length > 1) errors.push(forbidden(path, "may not specify more than 1 volume type per source"));
  }
  return errors;
}

const validateSource = oneSource<Volume>(SOURCES);

/** The errors, and the volumes that are valid by name: others cannot be mounted. `pod`: the name of the pod, where there is one already. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  field: string,
  pod: string,
): { errors: FieldError[]; valid: ReadonlyMap<string, Volume> } {
  const errors: FieldError[] = [];
  const valid = new Map<string, Volume>();
  const made = new Set(
    (volumes ?? []).filter(({ ephemeral }) => pod !== "" && ephemeral !== undefined).map(({ name }) => `${pod}-${name}`),
  );
  for (const [index, volume] of (volumes ?? []).entries()) {
    const path = `${field}[${index}]`;
    const own = validateSource(volume, path, { volume: volume.name, pod });
    if (!volume.name) own.push(required(`${path}.name`));
    else for (const message of dnsLabel(volume.name)) own.push(invalid(`${path}.name`, volume.name, message));
    if (valid.has(volume.name)) own.push(duplicate(`${path}.name`, volume.name));
    if (own.length === 0) valid.set(volume.name, volume);
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName ?? "";
    if (made.has(claim)) {
      const words = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(invalid(`${path}.persistentVolumeClaim.claimName`, claim, words));
    }
  }
  return { errors, valid };
}
