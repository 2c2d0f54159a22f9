import type { NodeSelectorTerm, UnboundClaim, VolumeFacts, ZoneLabel } from "../../scheduler-core/mod.ts";
import { BIND_COMPLETED, SELECTED_NODE, storageClassOf } from "../kinds/core/claim-rules.ts";
import type {
  CSIDriver,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  TopologySelectorTerm,
  Volume,
} from "../kinds/generated/types.ts";
import { keyFor, resourceOf } from "../kinds/kind.ts";
import { CSIDriverKind } from "../kinds/storage/csi-driver.ts";
import { CSIStorageCapacityKind } from "../kinds/storage/csi-storage-capacity.ts";
import { StorageClassKind } from "../kinds/storage/storage-class.ts";
import { termOf } from "./facts.ts";
import type { Objects } from "./objects.ts";
import { meetsSelector, requirementsOf } from "./peer-facts.ts";
import { amountOf } from "./resource-needs.ts";

const NO_PROVISIONER = "kubernetes.io/no-provisioner";
const ZONE_LABELS: readonly string[] = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];
/** Between the zones of a volume that is in several. */
const ZONES_SEPARATOR = "__";

/** What the scheduler reads of a pod's persistent volumes. */
export type VolumeReading =
  /** No node will do, whichever it is; in kube-scheduler's words. */
  | { readonly refusal: string }
  | {
      readonly refusal: undefined;
      readonly facts: VolumeFacts;
      /** The keys of the claims behind `facts.unbound`, in its order. */
      readonly unbound: readonly string[];
      /** All claims, as `<namespace>/<name>`. */
      readonly claims: readonly string[];
      /** Those that one pod of the whole cluster may use. */
      readonly exclusive: readonly string[];
    };

/** Reads the claims of a pod and their volumes; undefined: it has none. Source: VolumeBinding's and VolumeZone's PreFilter. */
export function readVolumes(view: Objects, pod: Pod): VolumeReading | undefined {
  const { namespace = "" } = pod.metadata;
  const bound: (readonly NodeSelectorTerm[])[] = [];
  const zones: ZoneLabel[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  const claims: string[] = [];
  const exclusive: string[] = [];
  let hasImmediate = false;
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimOf(pod, volume);
    if (name === undefined) continue;
    claims.push(`${namespace}/${name}`);
    const claim = view.get<PersistentVolumeClaim>(`persistentvolumeclaims/${namespace}/${name}`);
    const refusal = refusalOf(pod, volume, name, claim);
    if (claim === undefined || refusal !== undefined) return { refusal: refusal ?? "" };
    if (claim.spec.accessModes?.includes("ReadWriteOncePod") === true) exclusive.push(`${namespace}/${name}`);
    if (isBound(claim)) {
      const volumeName = claim.spec.volumeName ?? "";
      const persistent = view.get<PersistentVolume>(`persistentvolumes/${volumeName}`);
      if (persistent === undefined) return { refusal: `persistentvolume "${volumeName}" not found` };
      const terms = termsOf(persistent);
      if (terms !== undefined) bound.push(terms);
      zones.push(...zonesOf(persistent));
      continue;
    }
    const className = storageClassOf(claim);
    const storageClass = className === "" ? undefined : view.get<StorageClass>(keyFor(StorageClassKind, undefined, className));
    const isDelayed = storageClass?.volumeBindingMode === "WaitForFirstConsumer" && !claim.spec.volumeName;
    if (isDelayed) delayed.push(claim);
    else hasImmediate = true;
  }
  if (claims.length === 0) return undefined;
  if (hasImmediate) return { refusal: "pod has unbound immediate PersistentVolumeClaims" };
  delayed.sort((a, b) => sizeOf(a) - sizeOf(b));
  const unbound = delayed.map((claim) => unboundOf(view, claim));
  const keys = delayed.map(({ metadata }) => `persistentvolumeclaims/${namespace}/${metadata.name}`);
  return { refusal: undefined, facts: { bound, zones, unbound }, unbound: keys, claims, exclusive };
}

export function isBound({ metadata, spec, status }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && (metadata.annotations?.[BIND_COMPLETED] !== undefined || status?.phase === "Bound");
}

/** The name of the claim behind a volume; undefined: there is none. */
export function claimOf({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  return ephemeral === undefined ? persistentVolumeClaim?.claimName : `${metadata.name}-${name}`;
}

function refusalOf(pod: Pod, { ephemeral }: Volume, name: string, claim: PersistentVolumeClaim | undefined): string | undefined {
  if (claim === undefined) {
    const missing = `persistentvolumeclaim "${name}" not found`;
    return ephemeral === undefined ? missing : `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
  }
  const { metadata, spec, status } = claim;
  if (status?.phase === "Lost") return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName}"`;
  if (metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  const isOwned = metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === pod.metadata.uid);
  if (ephemeral === undefined || isOwned === true) return undefined;
  const { namespace } = pod.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
}

function sizeOf({ spec }: PersistentVolumeClaim): number {
  return amountOf("storage", spec.resources?.requests?.storage ?? "0");
}

function termsOf({ spec }: PersistentVolume): NodeSelectorTerm[] | undefined {
  return spec?.nodeAffinity?.required?.nodeSelectorTerms.map(termOf);
}

function zonesOf({ metadata }: PersistentVolume): ZoneLabel[] {
  return ZONE_LABELS.flatMap((key) => {
    const value = metadata.labels?.[key];
    const values = value?.split(ZONES_SEPARATOR).map((zone) => zone.trim());
    // One that names no zone is no label. Source: LabelZonesToSet.
    return values === undefined || values.includes("") ? [] : [{ key, values }];
  });
}

function unboundOf(view: Objects, claim: PersistentVolumeClaim): UnboundClaim {
  const volumes = view.list("persistentvolumes").map((entry) => view.decode<PersistentVolume>(entry));
  const fitting = volumes.filter((volume) => fits(volume, claim));
  const mine = fitting.find((volume) => isMadeFor(volume, claim));
  const capacity = ({ spec }: PersistentVolume): number => amountOf("storage", spec?.capacity?.storage ?? "0");
  // Where one was made for this claim it is the only one, whatever else the claim asks for, and also where its nodes are others.
  const suitable = mine === undefined ? fitting.filter((volume) => isSuitable(volume, claim)) : [mine];
  suitable.sort((a, b) => capacity(a) - capacity(b));
  const storageClass = view.get<StorageClass>(keyFor(StorageClassKind, undefined, storageClassOf(claim)));
  const canProvision = storageClass !== undefined && storageClass.provisioner !== NO_PROVISIONER && storageClass.provisioner !== "";
  return {
    selectedNode: claim.metadata.annotations?.[SELECTED_NODE] ?? "",
    candidates: suitable.map((volume) => ({ name: volume.metadata.name, nodes: termsOf(volume) })),
    provision: canProvision ? (storageClass.allowedTopologies ?? []).map(topologyOf) : undefined,
    ...(canProvision ? storageFor(view, storageClass, sizeOf(claim)) : {}),
  };
}

/** The places with enough storage, where the driver tells how much it has. Source: the binder's checkVolumeProvisions, hasEnoughCapacity. */
function storageFor(view: Objects, { metadata, provisioner }: StorageClass, size: number): Pick<UnboundClaim, "storage"> {
  const driver = view.get<CSIDriver>(keyFor(CSIDriverKind, undefined, provisioner));
  if (driver?.spec.storageCapacity !== true) return {};
  const places = view.list(resourceOf(CSIStorageCapacityKind)).map((entry) => view.decode<CSIStorageCapacity>(entry));
  return {
    storage: places.flatMap(({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) => {
      const most = maximumVolumeSize ?? capacity;
      if (storageClassName !== metadata.name || most === undefined || amountOf("storage", most) < size) return [];
      // Without a topology the storage can be had from no node.
      const labels = requirementsOf(nodeTopology);
      return labels === undefined ? [] : [labels];
    }),
  };
}

/** Whether a volume is of the kind that a claim wants, and large enough. Source of this and what follows: component-helpers' FindMatchingVolume. */
function fits({ spec, metadata }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (spec === undefined || metadata.deletionTimestamp !== undefined) return false;
  if ((spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) return false;
  if ((spec.storageClassName ?? "") !== storageClassOf(claim)) return false;
  if ((spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? "")) return false;
  return amountOf("storage", spec.capacity?.storage ?? "0") >= sizeOf(claim);
}

/** Whether a volume is kept for a claim, by whoever made it. */
function isMadeFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { namespace, name, uid } = spec?.claimRef ?? {};
  return namespace === metadata.namespace && name === metadata.name && (!uid || uid === metadata.uid);
}

/** Whether a volume that is kept for nobody would do for a claim, on nodes that reach it. */
function isSuitable({ spec, status, metadata }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef, accessModes = [] } = spec ?? {};
  if (claimRef !== undefined || status?.phase !== "Available") return false;
  if (!(claim.spec.accessModes ?? []).every((mode) => accessModes.includes(mode))) return false;
  return claim.spec.selector === undefined || meetsSelector(claim.spec.selector, metadata.labels ?? {});
}

function topologyOf({ matchLabelExpressions = [] }: TopologySelectorTerm): NodeSelectorTerm {
  return { matchLabels: matchLabelExpressions.map(({ key, values }) => ({ key, operator: "In", values })), matchFields: [] };
}
