import { ReplicaSetKind } from "../kinds/apps/replica-set.ts";
import { StatefulSetKind } from "../kinds/apps/stateful-set.ts";
import { NamespaceKind } from "../kinds/core/namespace.ts";
import { NodeKind } from "../kinds/core/node.ts";
import { PersistentVolumeKind } from "../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../kinds/core/pod.ts";
import { ReplicationControllerKind } from "../kinds/core/replication-controller.ts";
import { ServiceKind } from "../kinds/core/service.ts";
import { type Kind, resourceOf } from "../kinds/kind.ts";
import { PodDisruptionBudgetKind } from "../kinds/policy/pod-disruption-budget.ts";
import { DeviceClassKind } from "../kinds/resource/device-class.ts";
import { ResourceClaimKind } from "../kinds/resource/resource-claim.ts";
import { ResourceSliceKind } from "../kinds/resource/resource-slice.ts";
import { POD_GROUPS } from "../kinds/scheduling/pod-group.ts";
import { CSIDriverKind } from "../kinds/storage/csi-driver.ts";
import { CSINodeKind } from "../kinds/storage/csi-node.ts";
import { CSIStorageCapacityKind } from "../kinds/storage/csi-storage-capacity.ts";
import { StorageClassKind } from "../kinds/storage/storage-class.ts";
import { VolumeAttachmentKind } from "../kinds/storage/volume-attachment.ts";

type Named = Pick<Kind, "group" | "version" | "plural">;

/** Whose changes a shard hears of, in the order in which a change of one is of use to the next. */
const WATCHED: readonly Named[] = [
  NamespaceKind,
  NodeKind,
  PersistentVolumeKind,
  PersistentVolumeClaimKind,
  StorageClassKind,
  CSIDriverKind,
  CSIStorageCapacityKind,
  CSINodeKind,
  VolumeAttachmentKind,
  ServiceKind,
  DeviceClassKind,
  ResourceSliceKind,
  ResourceClaimKind,
  PodKind,
];
/** What is looked up when a pod names it. */
const LOOKED_UP: readonly Named[] = [ReplicaSetKind, StatefulSetKind, ReplicationControllerKind, PodDisruptionBudgetKind];

export const WATCHED_RESOURCES: readonly string[] = [POD_GROUPS, ...WATCHED.map(resourceOf)];

/** All that the scheduler reads: the resource, and where the API has it. */
export const RESOURCES_READ: readonly { readonly resource: string; readonly path: string }[] = [...WATCHED, ...LOOKED_UP].map((kind) => ({
  resource: resourceOf(kind),
  path: `${kind.group === "" ? "/api" : `/apis/${kind.group}`}/${kind.version}/${kind.plural}`,
}));
