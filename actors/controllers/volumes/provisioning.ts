/**
 * What provisioners of all kinds have in common: which claims are theirs and when, what a volume says of its claim, and when it is to go. They know claims and volumes by the
 * annotations and finalizers of external provisioners, and by nothing else. Pure. Source: sig-storage-lib-external-provisioner's controller.
 */
import { SELECTED_NODE, storageClassOf } from "../../kinds/core/claim-rules.ts";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec, StorageClass } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { StorageClassKind } from "../../kinds/storage/storage-class.ts";
import type { Regarding } from "../../registry/event-recorder.ts";
import type { Change, View } from "../../store/view.ts";
import { create, modify, newMeta, normal, regarding, remove, warning } from "../actions.ts";
import { type Action, NO_KEYS } from "../controller.ts";

export const VOLUMES = "persistentvolumes";
const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
const FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer";

export function keyNow({ now }: Change): readonly string[] {
  return now === undefined ? NO_KEYS : [now.key];
}

/** A claim that waits for a volume of its provisioner's. */
export interface Provisioning {
  readonly claim: PersistentVolumeClaim;
  readonly storageClass: StorageClass;
  /** Where the pod that waits for it is to run; undefined: nobody waits for that. */
  readonly node: Node | undefined;
  /** Of the volume. */
  readonly name: string;
}

/** Undefined: there is nothing to be made for it, or not yet. */
export function provisioningOf(
  view: View,
  key: string,
  provisioner: string,
): Provisioning | { readonly nodeIsGone: readonly Action[] } | undefined {
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || claim.spec.volumeName) return undefined;
  const { annotations = {}, uid } = claim.metadata;
  if (annotations[PROVISIONER] !== provisioner) return undefined;
  const storageClass = view.get<StorageClass>(keyFor(StorageClassKind, undefined, storageClassOf(claim)));
  if (storageClass?.provisioner !== provisioner) return undefined;
  const selected = annotations[SELECTED_NODE];
  if (selected === undefined && storageClass.volumeBindingMode === "WaitForFirstConsumer") return undefined;
  const name = `pvc-${uid}`;
  if (view.entry(`${VOLUMES}/${name}`) !== undefined) return undefined;
  const node = selected === undefined ? undefined : view.get<Node>(`nodes/${selected}`);
  const wanted = { claim, storageClass, node, name };
  if (selected === undefined || node !== undefined) return wanted;
  return { nodeIsGone: [provisioningFailed(wanted, `node ${JSON.stringify(selected)} not found`), ...chooseAgain(wanted)] };
}

export function provisioningFailed({ claim, storageClass }: Provisioning, why: string): Action {
  const message = `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${why}`;
  return { do: "event", note: warning(regarding(PersistentVolumeClaimKind, claim), "ProvisioningFailed", message) };
}

export function provisioningBegun({ claim }: Provisioning): Action {
  const { namespace, name } = claim.metadata;
  const message = `External provisioner is provisioning volume for claim "${namespace}/${name}"`;
  return { do: "event", note: normal(regarding(PersistentVolumeClaimKind, claim), "Provisioning", message) };
}

/** The scheduler chooses another node. */
export function chooseAgain({ claim }: Provisioning): readonly Action[] {
  const selected = claim.metadata.annotations?.[SELECTED_NODE];
  if (selected === undefined) return [];
  const unselect = modify(PersistentVolumeClaimKind, claim, (current) => {
    const { [SELECTED_NODE]: now, ...annotations } = current.metadata.annotations ?? {};
    return now === selected ? { ...current, metadata: { ...current.metadata, annotations } } : undefined;
  });
  return [unselect];
}

/** `source`: what is different with each kind of volume. */
export function provisioned(
  { claim, name }: Provisioning,
  provisioner: string,
  spec: PersistentVolumeSpec,
  annotations: Readonly<Record<string, string>> = {},
): Action {
  const volume: PersistentVolume = {
    metadata: newMeta({ name, annotations: { [PROVISIONED_BY]: provisioner, ...annotations }, finalizers: [FINALIZER] }),
    spec,
  };
  const done = normal(regarding(PersistentVolumeClaimKind, claim), "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  return create(PersistentVolumeKind, volume, { done });
}

/** What a volume says whatever it is made of. */
export function commonSpec({ claim, storageClass }: Provisioning): PersistentVolumeSpec {
  const { name, namespace = "", uid, resourceVersion = "" } = claim.metadata;
  const { reclaimPolicy, mountOptions, metadata } = storageClass;
  return {
    capacity: { storage: claim.spec.resources?.requests?.storage ?? "0" },
    accessModes: [...(claim.spec.accessModes ?? [])],
    persistentVolumeReclaimPolicy: reclaimPolicy ?? "Delete",
    storageClassName: metadata.name,
    volumeMode: claim.spec.volumeMode ?? "Filesystem",
    ...(mountOptions === undefined ? {} : { mountOptions: [...mountOptions] }),
    claimRef: { kind: PersistentVolumeClaimKind.kind, apiVersion: "v1", namespace, name, uid, resourceVersion },
  };
}

export function isMadeBy(volume: PersistentVolume | undefined, provisioner: string): volume is PersistentVolume {
  return volume?.metadata.annotations?.[PROVISIONED_BY] === provisioner;
}

/** A volume whose storage is to be removed. */
export interface Reclaiming {
  readonly volume: PersistentVolume;
  readonly about: Regarding;
  /** When its storage is gone. */
  readonly done: Action;
}

/** Undefined: it stays. Otherwise what is to be done, or that nothing but its finalizer is to go. Source: shouldDelete and syncVolume's finalizer. */
export function reclaimingOf(view: View, key: string, provisioner: string): Reclaiming | { readonly keeps: readonly Action[] } | undefined {
  const volume = view.get<PersistentVolume>(key);
  if (!isMadeBy(volume, provisioner)) return undefined;
  const { deletionTimestamp, finalizers = [] } = volume.metadata;
  const isGoing = deletionTimestamp !== undefined;
  if (isGoing && !finalizers.includes(FINALIZER)) return undefined;
  const phase = volume.status?.phase;
  if (volume.spec?.persistentVolumeReclaimPolicy !== "Delete") return isGoing ? { keeps: [release(volume)] } : undefined;
  if (phase !== "Released" && !(isGoing && phase === "Available")) return undefined;
  const done: Action = { do: "inOrder", steps: isGoing ? [release(volume)] : [remove(PersistentVolumeKind, volume), release(volume)] };
  return { volume, about: regarding(PersistentVolumeKind, volume), done };
}

export function reclaimFailed({ about }: Reclaiming, why: string): Action {
  return { do: "event", note: warning(about, "VolumeFailedDelete", why) };
}

function release(volume: PersistentVolume): Action {
  return modify(PersistentVolumeKind, volume, (current) => {
    const finalizers = current.metadata.finalizers?.filter((one) => one !== FINALIZER) ?? [];
    return { ...current, metadata: { ...current.metadata, finalizers } };
  });
}
