/** Volumes of a pod. Source: ValidateVolumes of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume } from "../generated/types.ts";
import { validateAnnotations, validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateDriverName } from "../storage/driver-name.ts";
import { validateClaimSpec } from "./claim-rules.ts";
import { VOLUME_FIELDS, validateFieldRef, validateResourceRef } from "./downward-validation.ts";
import { validateDescendingPath } from "./security-validation.ts";

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

type SourceRule = (volume: Volume, field: string, pod: string) => FieldError[];

/** A source of which no more is asked than that it says these things. */
function needs(source: keyof Volume, ...names: readonly string[]): SourceRule {
  return (volume, field) => {
    const said = (volume[source] ?? {}) as unknown as Readonly<Record<string, string | readonly string[] | undefined>>;
    return names.filter((name) => (said[name]?.length ?? 0) === 0).map((name) => required(`${field}.${name}`));
  };
}

/** The rules of each source, in the order in which Kubernetes looks at them. Sources without rules of note only count. */
const SOURCES: Readonly<Record<string, SourceRule>> = {
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
  gitRepo: needs("gitRepo", "repository"),
  gcePersistentDisk: needs("gcePersistentDisk", "pdName"),
  awsElasticBlockStore: needs("awsElasticBlockStore", "volumeID"),
  secret: (volume, field) => [
    ...(volume.secret?.secretName ? [] : [required(`${field}.secretName`)]),
    ...validateMode(volume.secret?.defaultMode, `${field}.defaultMode`),
    ...validateItems(volume.secret?.items, `${field}.items`),
  ],
  nfs: (volume, field) => {
    const { server, path } = volume.nfs ?? {};
    const errors = server ? [] : [required(`${field}.server`)];
    if (!path) errors.push(required(`${field}.path`));
    if (!path?.startsWith("/")) errors.push(invalid(`${field}.path`, path ?? "", "must be an absolute path"));
    return errors;
  },
  iscsi: needs("iscsi", "targetPortal", "iqn"),
  glusterfs: needs("glusterfs", "endpoints", "path"),
  flocker: () => [],
  persistentVolumeClaim: needs("persistentVolumeClaim", "claimName"),
  rbd: needs("rbd", "monitors", "image"),
  cinder: needs("cinder", "volumeID"),
  cephfs: needs("cephfs", "monitors"),
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
  azureFile: needs("azureFile", "secretName", "shareName"),
  flexVolume: needs("flexVolume", "driver"),
  vsphereVolume: needs("vsphereVolume", "volumePath"),
  photonPersistentDisk: needs("photonPersistentDisk", "pdID"),
  portworxVolume: needs("portworxVolume", "volumeID"),
  azureDisk: needs("azureDisk", "diskName", "diskURI"),
  storageos: needs("storageos", "volumeName"),
  projected: ({ projected }, field) => (projected === undefined ? [] : validateProjected(projected, field)),
  scaleIO: needs("scaleIO", "gateway", "system", "volumeName"),
  csi: ({ csi }, field) => {
    const errors = validateDriverName(csi?.driver ?? "", `${field}.driver`);
    if (csi?.nodePublishSecretRef === undefined) return errors;
    const { name } = csi.nodePublishSecretRef;
    return [...errors, ...(name ? namedBy(dnsSubdomain, name, `${field}.name`) : [required(`${field}.nodePublishSecretRef.name`)])];
  },
  ephemeral: ({ name, ephemeral }, field, pod) => {
    const template = ephemeral?.volumeClaimTemplate;
    const path = `${field}.volumeClaimTemplate`;
    if (template === undefined) return [required(path)];
    const errors = [
      ...validateLabels(template.metadata?.labels, `${path}.metadata.labels`),
      ...validateAnnotations(template.metadata?.annotations, `${path}.metadata.annotations`),
      ...validateClaimSpec(template.spec, `${path}.spec`),
    ];
    if (pod === "" || !name) return errors;
    const claim = `${pod}-${name}`;
    const wrong = dnsSubdomain(claim).map((message) =>
      invalid(field.replace(/ephemeral$/, "name"), name, `PVC name "${claim}": ${message}`),
    );
    return [...errors, ...wrong];
  },
  image: () => [],
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

const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES);

function validateSource(volume: Volume, field: string, pod: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  for (const name of SOURCE_NAMES) {
    if (!(name in volume)) continue;
    if (found) errors.push(forbidden(`${field}.${name}`, "may not specify more than 1 volume type"));
    else errors.push(...(SOURCES[name]?.(volume, `${field}.${name}`, pod) ?? []));
    found = true;
  }
  if (!found) errors.push(required(field, "must specify a volume type"));
  return errors;
}

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
    const own = validateSource(volume, path, pod);
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
