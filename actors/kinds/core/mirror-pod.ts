import type { Pod } from "../generated/types.ts";

/** What a kubelet writes on the pod by which it shows one of its static pods. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** Whether the pod only shows what a kubelet runs by itself, so that changing it here would change nothing. */
export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}
