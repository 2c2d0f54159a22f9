import { posix } from "node:path";
import { PersistentVolumeKind } from "../../kinds/core/persistent-volume.ts";
import { PodKind } from "../../kinds/core/pod.ts";
import type { PersistentVolume, Pod, Volume } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityValue } from "../../kinds/machinery/quantity.ts";
import type { View } from "../../store/view.ts";
import { create, newMeta, normal, regarding, remove } from "../actions.ts";
import { type Action, NO_KEYS, NOTHING, type Watch } from "../controller.ts";
import { VOLUMES } from "./provisioning.ts";
import type { VolumeDirectories } from "./volume-directories.ts";

const GIBIBYTE = 1_024 ** 3;
/** How long scrubbing may take, and how much longer for each gibibyte. Source: kube-controller-manager's --pv-recycler-… flags. */
const SCRUB_HOST_PATH_S = { least: 60, perGibibyte: 30 } as const;
const SCRUB_NFS_S = { least: 300, perGibibyte: 30 } as const;
/** Source: NewPersistentVolumeRecyclerPodTemplate, in words that any sh knows. */
const SCRUB = 'test -e /scrub && rm -rf /scrub/..?* /scrub/.[!.]* /scrub/* && test -z "$(ls -A /scrub)" || exit 1';
const RECYCLER_PREFIX = "recycler-for-";
const RECYCLER_NAMESPACE = "default";
const RECYCLER_KEYS = `pods/${RECYCLER_NAMESPACE}/${RECYCLER_PREFIX}`;

/** What becomes of a volume that is to be used again or to go, and that nobody has provisioned. */
export interface Reclaiming {
  /** What is done now. */
  readonly actions: readonly Action[];
  /** Why it cannot be. */
  readonly failure?: string;
}

/** The pods that scrub volumes. */
export const recyclerPods: Watch = {
  resource: "pods",
  keys: ({ now, before }) => {
    const { key = "" } = now ?? before ?? {};
    return key.startsWith(RECYCLER_KEYS) ? [`${VOLUMES}/${key.slice(RECYCLER_KEYS.length)}`] : NO_KEYS;
  },
};

/**
 * Removes the volume with its directory. Undefined: nobody here can. As in Kubernetes that is done on the controllers' own machine, and below /tmp alone; where nodes
 * are played there is no directory to remove. Source: hostPathDeleter.
 */
export function deletion(
  volume: PersistentVolume,
  directories: VolumeDirectories | undefined,
  failed: (why: string) => readonly Action[],
): Reclaiming | undefined {
  const path = volume.spec?.hostPath?.path;
  if (path === undefined) return undefined;
  if (!posix.normalize(path).startsWith("/tmp/"))
    return { actions: NOTHING, failure: `host_path deleter only supports /tmp/.+ but received provided ${path}` };
  const work = async (): Promise<readonly Action[]> => {
    try {
      await directories?.removeOther(path);
    } catch (error) {
      return failed((error as Error).message);
    }
    return [remove(PersistentVolumeKind, volume)];
  };
  return { actions: [{ do: "work", work }] };
}

/** Has a pod remove all that is in the volume, then `done`. Undefined: nobody here can. Source: RecycleVolumeByWatchingPodUntilCompletion. */
export function recycling(view: View, volume: PersistentVolume, done: Action): Reclaiming | undefined {
  const { name, uid } = volume.metadata;
  const source = sourceOf(volume);
  if (source === undefined) return undefined;
  const pod = view.get<Pod>(`${RECYCLER_KEYS}${name}`);
  if (pod === undefined) return { actions: [create(PodKind, recyclerPod(volume, source))] };
  // It is looked at again when that is gone.
  if (pod.metadata.deletionTimestamp !== undefined) return { actions: NOTHING };
  const end = remove(PodKind, pod);
  if (pod.metadata.ownerReferences?.some((owner) => owner.uid === uid) !== true) return { actions: [end] };
  switch (pod.status?.phase) {
    case "Succeeded":
      return {
        actions: [
          { do: "event", note: normal(regarding(PersistentVolumeKind, volume), "VolumeRecycled", "Volume recycled") },
          { do: "inOrder", steps: [end, done] },
        ],
      };
    case "Failed":
      return { actions: [end], failure: `Recycle failed: ${pod.status.message ?? "pod failed, pod.Status.Message unknown"}` };
    default:
      return { actions: NOTHING };
  }
}

function sourceOf({ spec }: PersistentVolume): Omit<Volume, "name"> | undefined {
  if (spec?.hostPath !== undefined) return { hostPath: { path: spec.hostPath.path } };
  return spec?.nfs === undefined ? undefined : { nfs: { server: spec.nfs.server, path: spec.nfs.path } };
}

/** It goes with the volume, if that goes first. */
function recyclerPod({ metadata, spec }: PersistentVolume, source: Omit<Volume, "name">): Pod {
  const { name, uid } = metadata;
  const { least, perGibibyte } = source.nfs === undefined ? SCRUB_HOST_PATH_S : SCRUB_NFS_S;
  const gibibytes = Math.floor(quantityValue(parseQuantity(spec?.capacity?.storage ?? "0")) / GIBIBYTE);
  return {
    apiVersion: "v1",
    kind: PodKind.kind,
    metadata: newMeta({
      name: `${RECYCLER_PREFIX}${name}`,
      namespace: RECYCLER_NAMESPACE,
      ownerReferences: [{ apiVersion: "v1", kind: PersistentVolumeKind.kind, name, uid }],
      // Where nodes are played there is nothing to scrub.
      annotations: { "troupe.dev/hollow-run-seconds": "0" },
    }),
    spec: {
      activeDeadlineSeconds: Math.max(least, gibibytes * perGibibyte),
      restartPolicy: "Never",
      volumes: [{ name: "vol", ...source }],
      containers: [
        {
          name: "pv-recycler",
          image: "busybox",
          command: ["/bin/sh"],
          args: ["-c", SCRUB],
          volumeMounts: [{ name: "vol", mountPath: "/scrub" }],
        },
      ],
    },
  };
}
