import { SELECTED_NODE, storageClassOf } from "../../kinds/core/claim-rules.ts";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec, StorageClass } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { compareQuantities, parseQuantity } from "../../kinds/machinery/quantity.ts";
import { StorageClassKind } from "../../kinds/storage/storage-class.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { create, modify, modifyStatus, newMeta, normal, regarding, remove, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { CLAIMS } from "./pod-claim-index.ts";
import type { VolumeDirectories } from "./volume-directories.ts";

/** The provisioner of storage classes whose volumes are directories of this machine. */
export const LOCAL_DIRECTORY = "troupe.dev/local-directory";
/** A parameter of such a class. With the value `machine` a volume is for all nodes of the machine at once, and not for the one that was chosen. */
export const SCOPE = "scope";
export const MACHINE_SCOPE = "machine";

const VOLUMES = "persistentvolumes";
const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
const FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer";
const HOSTNAME = "kubernetes.io/hostname";
const SHARED_MODES: readonly string[] = ["ReadWriteMany", "ReadOnlyMany"];
/** What could not be provisioned or removed is tried again after this. */
const RETRY_MS = 60_000;

/**
 * Makes volumes for claims that wait for one of its classes, gives them more room when they ask for it, and removes them as their reclaim policy says: what an external
 * provisioner, resizer and its driver do in Kubernetes, with directories. It promises that a directory is removed only when its claim is gone and its volume says
 * Delete, and never one that is not the volume's own. Source: sig-storage-lib-external-provisioner's controller.
 */
export function volumeProvisioner(directories: VolumeDirectories | undefined): Controller {
  const unlessNowhere = (keys: Controller["watches"][number]["keys"]) => (directories === undefined ? () => NO_KEYS : keys);
  return {
    name: "volume-provisioner",
    component: LOCAL_DIRECTORY,
    author: controllerAccount("local-directory-provisioner"),
    watches: [
      { resource: CLAIMS, keys: unlessNowhere(keyNow) },
      { resource: VOLUMES, keys: unlessNowhere(keyNow) },
    ],
    reconcile(view, key) {
      if (directories === undefined) return NOTHING;
      return key.startsWith(`${VOLUMES}/`) ? reclaim(directories, view, key) : provisionOrGrow(directories, view, key);
    },
  };
}

function keyNow({ now }: Change): readonly string[] {
  return now === undefined ? NO_KEYS : [now.key];
}

function provisionOrGrow(directories: VolumeDirectories, view: View, key: string): readonly Action[] {
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return NOTHING;
  return claim.spec.volumeName ? grow(view, claim) : provision(directories, view, claim);
}

function provision(directories: VolumeDirectories, view: View, claim: PersistentVolumeClaim): readonly Action[] {
  const { annotations = {}, namespace = "", name: claimName, uid } = claim.metadata;
  if (annotations[PROVISIONER] !== LOCAL_DIRECTORY) return NOTHING;
  const storageClass = view.get<StorageClass>(keyFor(StorageClassKind, undefined, storageClassOf(claim)));
  if (storageClass?.provisioner !== LOCAL_DIRECTORY) return NOTHING;
  const selected = annotations[SELECTED_NODE];
  if (selected === undefined && storageClass.volumeBindingMode === "WaitForFirstConsumer") return NOTHING;
  const name = `pvc-${uid}`;
  if (view.entry(`${VOLUMES}/${name}`) !== undefined) return NOTHING;
  const about = regarding(PersistentVolumeClaimKind, claim);
  const failed = (why: string): Action => {
    const message = `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${why}`;
    return { do: "event", note: warning(about, "ProvisioningFailed", message) };
  };
  const node = selected === undefined ? undefined : view.get<Node>(`nodes/${selected}`);
  if (selected !== undefined && node === undefined)
    return [failed(`node ${JSON.stringify(selected)} not found`), unselect(claim, selected)];
  const why = refusal(storageClass, claim);
  if (why !== undefined) return [failed(why), { do: "requeue", after_ms: RETRY_MS }];
  const spec = volumeSpec(storageClass, claim, directories.pathOf(name), node);
  const volume: PersistentVolume = {
    metadata: newMeta({ name, annotations: { [PROVISIONED_BY]: LOCAL_DIRECTORY }, finalizers: [FINALIZER] }),
    spec,
  };
  const begun = `External provisioner is provisioning volume for claim "${namespace}/${claimName}"`;
  const done = normal(about, "ProvisioningSucceeded", `Successfully provisioned volume ${name}`);
  const work = async (): Promise<readonly Action[]> => {
    try {
      await directories.make(name);
    } catch (error) {
      return [failed((error as Error).message), { do: "requeue", after_ms: RETRY_MS }];
    }
    return [create(PersistentVolumeKind, volume, { done })];
  };
  return [
    { do: "event", note: normal(about, "Provisioning", begun) },
    { do: "work", work },
  ];
}

/** The scheduler chooses again. */
function unselect(claim: PersistentVolumeClaim, selected: string): Action {
  return modify(PersistentVolumeClaimKind, claim, (current) => {
    const { [SELECTED_NODE]: now, ...annotations } = current.metadata.annotations ?? {};
    return now === selected ? { ...current, metadata: { ...current.metadata, annotations } } : undefined;
  });
}

/** Why a claim cannot be served; undefined: it can. */
function refusal({ parameters = {} }: StorageClass, { spec }: PersistentVolumeClaim): string | undefined {
  const unknown = Object.entries(parameters).find(([name, value]) => name !== SCOPE || value !== MACHINE_SCOPE);
  if (unknown !== undefined) return `the parameter ${unknown[0]}: ${unknown[1]} is not known, only ${SCOPE}: ${MACHINE_SCOPE} is`;
  if (spec.volumeMode === "Block") return "volumes are directories, and none is of volumeMode Block";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) return "volumes begin empty, and none has a dataSource";
  if (spec.selector !== undefined) return "claim.Spec.Selector is not supported";
  const shared = spec.accessModes?.find((mode) => SHARED_MODES.includes(mode));
  if (shared === undefined || parameters[SCOPE] === MACHINE_SCOPE) return undefined;
  return `access mode ${shared} takes a class with the parameter ${SCOPE}: ${MACHINE_SCOPE}`;
}

function volumeSpec(
  { metadata, parameters = {}, reclaimPolicy, mountOptions }: StorageClass,
  claim: PersistentVolumeClaim,
  path: string,
  node: Node | undefined,
): PersistentVolumeSpec {
  const { name, namespace = "", uid, resourceVersion = "" } = claim.metadata;
  const hostname = node?.metadata.labels?.[HOSTNAME] ?? node?.metadata.name;
  const isOfNode = hostname !== undefined && parameters[SCOPE] !== MACHINE_SCOPE;
  const terms = [{ matchExpressions: [{ key: HOSTNAME, operator: "In", values: [hostname ?? ""] }] }];
  return {
    capacity: { storage: claim.spec.resources?.requests?.storage ?? "0" },
    accessModes: [...(claim.spec.accessModes ?? [])],
    persistentVolumeReclaimPolicy: reclaimPolicy ?? "Delete",
    storageClassName: metadata.name,
    volumeMode: "Filesystem",
    ...(mountOptions === undefined ? {} : { mountOptions: [...mountOptions] }),
    claimRef: { kind: PersistentVolumeClaimKind.kind, apiVersion: "v1", namespace, name, uid, resourceVersion },
    ...(isOfNode
      ? { local: { path }, nodeAffinity: { required: { nodeSelectorTerms: terms } } }
      : { hostPath: { path, type: "Directory" } }),
  };
}

/** The disk has what it has, so more room is a matter of saying so. Source: external-resizer. */
function grow(view: View, claim: PersistentVolumeClaim): readonly Action[] {
  const volume = view.get<PersistentVolume>(`${VOLUMES}/${claim.spec.volumeName}`);
  const wanted = claim.spec.resources?.requests?.storage;
  if (!isOurs(volume) || claim.status?.phase !== "Bound" || volume.spec?.claimRef?.uid !== claim.metadata.uid) return NOTHING;
  const has = volume.spec.capacity?.storage ?? "0";
  const told = claim.status.capacity?.storage ?? "0";
  if (wanted === undefined || !isMore(wanted, told)) return NOTHING;
  const about = regarding(PersistentVolumeClaimKind, claim);
  const steps: Action[] = [{ do: "event", note: normal(about, "Resizing", `External resizer is resizing volume ${volume.metadata.name}`) }];
  if (isMore(wanted, has)) {
    steps.push(
      modify(PersistentVolumeKind, volume, (current) => ({
        ...current,
        spec: { ...current.spec, capacity: { ...current.spec?.capacity, storage: wanted } },
      })),
    );
  }
  steps.push(
    modifyStatus(PersistentVolumeClaimKind, claim, (current) => ({
      ...current,
      status: { ...current.status, capacity: { ...current.status?.capacity, storage: wanted } },
    })),
    { do: "event", note: normal(about, "VolumeResizeSuccessful", "Resize volume succeeded") },
  );
  return [{ do: "inOrder", steps }];
}

function isMore(a: string, b: string): boolean {
  return compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;
}

function isOurs(volume: PersistentVolume | undefined): volume is PersistentVolume {
  return volume?.metadata.annotations?.[PROVISIONED_BY] === LOCAL_DIRECTORY;
}

/** Source: shouldDelete and syncVolume's finalizer. */
function reclaim(directories: VolumeDirectories, view: View, key: string): readonly Action[] {
  const volume = view.get<PersistentVolume>(key);
  if (!isOurs(volume)) return NOTHING;
  const { name, deletionTimestamp, finalizers = [] } = volume.metadata;
  const isGoing = deletionTimestamp !== undefined;
  if (isGoing && !finalizers.includes(FINALIZER)) return NOTHING;
  const phase = volume.status?.phase;
  if (volume.spec?.persistentVolumeReclaimPolicy !== "Delete") return isGoing ? [release(volume)] : NOTHING;
  if (phase !== "Released" && !(isGoing && phase === "Available")) return NOTHING;
  const path = volume.spec.local?.path ?? volume.spec.hostPath?.path;
  const about = regarding(PersistentVolumeKind, volume);
  const failed = (why: string): readonly Action[] => [
    { do: "event", note: warning(about, "VolumeFailedDelete", why) },
    { do: "requeue", after_ms: RETRY_MS },
  ];
  // Anybody who may make volumes may claim that one was made here.
  if (path !== directories.pathOf(name))
    return failed(`${path} is not the directory of volume ${name}, which is ${directories.pathOf(name)}`);
  const work = async (): Promise<readonly Action[]> => {
    try {
      await directories.remove(name);
    } catch (error) {
      return failed((error as Error).message);
    }
    return [{ do: "inOrder", steps: isGoing ? [release(volume)] : [remove(PersistentVolumeKind, volume), release(volume)] }];
  };
  return [{ do: "work", work }];
}

function release(volume: PersistentVolume): Action {
  return modify(PersistentVolumeKind, volume, (current) => {
    const finalizers = current.metadata.finalizers?.filter((one) => one !== FINALIZER) ?? [];
    return { ...current, metadata: { ...current.metadata, finalizers } };
  });
}
