import type { Pod } from "../generated/types.ts";
import type { ObjectText } from "../text.ts";

/** What a kubelet writes on the pod by which it shows one of its static pods: that one's UID. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** Whether the pod only shows what a kubelet runs by itself, so that changing it here would change nothing. */
export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** Whether the pod of this text may be one; one that says the annotation elsewhere deceives. */
export function mayBeMirror(text: ObjectText): boolean {
  return text.includes(`"${MIRROR_ANNOTATION}":`);
}

/** Whether it shows the static pod of this UID. */
export function isMirrorOf(pod: Pod, uid: string): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] === uid;
}
