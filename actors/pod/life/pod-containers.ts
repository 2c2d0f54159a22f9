import type { Container, ContainerStatus, Pod } from "../../kinds/generated/types.ts";
import type { ContainerObserved, PodObserved } from "../../node/container-runtime.ts";

/** Sidecars are init containers that go on running. Source: KEP-753. */
export const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";

export const initContainersOf = ({ spec }: Pod): readonly Container[] => spec.initContainers ?? [];

export const ephemeralContainersOf = ({ spec }: Pod): readonly Container[] => (spec.ephemeralContainers ?? []) as readonly Container[];

/** Every container of the pod with this name; names are unique among all of them. */
export function containerNamed(pod: Pod, name: string): Container | undefined {
  return [...initContainersOf(pod), ...pod.spec.containers, ...ephemeralContainersOf(pod)].find((container) => container.name === name);
}

/** The newest run of a container. */
export function newestOf({ containers }: PodObserved, name: string): ContainerObserved | undefined {
  return containers.find((container) => container.name === name);
}

/** Whether the container, which does not run, is to be started. Source: kubelet's ShouldContainerBeRestarted. */
export function isToBeStarted(container: Container, pod: Pod, observed: PodObserved): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const newest = newestOf(observed, container.name);
  if (newest === undefined || newest.state === "created") return true;
  if (newest.state === "running") return false;
  if (isSidecar(container)) return true;
  if (pod.spec.restartPolicy === "Never") return false;
  return pod.spec.restartPolicy !== "OnFailure" || newest.exitCode !== 0;
}

/** `name_namespace(uid)`, as kubelet names pods in its messages. */
export const podTitle = ({ metadata }: Pod): string => `${metadata.name}_${metadata.namespace}(${metadata.uid})`;

/** The status of a container among the statuses that the API has. */
export function statusNamed(statuses: readonly ContainerStatus[] | undefined, name: string): ContainerStatus | undefined {
  return statuses?.find((status) => status.name === name);
}
