/** Where volumes come from, as pods and PersistentVolumes alike name it. Source: pkg/apis/core/validation, validateVolumeSource and ValidatePersistentVolumeSpec. */
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { namedBy, oneOf, requiredName } from "../field-rules.ts";
import type {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  CephFSVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  StorageOSVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from "../generated/types.ts";
import { dnsLabel, rangeWords } from "../names.ts";
import type { FieldError } from "../status.ts";
import { validateNoBacksteps } from "./security-validation.ts";

/** The volume that a source is part of, and the pod that it is in, where there is one already. */
export interface VolumeNames {
  readonly volume: string;
  readonly pod: string;
}
/** The rules of one source; `field` is where it stands. */
export type SourceRule<T> = (source: T, field: string, names: VolumeNames) => FieldError[];
/** The rules of sources by their names, in the order in which Kubernetes looks at them. */
export type SourceRules<T> = { readonly [name in keyof T]?: SourceRule<NonNullable<T[name]>> };

const BYTE_MAX = 255;
const TENANT_CHARS_MAX = 64;

/** A source of which no more is asked than that it says these things. */
export function needs<T>(...names: readonly (keyof T & string)[]): (source: T, field: string) => FieldError[] {
  return (source, field) =>
    names
      .filter((name) => ((source[name] as string | readonly unknown[] | undefined)?.length ?? 0) === 0)
      .map((name) => required(`${field}.${name}`));
}

/** What a secret reference must say, where there is one. */
export function secretNames(reference: object | undefined, field: string, ...names: readonly string[]): FieldError[] {
  if (reference === undefined) return [];
  return names.filter((name) => !(reference as Readonly<Record<string, unknown>>)[name]).map((name) => required(`${field}.${name}`));
}

/** The whole disk is 0, which the words leave out. */
function validatePartition(partition: number | undefined, field: string): FieldError[] {
  return (partition ?? 0) < 0 || (partition ?? 0) > BYTE_MAX ? [invalid(field, partition, rangeWords(1, BYTE_MAX))] : [];
}

function validateLun(lun: number | undefined, field: string): FieldError[] {
  return (lun ?? 0) < 0 || (lun ?? 0) > BYTE_MAX ? [invalid(field, lun, rangeWords(0, BYTE_MAX))] : [];
}

const QUALIFIED_NAME = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/;
const INITIATORS: Readonly<Record<string, RegExp>> = { iqn: QUALIFIED_NAME, eui: /^eui.[A-Za-z0-9]{16}$/, naa: /^naa.[A-Za-z0-9]{32}$/ };

/** `unknown`: what is said of a name of another kind. */
function validateInitiator(name: string, field: string, unknown: string): FieldError[] {
  const pattern = INITIATORS[name.slice(0, 3)];
  if (pattern === undefined) return [invalid(field, name, unknown)];
  return pattern.test(name) ? [] : [invalid(field, name, "must be valid format")];
}

type Target = Omit<ISCSIVolumeSource, "secretRef"> & { readonly secretRef?: object };

const TARGET_NAME_CHARS_MAX = 64;

/** `volume`: the name of the volume that it is about; it must be short together with the portal. */
export function targetNameTooLong({ initiatorName, targetPortal }: Target, volume: string): string | undefined {
  if (initiatorName === undefined || `${volume}:${targetPortal ?? ""}`.length <= TARGET_NAME_CHARS_MAX) return undefined;
  return "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
}

/** All but the portal. `unknown`: what is said of names that are none of an initiator; `secret`: what is wrong with the reference to one. */
export function validateTarget(iscsi: Target, field: string, unknown: string, secret: readonly FieldError[] = []): FieldError[] {
  const { iqn, lun, chapAuthDiscovery, chapAuthSession, secretRef, initiatorName } = iscsi;
  return [
    ...(iqn ? validateInitiator(iqn, `${field}.iqn`, unknown) : [required(`${field}.iqn`)]),
    ...validateLun(lun, `${field}.lun`),
    ...((chapAuthDiscovery || chapAuthSession) && secretRef === undefined ? [required(`${field}.secretRef`)] : []),
    ...secret,
    ...(initiatorName === undefined ? [] : validateInitiator(initiatorName, `${field}.initiatorname`, unknown)),
  ];
}

/** Source: validateStorageOSVolumeSource. */
export function validateStorageOS({ volumeName, volumeNamespace }: StorageOSVolumeSource, field: string): FieldError[] {
  return [...requiredName(dnsLabel, volumeName, `${field}.volumeName`), ...namedBy(dnsLabel, volumeNamespace, `${field}.volumeNamespace`)];
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

function validateHostPath({ path, type }: HostPathVolumeSource, field: string): FieldError[] {
  if (!path) return [required(`${field}.path`)];
  return [...validateNoBacksteps(path, `${field}.path`), ...oneOf(type, HOST_PATH_TYPES, `${field}.type`)];
}

function validateFlocker({ datasetName = "", datasetUUID = "" }: FlockerVolumeSource, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (datasetName === "" && datasetUUID === "") errors.push(required(field, "one of datasetName and datasetUUID is required"));
  if (datasetName !== "" && datasetUUID !== "") {
    errors.push(invalid(field, "resource", "datasetName and datasetUUID can not be specified simultaneously"));
  }
  if (datasetName.includes("/")) errors.push(invalid(`${field}.datasetName`, datasetName, "must not contain '/'"));
  return errors;
}

function validateNfs(nfs: NFSVolumeSource, field: string): FieldError[] {
  const errors = needs<NFSVolumeSource>("server", "path")(nfs, field);
  return nfs.path?.startsWith("/") ? errors : [...errors, invalid(`${field}.path`, nfs.path ?? "", "must be an absolute path")];
}

/** `host:port`, the host in brackets where it has colons of its own. Source: net.SplitHostPort. */
const HOST_PORT = /^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/;

function validateQuobyte({ registry, tenant = "", volume }: QuobyteVolumeSource, field: string): FieldError[] {
  const words = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (!registry) errors.push(required(`${field}.registry`, words));
  else if (tenant.length > TENANT_CHARS_MAX) {
    errors.push(required(`${field}.tenant`, "must be a UUID and may not exceed a length of 64 characters"));
  } else for (const pair of registry.split(",")) if (!HOST_PORT.test(pair)) errors.push(invalid(`${field}.registry`, registry, words));
  return volume ? errors : [...errors, required(`${field}.volume`)];
}

function validateFibreChannel({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, field: string): FieldError[] {
  const path = `${field}.targetWWNs`;
  if (targetWWNs.length === 0) {
    return wwids.length > 0 ? [] : [required(path, "must specify either targetWWNs or wwids, but not both")];
  }
  const errors = wwids.length > 0 ? [invalid(path, targetWWNs, "targetWWNs and wwids can not be specified simultaneously")] : [];
  if (lun === undefined) return [...errors, required(`${field}.lun`, "lun is required if targetWWNs is specified")];
  return [...errors, ...validateLun(lun, `${field}.lun`)];
}

function validateFlex(flex: Omit<FlexVolumeSource, "secretRef">, field: string): FieldError[] {
  const errors = flex.driver ? [] : [required(`${field}.driver`)];
  for (const key of Object.keys(flex.options ?? {})) {
    const [domain = ""] = key.split("/");
    if (!/(^|\.)(kubernetes|k8s)\.io$/i.test(domain)) continue;
    errors.push(invalid(`${field}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved"));
  }
  return errors;
}

const CACHING_MODES: readonly string[] = ["None", "ReadOnly", "ReadWrite"];
const DISK_KINDS: readonly string[] = ["Dedicated", "Managed", "Shared"];
const MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

function validateAzureDisk(disk: AzureDiskVolumeSource, field: string): FieldError[] {
  const { cachingMode, kind, diskURI = "" } = disk;
  const errors = [
    ...needs<AzureDiskVolumeSource>("diskName", "diskURI")(disk, field),
    ...oneOf(cachingMode, CACHING_MODES, `${field}.cachingMode`),
    ...oneOf(kind, DISK_KINDS, `${field}.kind`),
  ];
  if (kind === undefined) return errors;
  const [start, shown] = kind === "Managed" ? ["/subscriptions/", MANAGED_URI] : ["https://", BLOB_URI];
  return diskURI.startsWith(start) ? errors : [...errors, notSupported(`${field}.diskURI`, diskURI, [shown])];
}

const validateGceDisk: SourceRule<GCEPersistentDiskVolumeSource> = ({ pdName, partition }, field) => {
  const path = field.replace(/gcePersistentDisk$/, "persistentDisk");
  return [...(pdName ? [] : [required(`${path}.pdName`)]), ...validatePartition(partition, `${path}.partition`)];
};

/** Sources that have the same rules in pods and PersistentVolumes. */
interface Shared {
  readonly hostPath: SourceRule<HostPathVolumeSource>;
  readonly gcePersistentDisk: SourceRule<GCEPersistentDiskVolumeSource>;
  readonly awsElasticBlockStore: SourceRule<AWSElasticBlockStoreVolumeSource>;
  readonly flocker: SourceRule<FlockerVolumeSource>;
  readonly nfs: SourceRule<NFSVolumeSource>;
  readonly rbd: SourceRule<Pick<RBDVolumeSource, "monitors" | "image">>;
  readonly quobyte: SourceRule<QuobyteVolumeSource>;
  readonly cephfs: SourceRule<Pick<CephFSVolumeSource, "monitors">>;
  readonly fc: SourceRule<FCVolumeSource>;
  readonly flexVolume: SourceRule<Omit<FlexVolumeSource, "secretRef">>;
  readonly vsphereVolume: SourceRule<VsphereVirtualDiskVolumeSource>;
  readonly photonPersistentDisk: SourceRule<PhotonPersistentDiskVolumeSource>;
  readonly portworxVolume: SourceRule<PortworxVolumeSource>;
  readonly azureDisk: SourceRule<AzureDiskVolumeSource>;
  readonly scaleIO: SourceRule<Omit<ScaleIOVolumeSource, "secretRef">>;
}

export const SHARED: Shared = {
  hostPath: validateHostPath,
  gcePersistentDisk: validateGceDisk,
  awsElasticBlockStore: ({ volumeID, partition }, field) => [
    ...(volumeID ? [] : [required(`${field}.volumeID`)]),
    ...validatePartition(partition, `${field}.partition`),
  ],
  flocker: validateFlocker,
  nfs: validateNfs,
  rbd: needs("monitors", "image"),
  quobyte: validateQuobyte,
  cephfs: needs("monitors"),
  fc: validateFibreChannel,
  flexVolume: validateFlex,
  vsphereVolume: needs("volumePath"),
  photonPersistentDisk: needs("pdID"),
  portworxVolume: needs("volumeID"),
  azureDisk: validateAzureDisk,
  scaleIO: needs("gateway", "system", "volumeName"),
};

/** How a second source is named when it is refused, where Kubernetes names it otherwise. */
const OTHER_NAMES: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };

/** A volume comes from exactly one source. */
export function oneSource<T extends object>(rules: SourceRules<T>): SourceRule<T> {
  const known = Object.keys(rules) as (keyof T & string)[];
  return (volume, field, names) => {
    const errors: FieldError[] = [];
    let found = false;
    for (const name of known) {
      const source = volume[name];
      if (source === undefined || source === null) continue;
      if (found) errors.push(forbidden(`${field}.${OTHER_NAMES[name] ?? name}`, "may not specify more than 1 volume type"));
      else errors.push(...(rules[name]?.(source, `${field}.${name}`, names) ?? []));
      found = true;
    }
    return found ? errors : [...errors, required(field, "must specify a volume type")];
  };
}
