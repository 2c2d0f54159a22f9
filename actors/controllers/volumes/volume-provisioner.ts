import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type {
  Node,
  NodeSelectorRequirement,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
  StorageClass,
} from "../../kinds/generated/types.ts";
import { MACHINE_LABEL } from "../../node/runtime.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { modify, modifyStatus, normal, regarding } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { isMore } from "./claim-resize.ts";
import { CLAIMS } from "./pod-claim-index.ts";
import {
  chooseAgain,
  commonSpec,
  isMadeBy,
  keyNow,
  type Provisioning,
  provisioned,
  provisioningBegun,
  provisioningFailed,
  provisioningOf,
  reclaimFailed,
  reclaimingOf,
  VOLUMES,
} from "./provisioning.ts";
import type { MachineVolumes, VolumeDirectories } from "./volume-directories.ts";

/** The provisioner of storage classes whose volumes are directories of this machine. */
export const LOCAL_DIRECTORY = "troupe.dev/local-directory";
/** A parameter of such a class. With the value `machine` a volume is for all nodes of the machine at once, and not for the one that was chosen. */
export const SCOPE = "scope";
export const MACHINE_SCOPE = "machine";

/** A parameter of such a class, which goes with that: the NFS server that exports the directory, for nodes of other machines. */
const NFS_SERVER = "nfsServer";
const HOSTNAME = "kubernetes.io/hostname";
const SHARED_MODES: readonly string[] = ["ReadWriteMany", "ReadOnlyMany"];
/** What could not be provisioned or removed is tried again after this. */
const RETRY_MS = 60_000;

/**
 * Makes volumes for claims that wait for one of its classes, gives them more room when they ask for it, and removes them as their reclaim policy says: what an external
 * provisioner, resizer and its driver do in Kubernetes, with directories, of this machine and of those that have joined. It promises that a directory is removed only when its claim is gone and its volume says
 * Delete, and never one that is not the volume's own. Source: sig-storage-lib-external-provisioner's controller.
 */
export function volumeProvisioner(directories: VolumeDirectories | undefined, machines?: MachineVolumes): Controller {
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
      const places = { directories, machines };
      return key.startsWith(`${VOLUMES}/`) ? reclaim(places, view, key) : provisionOrGrow(places, view, key);
    },
  };
}

/** Where directories are made. */
interface Places {
  readonly directories: VolumeDirectories;
  readonly machines: MachineVolumes | undefined;
}

function provisionOrGrow(places: Places, view: View, key: string): readonly Action[] {
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) return NOTHING;
  return claim.spec.volumeName ? grow(view, claim) : provision(places, view, key);
}

function provision({ directories, machines }: Places, view: View, key: string): readonly Action[] {
  const wanted = provisioningOf(view, key, LOCAL_DIRECTORY);
  if (wanted === undefined) return NOTHING;
  if ("nodeIsGone" in wanted) return wanted.nodeIsGone;
  const { name: node = "", labels } = wanted.node?.metadata ?? {};
  const runtime = labels?.[MACHINE_LABEL];
  if (runtime === "hollow")
    return [provisioningFailed(wanted, `node ${JSON.stringify(node)} is hollow, and has no directories`), ...chooseAgain(wanted)];
  const why = refusal(wanted.storageClass, wanted.claim);
  const again: Action = { do: "requeue", after_ms: RETRY_MS };
  if (why !== undefined) return [provisioningFailed(wanted, why), again];
  const made = async (): Promise<string> => {
    if (runtime !== undefined && machines !== undefined) return machines.makeVolume(node, wanted.name);
    await directories.make(wanted.name);
    return directories.pathOf(wanted.name);
  };
  const work = async (): Promise<readonly Action[]> => {
    try {
      return [provisioned(wanted, LOCAL_DIRECTORY, volumeSpec(wanted, await made()))];
    } catch (error) {
      return [provisioningFailed(wanted, (error as Error).message), again];
    }
  };
  return [provisioningBegun(wanted), { do: "work", work }];
}

/** Why a claim cannot be served; undefined: it can. */
function refusal({ parameters = {} }: StorageClass, { spec }: PersistentVolumeClaim): string | undefined {
  const { [NFS_SERVER]: server, ...others } = parameters;
  const unknown = Object.entries(others).find(([name, value]) => name !== SCOPE || value !== MACHINE_SCOPE);
  if (unknown !== undefined)
    return `the parameter ${unknown[0]}: ${unknown[1]} is not known, only ${SCOPE}: ${MACHINE_SCOPE} and with it ${NFS_SERVER} are`;
  if (server !== undefined && parameters[SCOPE] !== MACHINE_SCOPE)
    return `the parameter ${NFS_SERVER} goes with ${SCOPE}: ${MACHINE_SCOPE}`;
  if (spec.volumeMode === "Block") return "volumes are directories, and none is of volumeMode Block";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) return "volumes begin empty, and none has a dataSource";
  if (spec.selector !== undefined) return "claim.Spec.Selector is not supported";
  const shared = spec.accessModes?.find((mode) => SHARED_MODES.includes(mode));
  if (shared === undefined || parameters[SCOPE] === MACHINE_SCOPE) return undefined;
  return `access mode ${shared} takes a class with the parameter ${SCOPE}: ${MACHINE_SCOPE}`;
}

function volumeSpec(wanted: Provisioning, path: string): PersistentVolumeSpec {
  const { storageClass, node } = wanted;
  const { [SCOPE]: scope, [NFS_SERVER]: server } = storageClass.parameters ?? {};
  const common = commonSpec(wanted);
  if (server !== undefined) return { ...common, nfs: { server, path } };
  const hostname = node?.metadata.labels?.[HOSTNAME] ?? node?.metadata.name;
  const on = (requirement: NodeSelectorRequirement): Pick<PersistentVolumeSpec, "nodeAffinity"> => ({
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
  });
  if (hostname === undefined || scope === MACHINE_SCOPE)
    return { ...common, hostPath: { path, type: "Directory" }, ...on({ key: MACHINE_LABEL, operator: "DoesNotExist" }) };
  return { ...common, local: { path }, ...on({ key: HOSTNAME, operator: "In", values: [hostname] }) };
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

function isOurs(volume: PersistentVolume | undefined): volume is PersistentVolume {
  return isMadeBy(volume, LOCAL_DIRECTORY);
}

function reclaim({ directories, machines }: Places, view: View, key: string): readonly Action[] {
  const wanted = reclaimingOf(view, key, LOCAL_DIRECTORY);
  if (wanted === undefined) return NOTHING;
  if ("keeps" in wanted) return wanted.keeps;
  const { metadata, spec = {} } = wanted.volume;
  const { name } = metadata;
  const path = spec.local?.path ?? spec.hostPath?.path ?? spec.nfs?.path;
  const failed = (why: string): readonly Action[] => [reclaimFailed(wanted, why), { do: "requeue", after_ms: RETRY_MS }];
  const isHere = path === directories.pathOf(name);
  const machine = machineOf(view, spec);
  // What was on a machine that has left is gone with it, or that machine's own affair.
  if (machine === "gone" && !isHere) return [wanted.done];
  // Anybody who may make volumes may claim that one was made here; a machine that has joined removes the one of that name, whatever its path is said to be.
  if (machine === undefined && !isHere)
    return failed(`${path} is not the directory of volume ${name}, which is ${directories.pathOf(name)}`);
  const work = async (): Promise<readonly Action[]> => {
    try {
      if (machine === undefined || machine === "gone" || machines === undefined) await directories.remove(name);
      else await machines.removeVolume(machine, name);
    } catch (error) {
      return failed((error as Error).message);
    }
    return [wanted.done];
  };
  return [{ do: "work", work }];
}

/** The node of the machine that has joined and has the volume; undefined: this one has it. */
function machineOf(view: View, { local, nodeAffinity }: PersistentVolumeSpec): string | "gone" | undefined {
  const [hostname] = nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values ?? [];
  if (local === undefined || hostname === undefined) return undefined;
  const nodes = view.list("nodes").map((entry) => view.decode<Node>(entry).metadata);
  const node = nodes.find(({ name, labels }) => (labels?.[HOSTNAME] ?? name) === hostname);
  if (node === undefined) return "gone";
  return node.labels?.[MACHINE_LABEL] === undefined ? undefined : node.name;
}
