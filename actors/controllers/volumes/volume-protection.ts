import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PersistentVolumeClaimKind } from "../../kinds/core/persistent-volume-claim.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { View } from "../../store/view.ts";
import { modify } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { CLAIMS, claimKeysOf, holdsVolumes, mayHaveClaims, podsByClaim } from "./pod-claim-index.ts";

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

/** An object that only its protection keeps. */
export function isWaiting(object: KubeObject | undefined, finalizer: string): object is KubeObject {
  return object?.metadata.deletionTimestamp !== undefined && object.metadata.finalizers?.includes(finalizer) === true;
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
      if (claim === undefined || !isWaiting(claim, CLAIM_FINALIZER)) return NOTHING;
      const used = view.byIndex(podsByClaim.name, key).some((entry) => holdsVolumes(view.decode<Pod>(entry)));
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
      if (volume === undefined || !isWaiting(volume, VOLUME_FINALIZER) || volume.status?.phase === "Bound") return NOTHING;
      return withoutFinalizer(PersistentVolumeKind, volume, VOLUME_FINALIZER);
    },
  };
}
