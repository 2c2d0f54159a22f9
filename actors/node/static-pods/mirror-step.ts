import { isMirrorOf, MIRROR_ANNOTATION } from "../../kinds/core/mirror-pod.ts";
import type { Node, Pod } from "../../kinds/generated/types.ts";

export interface MirrorStep {
  readonly remove: Pod | undefined;
  readonly create: Pod | undefined;
}

/**
 * What is to be done so that the API shows a static pod, or shows none. Pure. `pod`: what runs, or ends; undefined: nothing of that name does. Source: kubelet's
 * tryReconcileMirrorPods and basicMirrorClient (Kubernetes 1.34).
 */
export function mirrorStep(pod: Pod | undefined, isEnding: boolean, mirror: Pod | undefined, node: Node | undefined): MirrorStep {
  if (pod === undefined) return { remove: mirror, create: undefined };
  // While it ends it is shown as it is.
  if (isEnding) return { remove: undefined, create: undefined };
  const isRight = mirror !== undefined && mirror.metadata.deletionTimestamp === undefined && isMirrorOf(mirror, pod.metadata.uid);
  if (isRight) return { remove: undefined, create: undefined };
  const isWanted = node !== undefined && node.metadata.deletionTimestamp === undefined;
  return { remove: mirror, create: isWanted ? mirrorOf(pod, node) : undefined };
}

function mirrorOf({ metadata, spec }: Pod, node: Node): Pod {
  const { name, namespace, uid, labels, annotations } = metadata;
  return structuredClone({
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: "",
      creationTimestamp: "",
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [MIRROR_ANNOTATION]: uid },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: node.metadata.name, uid: node.metadata.uid, controller: true }],
    },
    spec,
  });
}
