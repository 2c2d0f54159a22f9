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

/** A driver that stands for the volumes of a plugin of the time before drivers. */
interface Migration {
  /** The plugin, which is also its provisioner. */
  readonly plugin: string;
  /** The field of a volume that is the plugin's. */
  readonly field: keyof Volume & keyof PersistentVolumeSpec;
  readonly driver: string;
  /** Only on nodes whose CSINode says that it does. */
  readonly isAnnounced?: true;
}

/** Those that NodeVolumeLimits knows; what other plugins attach is not counted. Source: isCSIMigrationOn, csi-translation-lib. */
const MIGRATIONS: readonly Migration[] = [
  { plugin: "kubernetes.io/aws-ebs", field: "awsElasticBlockStore", driver: "ebs.csi.aws.com" },
  { plugin: "kubernetes.io/azure-disk", field: "azureDisk", driver: "disk.csi.azure.com" },
  { plugin: "kubernetes.io/cinder", field: "cinder", driver: "cinder.csi.openstack.org" },
  { plugin: "kubernetes.io/gce-pd", field: "gcePersistentDisk", driver: "pd.csi.storage.gke.io" },
  { plugin: "kubernetes.io/portworx-volume", field: "portworxVolume", driver: "pxd.portworx.com", isAnnounced: true },
];
/** Plugins with a driver in their stead that counts nowhere. */
const UNCOUNTED_PROVISIONERS: readonly string[] = ["kubernetes.io/azure-file", "kubernetes.io/vsphere-volume"];
const MIGRATED_PLUGINS = "storage.alpha.kubernetes.io/migrated-plugins";

/** Whose limit a volume counts against. */
type Counted = Pick<VolumeUse, "driver" | "plugin">;

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

/** The plugins that a node's drivers have replaced. */
export function replacedOn(node: CSINode | undefined): string[] {
  return node?.metadata.annotations?.[MIGRATED_PLUGINS]?.split(",") ?? [];
}

function inlineUse(volume: Volume): VolumeUse | undefined {
  const counted = migrated(volume);
  return counted === undefined ? undefined : { ...counted, volume: JSON.stringify({ ...volume, name: undefined }) };
}

function claimUse(view: Objects, key: string): VolumeUse | undefined {
  const claim = view.get<PersistentVolumeClaim>(`persistentvolumeclaims/${key}`);
  if (claim === undefined) return undefined;
  const { volumeName } = claim.spec;
  const volume = volumeName ? view.get<PersistentVolume>(`persistentvolumes/${volumeName}`) : undefined;
  if (volume === undefined) {
    const counted = provisionerOf(view, claim);
    return counted === undefined ? undefined : { ...counted, volume: key };
  }
  const driver = volume.spec?.csi?.driver;
  const counted = driver === undefined ? migrated(volume.spec ?? {}) : { driver };
  return counted === undefined ? undefined : { ...counted, volume: key };
}

function provisionerOf(view: Objects, claim: PersistentVolumeClaim): Counted | undefined {
  const name = storageClassOf(claim);
  const provisioner = name === "" ? undefined : view.get<StorageClass>(keyFor(StorageClassKind, undefined, name))?.provisioner;
  if (provisioner === undefined || UNCOUNTED_PROVISIONERS.includes(provisioner)) return undefined;
  const migration = MIGRATIONS.find(({ plugin }) => plugin === provisioner);
  return migration === undefined ? { driver: provisioner } : countedOf(migration);
}

function migrated(volume: Volume | PersistentVolumeSpec): Counted | undefined {
  const migration = MIGRATIONS.find(({ field }) => field in volume);
  return migration === undefined ? undefined : countedOf(migration);
}

function countedOf({ driver, plugin, isAnnounced }: Migration): Counted {
  return isAnnounced === true ? { driver, plugin } : { driver };
}
