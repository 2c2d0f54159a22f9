import type { Container, Pod, ResourceRequirements } from "../kinds/generated/types.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import type { ResizeRefusal } from "./node-room.ts";

/**
 * What a node has granted a pod, which may be less than its spec asks for by now. Plain data. Source: kubelet's allocation manager, KEP-1287.
 */
export interface Allocation {
  /** Of its containers that can be resized, by name. */
  readonly resources: Readonly<Record<string, ResourceRequirements>>;
  /** Why its spec is not granted as it is now. */
  readonly pending?: ResizeRefusal;
  /** Why it does not run here at all. */
  readonly rejected?: Rejection;
}

export interface Rejection {
  /** Its status' reason. */
  readonly reason: string;
  readonly message: string;
}

/** Those that can be resized while the pod is there: main containers and sidecars. */
export function resizableContainers({ spec }: Pod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")];
}

/** The pod as it is to run: with what it has been granted in place of what it asks for. */
export function allocated(pod: Pod, allocation: Allocation | undefined): Pod {
  if (allocation === undefined || !isToBeResized(pod, allocation.resources)) return pod;
  const granted = <C extends Container>(containers: readonly C[]): C[] =>
    containers.map((container) => {
      const resources = allocation.resources[container.name];
      return resources === undefined ? container : { ...container, resources };
    });
  const { initContainers } = pod.spec;
  const spec = { ...pod.spec, containers: granted(pod.spec.containers) };
  return { ...pod, spec: initContainers === undefined ? spec : { ...spec, initContainers: granted(initContainers) } };
}

/** Whether its spec asks for something else than it has been granted. */
export function isToBeResized(pod: Pod, granted: Allocation["resources"]): boolean {
  return resizableContainers(pod).some(({ name, resources = {} }) => {
    const { requests = {}, limits = {} } = granted[name] ?? resources;
    return !semanticEqual(resources.requests ?? {}, requests) || !semanticEqual(resources.limits ?? {}, limits);
  });
}
