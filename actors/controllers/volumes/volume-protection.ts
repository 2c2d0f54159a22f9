import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { View } from "../../store/view.ts";
import { modify } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { CLAIMS, claimKeysOf, mayHaveClaims, podsByClaim } from "./pod-claim-index.ts";

const VOLUMES = "persistentvolumes";
const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

export function withoutFinalizer<T extends KubeObject>(kind: Kind<T>, object: T, finalizer: string): readonly Action[] {
  const release = (current: T): T | undefined => {
    const finalizers = current.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return undefined;
    return { ...current, metadata: { ...current.metadata, finalizers: finalizers.filter((one) => one !== finalizer) } };
  };
  return [modify(kind, object, release)];
}

/** An object that stays has its protection, also when somebody takes it away. */
export function withFinalizer<T extends KubeObject>(kind: Kind<T>, object: T, finalizer: string): readonly Action[] {
  const { deletionTimestamp, finalizers: has = [] } = object.metadata;
  if (deletionTimestamp !== undefined || has.includes(finalizer)) return NOTHING;
  const keep = (current: T): T | undefined => {
    const finalizers = current.metadata.finalizers ?? [];
    if (finalizers.includes(finalizer)) return undefined;
    return { ...current, metadata: { ...current.metadata, finalizers: [...finalizers, finalizer] } };
  };
  return [modify(kind, object, keep)];
}

/** An object that only its protection keeps. */
export function isWaiting(object: KubeObject | undefined, finalizer: string): object is KubeObject {
  return object?.metadata.deletionTimestamp !== undefined && object.metadata.finalizers?.includes(finalizer) === true;
}

/** Whether the pod, which mounts a claim of that name, holds it: until it is gone, or, where the claim goes with it, is shut down. Source: podUsesPVC. */
function uses({ metadata, spec }: Pod, { metadata: { name, ownerReferences = [] } }: PersistentVolumeClaim): boolean {
  if (!spec.nodeName) return false;
  if (spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name) === true) return true;
  const isShutDown = metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
  return !isShutDown && ownerReferences.some((owner) => owner.controller === true && owner.uid === metadata.uid);
}

/** Lets a claim that is to be deleted go when no pod uses it any more. Source: pkg/controller/volume/pvcprotection. */
export function claimProtectionController(): Controller {
  return {
    name: "pvc-protection",
    component: "pvc-protection-controller",
    indexes: [podsByClaim],
    watches: [
      { resource: CLAIMS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) },
      {
        resource: "pods",
        keys: ({ now, before }, view) => {
          const entry = now ?? before;
          return entry === undefined || !mayHaveClaims(entry) ? NO_KEYS : claimKeysOf(view.decode<Pod>(entry));
        },
      },
    ],
    reconcile(view: View, key: string) {
      const claim = view.get<PersistentVolumeClaim>(key);
      if (claim === undefined) return NOTHING;
      if (!isWaiting(claim, CLAIM_FINALIZER)) return withFinalizer(PersistentVolumeClaimKind, claim, CLAIM_FINALIZER);
      const used = view.byIndex(podsByClaim.name, key).some((entry) => uses(view.decode<Pod>(entry), claim));
      return used ? NOTHING : withoutFinalizer(PersistentVolumeClaimKind, claim, CLAIM_FINALIZER);
    },
  };
}

/** Lets a volume that is to be deleted go when it is bound no more. Source: pkg/controller/volume/pvprotection. */
export function volumeProtectionController(): Controller {
  return {
    name: "pv-protection",
    component: "pv-protection-controller",
    watches: [{ resource: VOLUMES, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) }],
    reconcile(view: View, key: string) {
      const volume = view.get<PersistentVolume>(key);
      if (volume === undefined) return NOTHING;
      if (!isWaiting(volume, VOLUME_FINALIZER)) return withFinalizer(PersistentVolumeKind, volume, VOLUME_FINALIZER);
      if (volume.status?.phase === "Bound") return NOTHING;
      return withoutFinalizer(PersistentVolumeKind, volume, VOLUME_FINALIZER);
    },
  };
}
