import { BIND_COMPLETED, BOUND_BY_CONTROLLER } from "../../kinds/core/claim-rules.ts";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  PersistentVolumeStatus,
} from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { controllerAccount } from "../../registry/authors.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Change, IndexDefinition, View } from "../../store/view.ts";
import { modify, regarding, updateStatus, warning } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { classOf, givenDefaultClass, provision, waitsForConsumer } from "./claim-provisioning.ts";
import { podsByClaim } from "./pod-claim-index.ts";
import type { VolumeDirectories } from "./volume-directories.ts";
import { bestVolume, mismatch, names, sameMode, volumesByClaim } from "./volume-matching.ts";
import { deletion, recyclerPods, recycling } from "./volume-reclaiming.ts";

const CLAIMS = "persistentvolumeclaims";
const VOLUMES = "persistentvolumes";
const DYNAMICALLY_PROVISIONED = "pv.kubernetes.io/provisioned-by";
/** How often claims look again for a volume or a class that came after them. Nobody tells them. Source: --pvclaimbinder-sync-period. */
const RESYNC_MS = 15_000;
/** What could not be deleted or scrubbed is tried again after this. */
const RECLAIM_AGAIN_MS = 60_000;

const UNBOUND = "unbound";

/** Claims that are not bound yet. */
const unboundClaims: IndexDefinition = {
  name: "unbound-claims",
  resource: CLAIMS,
  values: ({ metadata }) => (metadata.annotations?.[BIND_COMPLETED] === undefined ? [UNBOUND] : []),
};

/**
 * Binds claims and volumes to one another, and says what becomes of both. Two claims never get one volume: a volume is taken by a write that fails when another
 * was faster. Source: pkg/controller/volume/persistentvolume.
 */
export function persistentVolumeController(directories?: VolumeDirectories): Controller {
  return {
    name: "persistentvolume-binder",
    component: "persistentvolume-controller",
    author: controllerAccount("persistent-volume-binder"),
    // Each choice is seen before the next one is made.
    concurrency: 1,
    indexes: [volumesByClaim, unboundClaims, podsByClaim],
    watches: [{ resource: CLAIMS, keys: keysOfClaim }, { resource: VOLUMES, keys: keysOfVolume }, recyclerPods],
    reconcile: (view, key, now_ms) =>
      key.startsWith(`${CLAIMS}/`) ? reconcileClaim(view, key) : reconcileVolume(view, key, now_ms, directories),
    resync: {
      period_ms: RESYNC_MS,
      keys: (view) => view.byIndex(unboundClaims.name, UNBOUND).map(({ key }) => key),
    },
  };
}

/** Also the volume that it has, which may have to be let go. */
function keysOfClaim({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined) return NO_KEYS;
  const { volumeName } = view.decode<PersistentVolumeClaim>(entry).spec;
  return volumeName === undefined || volumeName === "" ? [entry.key] : [entry.key, `${VOLUMES}/${volumeName}`];
}

/** Also the claim that it is bound to, or was. */
function keysOfVolume({ now, before }: Change, view: View): readonly string[] {
  const entry = now ?? before;
  if (entry === undefined) return NO_KEYS;
  const [next, last] = [now, before].map((one) => (one === undefined ? undefined : view.decode<PersistentVolume>(one).spec?.claimRef));
  const claims = [next?.uid ? next : undefined, now === undefined || last?.uid ? last : undefined];
  const keys = claims.flatMap((claim) => (claim === undefined ? [] : [`${CLAIMS}/${claim.namespace}/${claim.name}`]));
  return [entry.key, ...new Set(keys)];
}

function reconcileClaim(view: View, key: string): readonly Action[] {
  const claim = view.get<PersistentVolumeClaim>(key);
  if (claim === undefined) return NOTHING;
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return keepBound(view, claim);
  return claim.spec.volumeName ? bindToNamed(view, claim, claim.spec.volumeName) : findVolume(view, claim);
}

/** Source: syncUnboundClaim. */
function findVolume(view: View, claim: PersistentVolumeClaim): readonly Action[] {
  const volume = bestVolume(view, claim, waitsForConsumer(classOf(view, claim)));
  if (volume !== undefined) return bind(claim, volume);
  const classed = givenDefaultClass(view, claim);
  return classed === undefined ? [...provision(view, claim), ...setPhase(claim, { phase: "Pending" })] : [classed];
}

function bindToNamed(view: View, claim: PersistentVolumeClaim, volumeName: string): readonly Action[] {
  const about = regarding(PersistentVolumeClaimKind, claim);
  const volume = view.get<PersistentVolume>(`${VOLUMES}/${volumeName}`);
  const pending = setPhase(claim, { phase: "Pending" });
  if (volume === undefined) return pending;
  if (volume.spec?.claimRef !== undefined && !names(volume, claim)) {
    const note = warning(about, "FailedBinding", `volume ${JSON.stringify(volumeName)} already bound to a different claim.`);
    return [{ do: "event", note }, ...pending];
  }
  const why = volume.spec?.claimRef === undefined ? mismatch(volume, claim) : undefined;
  if (why === undefined) return bind(claim, volume);
  const note = warning(about, "VolumeMismatch", `Cannot bind to requested volume ${JSON.stringify(volumeName)}: ${why}`);
  return [{ do: "event", note }, ...pending];
}

/** Source: syncBoundClaim. */
function keepBound(view: View, claim: PersistentVolumeClaim): readonly Action[] {
  const { volumeName = "" } = claim.spec;
  const volume = volumeName === "" ? undefined : view.get<PersistentVolume>(`${VOLUMES}/${volumeName}`);
  const holder = volume?.spec?.claimRef;
  if (volume !== undefined && (holder === undefined || holder.uid === claim.metadata.uid)) return bind(claim, volume);
  const [reason, message] =
    volumeName === ""
      ? ["ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"]
      : volume === undefined
        ? ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"]
        : ["ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"];
  if (claim.status?.phase === "Lost") return NOTHING;
  const note = warning(regarding(PersistentVolumeClaimKind, claim), reason, message);
  return [...setPhase(claim, { phase: "Lost" }), { do: "event", note }];
}

/** Brings both to what bound ones look like, in the order in which a failure in between does no harm. Source: bind. */
function bind(claim: PersistentVolumeClaim, volume: PersistentVolume): readonly Action[] {
  const { name, namespace = "", uid, resourceVersion = "" } = claim.metadata;
  const steps: Action[] = [];
  if (volume.spec?.claimRef?.uid !== uid) {
    steps.push(
      modify(PersistentVolumeKind, volume, (current) => {
        if (current.spec?.claimRef !== undefined && !names(current, claim)) throw new Error(`volume ${volume.metadata.name} is taken`);
        const claimRef = { kind: PersistentVolumeClaimKind.kind, apiVersion: "v1", namespace, name, uid, resourceVersion };
        const isOurs = current.spec?.claimRef === undefined;
        const annotations = isOurs ? { ...current.metadata.annotations, [BOUND_BY_CONTROLLER]: "yes" } : current.metadata.annotations;
        return {
          ...current,
          metadata: { ...current.metadata, ...(annotations === undefined ? {} : { annotations }) },
          spec: { ...current.spec, claimRef: { ...current.spec?.claimRef, ...claimRef } },
        };
      }),
    );
  }
  const isComplete = claim.metadata.annotations?.[BIND_COMPLETED] !== undefined && claim.spec.volumeName === volume.metadata.name;
  if (!isComplete) {
    steps.push(
      modify(PersistentVolumeClaimKind, claim, (current) => {
        const isOurs = !current.spec.volumeName;
        const annotations = {
          ...current.metadata.annotations,
          [BIND_COMPLETED]: "yes",
          ...(isOurs ? { [BOUND_BY_CONTROLLER]: "yes" } : {}),
        };
        return { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, volumeName: volume.metadata.name } };
      }),
    );
  }
  if (steps.length > 0) return [{ do: "inOrder", steps }];
  const { accessModes = [], capacity = {} } = volume.spec ?? {};
  // What was grown says its own size.
  const { phase, capacity: size, currentVolumeAttributesClassName: attributes } = claim.status ?? {};
  const attributesClass = phase === "Pending" ? volume.spec?.volumeAttributesClassName : attributes;
  return setPhase(claim, {
    phase: "Bound",
    accessModes: [...accessModes],
    capacity: (phase === "Bound" ? size : undefined) ?? { ...capacity },
    ...(attributesClass === undefined ? {} : { currentVolumeAttributesClassName: attributesClass }),
  });
}

function setPhase(claim: PersistentVolumeClaim, next: PersistentVolumeClaimStatus): readonly Action[] {
  const { accessModes: _modes, capacity: _capacity, currentVolumeAttributesClassName: _attributes, ...rest } = claim.status ?? {};
  const status = { ...rest, ...next };
  return semanticEqual(status, claim.status) ? NOTHING : [updateStatus(PersistentVolumeClaimKind, claim, status)];
}

/** Source: syncVolume. */
function reconcileVolume(view: View, key: string, now_ms: number, directories: VolumeDirectories | undefined): readonly Action[] {
  const volume = view.get<PersistentVolume>(key);
  if (volume === undefined) return NOTHING;
  const reference = volume.spec?.claimRef;
  if (reference === undefined || !reference.uid) return volumePhase(volume, "Available", now_ms);
  const found = view.get<PersistentVolumeClaim>(`${CLAIMS}/${reference.namespace}/${reference.name}`);
  const claim = found?.metadata.uid === reference.uid ? found : undefined;
  if (claim === undefined) return released(view, volume, now_ms, directories);
  if (claim.spec.volumeName === volume.metadata.name) return volumePhase(volume, "Bound", now_ms);
  // The claim is still on its way to this volume, or cannot have it.
  if (!claim.spec.volumeName) return sameMode(volume, claim) ? NOTHING : modesDiffer(volume, claim);
  const isProvisioned = volume.metadata.annotations?.[DYNAMICALLY_PROVISIONED] !== undefined;
  return isProvisioned && volume.spec?.persistentVolumeReclaimPolicy === "Delete"
    ? released(view, volume, now_ms, directories)
    : [unbind(volume)];
}

function modesDiffer(volume: PersistentVolume, claim: PersistentVolumeClaim): readonly Action[] {
  const [ofVolume, ofClaim] = [`"${claim.metadata.name}"`, `"${volume.metadata.name}"`];
  const why = "due to incompatible volumeMode.";
  const toVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${ofVolume} ${why}`;
  const toClaim = `Cannot bind PersistentVolume ${ofClaim} to requested PersistentVolumeClaim ${why}`;
  return [
    { do: "event", note: warning(regarding(PersistentVolumeKind, volume), "VolumeMismatch", toVolume) },
    { do: "event", note: warning(regarding(PersistentVolumeClaimKind, claim), "VolumeMismatch", toClaim) },
  ];
}

/** The claim is gone: what becomes of the volume is said by its policy, and done by who made it, or else from here. Source: reclaimVolume. */
function released(view: View, volume: PersistentVolume, now_ms: number, directories: VolumeDirectories | undefined): readonly Action[] {
  const { phase, lastPhaseTransitionTime } = volume.status ?? {};
  const policy = volume.spec?.persistentVolumeReclaimPolicy ?? "Retain";
  const madeElsewhere = volume.metadata.annotations?.[DYNAMICALLY_PROVISIONED] !== undefined;
  if (phase !== "Released" && phase !== "Failed") return volumePhase(volume, "Released", now_ms);
  if (policy === "Retain" || (policy === "Delete" && madeElsewhere)) return NOTHING;
  const failed = (why: string): readonly Action[] => reclaimFailed(volume, why, now_ms);
  const reclaiming = policy === "Delete" ? deletion(volume, directories, failed) : recycling(view, volume, unbind(volume));
  if (phase === "Failed") {
    if (reclaiming === undefined) return NOTHING;
    const wait_ms = Date.parse(lastPhaseTransitionTime ?? "") + RECLAIM_AGAIN_MS - now_ms;
    if (wait_ms > 0) return [{ do: "requeue", after_ms: wait_ms }];
  }
  if (reclaiming === undefined) {
    const deleter = `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`;
    return failed(policy === "Delete" ? deleter : "No recycler plugin found for the volume!");
  }
  return reclaiming.failure === undefined ? reclaiming.actions : [...reclaiming.actions, ...failed(reclaiming.failure)];
}

function reclaimFailed(volume: PersistentVolume, why: string, now_ms: number): readonly Action[] {
  const reason = volume.spec?.persistentVolumeReclaimPolicy === "Delete" ? "VolumeFailedDelete" : "VolumeFailedRecycle";
  return [
    ...volumePhase(volume, "Failed", now_ms, why),
    { do: "event", note: warning(regarding(PersistentVolumeKind, volume), reason, why) },
  ];
}

function unbind(volume: PersistentVolume): Action {
  return modify(PersistentVolumeKind, volume, (current) => {
    const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = current.metadata.annotations ?? {};
    const { claimRef, ...spec } = current.spec ?? {};
    const { uid: _uid, resourceVersion: _version, ...asked } = claimRef ?? {};
    const isOurs = byController !== undefined;
    return {
      ...current,
      metadata: { ...current.metadata, annotations },
      spec: isOurs || claimRef === undefined ? spec : { ...spec, claimRef: asked },
    };
  });
}

function volumePhase(volume: PersistentVolume, phase: string, now_ms: number, message?: string): readonly Action[] {
  // That it has failed again is another time.
  if (volume.status?.phase === phase && phase !== "Failed") return NOTHING;
  const status: PersistentVolumeStatus = {
    phase,
    lastPhaseTransitionTime: timestamp(now_ms),
    ...(message === undefined ? {} : { message }),
  };
  return [updateStatus(PersistentVolumeKind, volume, status)];
}
