import { CLASS_ANNOTATION, SELECTED_NODE, storageClassOf } from "../../kinds/core/claim-rules.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolumeClaim, Pod, StorageClass } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { isDefaultClass, StorageClassKind } from "../../kinds/storage/storage-class.ts";
import { defaultClass } from "../../registry/admission/default-class.ts";
import type { View } from "../../store/view.ts";
import { modify, normal, regarding, warning } from "../actions.ts";
import { type Action, NOTHING } from "../controller.ts";
import { isOver, podsByClaim } from "./pod-claim-index.ts";

const CLASSES = "storageclasses.storage.k8s.io";
const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner";
const IN_TREE = "kubernetes.io/";
const HOST_PATH = "kubernetes.io/host-path";
const NFS = "kubernetes.io/nfs";
/** The drivers that do what plugins in the tree once did. Source: k8s.io/csi-translation-lib. */
const DRIVERS: Readonly<Record<string, string>> = {
  "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
  "kubernetes.io/azure-disk": "disk.csi.azure.com",
  "kubernetes.io/azure-file": "file.csi.azure.com",
  "kubernetes.io/cinder": "cinder.csi.openstack.org",
  "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
  "kubernetes.io/portworx-volume": "pxd.portworx.com",
  "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
};

export function classOf(view: View, claim: PersistentVolumeClaim): StorageClass | undefined {
  const name = storageClassOf(claim);
  return name === "" ? undefined : view.get<StorageClass>(keyFor(StorageClassKind, undefined, name));
}

/** The scheduler chooses its volume, or says where one is to be made. Source: IsDelayBindingMode. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

/** What is done for a claim for which there is no volume, and what it is told. Needs podsByClaim. */
export function provision(view: View, claim: PersistentVolumeClaim): readonly Action[] {
  const about = regarding(PersistentVolumeClaimKind, claim);
  const className = storageClassOf(claim);
  const storageClass = classOf(view, claim);
  if (waitsForConsumer(storageClass) && claim.metadata.annotations?.[SELECTED_NODE] === undefined) {
    const [reason, message] = whomItWaitsFor(view, claim);
    return [{ do: "event", note: normal(about, reason, message) }];
  }
  if (className === "") {
    const message = "no persistent volumes available for this claim and no storage class is set";
    return [{ do: "event", note: normal(about, "FailedBinding", message) }];
  }
  if (storageClass === undefined) {
    return [{ do: "event", note: warning(about, "ProvisioningFailed", `storageclass.storage.k8s.io "${className}" not found`) }];
  }
  const { provisioner: named } = storageClass;
  const provisioner = DRIVERS[named] ?? named;
  if (provisioner.startsWith(IN_TREE)) return inTree(claim, storageClass);
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return [...announce(claim, provisioner), { do: "event", note: normal(about, "ExternalProvisioning", message) }];
}

/** Plugins in the tree make no volumes any more, or not unless asked to (--enable-hostpath-provisioner). Source: provisionClaim, provisionClaimOperation. */
function inTree(claim: PersistentVolumeClaim, { metadata: { name }, provisioner, mountOptions = [] }: StorageClass): readonly Action[] {
  const failed = (why: string): Action => ({
    do: "event",
    note: warning(regarding(PersistentVolumeClaimKind, claim), "ProvisioningFailed", why),
  });
  if (provisioner === NFS) return [failed("no provisionable volume plugin matched")];
  if (provisioner !== HOST_PATH) return [failed(`no volume plugin matched name: ${provisioner}`)];
  if (claim.spec.dataSource !== undefined)
    return [failed(`plugin "${HOST_PATH}" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource`)];
  const why =
    mountOptions.length > 0
      ? `Mount options are not supported by the provisioner but StorageClass ${JSON.stringify(name)} has mount options [${mountOptions.join(" ")}]`
      : `Failed to create provisioner: provisioning in volume plugin "${HOST_PATH}" is disabled`;
  return [...announce(claim, provisioner), failed(why)];
}

/** Source: emitEventForUnboundDelayBindingClaim. */
function whomItWaitsFor(
  view: View,
  { metadata: { namespace = "", name } }: PersistentVolumeClaim,
): readonly [reason: string, message: string] {
  const names = view
    .byIndex(podsByClaim.name, keyFor(PersistentVolumeClaimKind, namespace, name))
    .map((entry) => view.decode<Pod>(entry))
    .filter((pod) => !pod.spec.nodeName && !isOver(pod))
    .map((pod) => pod.metadata.name);
  if (names.length === 0) return ["WaitForFirstConsumer", "waiting for first consumer to be created before binding"];
  return ["WaitForPodScheduled", `waiting for ${names.length > 1 ? "pods" : "pod"} ${names.join(",")} to be scheduled`];
}

/** Tells the provisioner that the claim is its. Source: setClaimProvisioner. */
function announce(claim: PersistentVolumeClaim, provisioner: string): readonly Action[] {
  if (claim.metadata.annotations?.[PROVISIONER] === provisioner) return NOTHING;
  return [
    modify(PersistentVolumeClaimKind, claim, (current) => {
      const annotations = { ...current.metadata.annotations, [BETA_PROVISIONER]: provisioner, [PROVISIONER]: provisioner };
      return { ...current, metadata: { ...current.metadata, annotations } };
    }),
  ];
}

/** A claim that came before there was a default class gets it now. Undefined: it has said of which class it is, or there is none. Source: assignDefaultStorageClass. */
export function givenDefaultClass(view: View, claim: PersistentVolumeClaim): Action | undefined {
  if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return undefined;
  const chosen = defaultClass<StorageClass>({ view }, CLASSES, isDefaultClass);
  if (chosen === undefined) return undefined;
  return modify(PersistentVolumeClaimKind, claim, (current) => ({
    ...current,
    spec: { ...current.spec, storageClassName: chosen.metadata.name },
  }));
}
