import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { ObjectView } from "../../store/view.ts";
import { VolumeFailure } from "../pod-volumes.ts";

const CLAIMS = { group: "", plural: "persistentvolumeclaims" } as const;
const VOLUMES = { group: "", plural: "persistentvolumes" } as const;
/** Without it, a claim that is being deleted may go at any time. */
const PROTECTION = "kubernetes.io/pvc-protection";

export interface Claimed {
  readonly volume: PersistentVolume;
  readonly readOnly: boolean;
}

/**
 * The persistent volume behind a pod's volume; undefined: it is of another type. Throws VolumeFailure, in kubelet's words. Pure.
 * Source: createVolumeSpec of pkg/kubelet/volumemanager/populator.
 */
export function claimedVolume(
  view: Pick<ObjectView, "get">,
  pod: Pod,
  { name, persistentVolumeClaim, ephemeral }: Volume,
): Claimed | undefined {
  const isEphemeral = persistentVolumeClaim === undefined && ephemeral !== undefined;
  const claimName = isEphemeral ? `${pod.metadata.name}-${name}` : persistentVolumeClaim?.claimName;
  if (claimName === undefined) return undefined;
  const { namespace = "" } = pod.metadata;
  const fail = (why: string): VolumeFailure =>
    new VolumeFailure(
      `Unable to attach or mount volumes: unmounted volumes=[${name}], unattached volumes=[], failed to process volumes=[${name}]: ${why}`,
    );
  const wrong = (why: string): VolumeFailure => fail(`error processing PVC ${namespace}/${claimName}: ${why}`);
  const claim = view.get<PersistentVolumeClaim>(keyFor(CLAIMS, namespace, claimName));
  if (claim === undefined)
    throw wrong(`failed to fetch PVC from API server: persistentvolumeclaims ${JSON.stringify(claimName)} not found`);
  const { deletionTimestamp, finalizers = [], ownerReferences = [], uid } = claim.metadata;
  if (deletionTimestamp !== undefined && !finalizers.includes(PROTECTION)) throw wrong("PVC is being deleted");
  const { volumeName = "", volumeMode } = claim.spec;
  if (claim.status?.phase !== "Bound" || volumeName === "") throw wrong("PVC is not bound");
  if (isEphemeral && !ownerReferences.some((owner) => owner.uid === pod.metadata.uid))
    throw fail(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
  const volume = view.get<PersistentVolume>(keyFor(VOLUMES, undefined, volumeName));
  if (volume === undefined)
    throw wrong(`failed to fetch PV ${volumeName} from API server: persistentvolumes ${JSON.stringify(volumeName)} not found`);
  if (volume.spec?.claimRef?.uid !== uid)
    throw wrong(
      `found PV object ${volumeName} but its pv.Spec.ClaimRef.UID ${volume.spec?.claimRef?.uid ?? ""} does not point to claim.UID ${uid}`,
    );
  const isBlock = volumeMode === "Block";
  const { mounts, devices } = usesOf(pod, name);
  if (isBlock && mounts) throw fail(`volume ${name} has volumeMode Block, but is specified in volumeMounts`);
  if (!isBlock && devices) throw fail(`volume ${name} has volumeMode Filesystem, but is specified in volumeDevices`);
  return { volume, readOnly: persistentVolumeClaim?.readOnly === true };
}

/** How the pod's containers name a volume. */
function usesOf({ spec }: Pod, volume: string): { readonly mounts: boolean; readonly devices: boolean } {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return {
    mounts: containers.some(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === volume)),
    devices: containers.some(({ volumeDevices = [] }) => volumeDevices.some(({ name }) => name === volume)),
  };
}
