/** Volumes of a pod. Source: ValidateVolumes of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { DownwardAPIVolumeFile, KeyToPath, Volume } from "../generated/types.ts";
import { dnsLabel } from "../names.ts";
import type { FieldError } from "../status.ts";
import { VOLUME_FIELDS, validateFieldRef, validateResourceRef } from "./downward-validation.ts";
import { validateDescendingPath } from "./security-validation.ts";

const MODE_MAX = 0o777;
const MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive";

function validateMode(mode: number | undefined, field: string): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= MODE_MAX) ? [] : [invalid(field, mode, MODE_WORDS)];
}

function validateItems(items: readonly KeyToPath[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, item] of (items ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (!item.key) errors.push(required(`${path}.key`));
    if (!item.path) errors.push(required(`${path}.path`));
    else errors.push(...validateDescendingPath(item.path, `${path}.path`));
    errors.push(...validateMode(item.mode, `${path}.mode`));
  }
  return errors;
}

function validateDownwardFile(file: DownwardAPIVolumeFile, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!file.path) errors.push(required(`${field}.path`));
  errors.push(...validateDescendingPath(file.path ?? "", `${field}.path`));
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

const HOST_PATH_TYPES: readonly string[] = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** The rules of each source, in the order in which Kubernetes looks at them. Sources without rules of note only count. */
const SOURCES: Readonly<Record<string, (volume: Volume, field: string) => FieldError[]>> = {
  emptyDir: (volume, field) => {
    const limit = volume.emptyDir?.sizeLimit;
    return limit?.startsWith("-") ? [forbidden(`${field}.sizeLimit`, "SizeLimit field must be a valid resource quantity")] : [];
  },
  hostPath: (volume, field) => {
    const { path = "", type = "" } = volume.hostPath ?? {};
    if (path === "") return [required(`${field}.path`)];
    const errors = path.split("/").includes("..") ? [invalid(`${field}.path`, path, "must not contain '..'")] : [];
    if (!HOST_PATH_TYPES.includes(type)) errors.push(notSupported(`${field}.type`, type, HOST_PATH_TYPES));
    return errors;
  },
  gitRepo: (volume, field) => (volume.gitRepo?.repository ? [] : [required(`${field}.repository`)]),
  gcePersistentDisk: (volume, field) => (volume.gcePersistentDisk?.pdName ? [] : [required(`${field}.pdName`)]),
  awsElasticBlockStore: (volume, field) => (volume.awsElasticBlockStore?.volumeID ? [] : [required(`${field}.volumeID`)]),
  secret: (volume, field) => [
    ...(volume.secret?.secretName ? [] : [required(`${field}.secretName`)]),
    ...validateMode(volume.secret?.defaultMode, `${field}.defaultMode`),
    ...validateItems(volume.secret?.items, `${field}.items`),
  ],
  nfs: (volume, field) => {
    const { server, path } = volume.nfs ?? {};
    const errors = server ? [] : [required(`${field}.server`)];
    if (!path) errors.push(required(`${field}.path`));
    else if (!path.startsWith("/")) errors.push(invalid(`${field}.path`, path, "must be an absolute path"));
    return errors;
  },
  iscsi: () => [],
  glusterfs: () => [],
  flocker: () => [],
  persistentVolumeClaim: (volume, field) => (volume.persistentVolumeClaim?.claimName ? [] : [required(`${field}.claimName`)]),
  rbd: () => [],
  cinder: () => [],
  cephfs: () => [],
  downwardAPI: (volume, field) => [
    ...validateMode(volume.downwardAPI?.defaultMode, `${field}.defaultMode`),
    ...(volume.downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, field)),
  ],
  fc: () => [],
  configMap: (volume, field) => [
    ...(volume.configMap?.name ? [] : [required(`${field}.name`)]),
    ...validateMode(volume.configMap?.defaultMode, `${field}.defaultMode`),
    ...validateItems(volume.configMap?.items, `${field}.items`),
  ],
  azureFile: () => [],
  flexVolume: () => [],
  vsphereVolume: () => [],
  photonPersistentDisk: () => [],
  portworxVolume: () => [],
  azureDisk: () => [],
  storageos: () => [],
  projected: (volume, field) => {
    const errors = validateMode(volume.projected?.defaultMode, `${field}.defaultMode`);
    for (const [index, source] of (volume.projected?.sources ?? []).entries()) {
      const path = `${field}.sources[${index}]`;
      const kinds = Object.keys(source);
      if (kinds.length > 1) errors.push(forbidden(`${path}.${kinds[1]}`, "may not specify more than 1 volume type per source"));
      if (kinds.length === 0) errors.push(required(path, "must specify a volume type"));
      if (source.configMap !== undefined && !source.configMap.name) errors.push(required(`${path}.configMap.name`));
      if (source.secret !== undefined && !source.secret.name) errors.push(required(`${path}.secret.name`));
      errors.push(
        ...validateItems(source.configMap?.items, `${path}.configMap.items`),
        ...validateItems(source.secret?.items, `${path}.secret.items`),
      );
      for (const file of source.downwardAPI?.items ?? []) errors.push(...validateDownwardFile(file, `${path}.downwardAPI`));
      const token = source.serviceAccountToken;
      if (token === undefined) continue;
      const seconds = token.expirationSeconds ?? 0;
      if (seconds < 600)
        errors.push(invalid(`${path}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"));
      if (!token.path) errors.push(required(`${path}.serviceAccountToken.path`));
    }
    return errors;
  },
  scaleIO: () => [],
  csi: (volume, field) => (volume.csi?.driver ? [] : [required(`${field}.driver`)]),
  ephemeral: (volume, field) => (volume.ephemeral?.volumeClaimTemplate ? [] : [required(`${field}.volumeClaimTemplate`)]),
  image: () => [],
};

const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES);

function validateSource(volume: Volume, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const name of SOURCE_NAMES) {
    if (!(name in volume)) continue;
    if (found) errors.push(forbidden(`${field}.${name}`, "may not specify more than 1 volume type"));
    else errors.push(...(SOURCES[name]?.(volume, `${field}.${name}`) ?? []));
    found = true;
  }
  if (!found) errors.push(required(field, "must specify a volume type"));
  return errors;
}

/** The errors, and the names of the volumes that are valid: others cannot be mounted. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  field: string,
): { errors: FieldError[]; names: ReadonlySet<string> } {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const path = `${field}[${index}]`;
    const own = validateSource(volume, path);
    if (!volume.name) own.push(required(`${path}.name`));
    else for (const message of dnsLabel(volume.name)) own.push(invalid(`${path}.name`, volume.name, message));
    if (names.has(volume.name)) own.push(duplicate(`${path}.name`, volume.name));
    if (own.length === 0) names.add(volume.name);
    errors.push(...own);
  }
  return { errors, names };
}
