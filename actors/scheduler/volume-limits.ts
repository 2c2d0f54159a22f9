import { type VolumeUse, volumeLimit } from "../../scheduler-core/mod.ts";
import { storageClassOf } from "../kinds/core/claim-rules.ts";
import type {
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
  Pod,
  StorageClass,
  Volume,
} from "../kinds/generated/types.ts";
import { keyFor } from "../kinds/kind.ts";
import { StorageClassKind } from "../kinds/storage/storage-class.ts";
import type { Objects } from "./objects.ts";
import type { Amounts } from "./resource-needs.ts";
import { claimOf } from "./volumes.ts";

/** Drivers that stand for volumes of the time before drivers: by the field of the volume, and by the provisioner. Source: csi-translation-lib. */
const MIGRATED_FIELDS = {
  awsElasticBlockStore: "ebs.csi.aws.com",
  azureDisk: "disk.csi.azure.com",
  cinder: "cinder.csi.openstack.org",
  gcePersistentDisk: "pd.csi.storage.gke.io",
  portworxVolume: "pxd.portworx.com",
  vsphereVolume: "csi.vsphere.vmware.com",
} as const;
const MIGRATED_PROVISIONERS: Readonly<Record<string, string>> = {
  "kubernetes.io/aws-ebs": MIGRATED_FIELDS.awsElasticBlockStore,
  "kubernetes.io/azure-disk": MIGRATED_FIELDS.azureDisk,
  "kubernetes.io/cinder": MIGRATED_FIELDS.cinder,
  "kubernetes.io/gce-pd": MIGRATED_FIELDS.gcePersistentDisk,
  "kubernetes.io/portworx-volume": MIGRATED_FIELDS.portworxVolume,
  "kubernetes.io/vsphere-volume": MIGRATED_FIELDS.vsphereVolume,
};

/**
 * The volumes of a pod that count against the limits of nodes. A claim has one volume, so it is told from others by the claim, bound
 * or not. Source: NodeVolumeLimits.
 */
export function attachedBy(view: Objects, pod: Pod): VolumeUse[] {
  const uses: VolumeUse[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimOf(pod, volume);
    const use = name === undefined ? inlineUse(volume) : claimUse(view, `${pod.metadata.namespace}/${name}`);
    if (use !== undefined) uses.push(use);
  }
  return uses;
}

/** What a node's drivers let it attach, as amounts that it allocates. */
export function limitsOf(node: CSINode | undefined): Amounts {
  const limits: Amounts = {};
  for (const { name, allocatable } of node?.spec.drivers ?? []) {
    // One more, so that none is told apart from no limit.
    if (allocatable?.count !== undefined) limits[volumeLimit(name)] = allocatable.count + 1;
  }
  return limits;
}

function inlineUse(volume: Volume): VolumeUse | undefined {
  const driver = migratedDriver(volume);
  return driver === undefined ? undefined : { driver, volume: JSON.stringify({ ...volume, name: undefined }) };
}

function claimUse(view: Objects, key: string): VolumeUse | undefined {
  const claim = view.get<PersistentVolumeClaim>(`persistentvolumeclaims/${key}`);
  if (claim === undefined) return undefined;
  const { volumeName } = claim.spec;
  const volume = volumeName ? view.get<PersistentVolume>(`persistentvolumes/${volumeName}`) : undefined;
  const driver = volume === undefined ? provisionerOf(view, claim) : (volume.spec?.csi?.driver ?? migratedDriver(volume.spec ?? {}));
  return driver === undefined ? undefined : { driver, volume: key };
}

function provisionerOf(view: Objects, claim: PersistentVolumeClaim): string | undefined {
  const name = storageClassOf(claim);
  const provisioner = name === "" ? undefined : view.get<StorageClass>(keyFor(StorageClassKind, undefined, name))?.provisioner;
  return provisioner === undefined ? undefined : (MIGRATED_PROVISIONERS[provisioner] ?? provisioner);
}

function migratedDriver(volume: Volume | PersistentVolumeSpec): string | undefined {
  for (const [field, driver] of Object.entries(MIGRATED_FIELDS)) if (field in volume) return driver;
  return undefined;
}
