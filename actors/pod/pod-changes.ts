/**
 * What a node reports when the spec of a running pod has changed: a container of another image is started anew, a resize is granted or put off,
 * ephemeral containers start. Pure. Source: kubelet's allocation manager and computePodActions (Kubernetes 1.34); KEP-1287, KEP-277.
 */
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from "../kinds/generated/types.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import { type NodeRoom, type ResizeRefusal, resizeRefusal } from "./node-room.ts";
import { grantedResources, startedContainer } from "./pod-status.ts";

export interface Observed {
  readonly status: PodStatus;
  /** A resize has to wait until other pods make room. */
  readonly deferred: boolean;
}

const PENDING = "PodResizePending";

/** Whether the node has not reported yet on what the pod's spec says now. */
export function isUnobserved(pod: Pod): boolean {
  return pod.metadata.generation !== pod.status?.observedGeneration;
}

export function observedStatus(pod: Pod, runtime: string, now: string, room: NodeRoom): Observed {
  const { spec, status = {} } = pod;
  const reported = new Map((status.containerStatuses ?? []).map((one) => [one.name, one]));
  const resizes = spec.containers.some((container) => isResized(container, reported.get(container.name)));
  const refusal = resizes ? resizeRefusal(pod, room) : undefined;
  const containerStatuses = spec.containers.map((container) => {
    const before = reported.get(container.name) ?? startedContainer(pod, container, runtime, now);
    return observedContainer(container, before, refusal === undefined, now);
  });
  const generation = pod.metadata.generation;
  const { conditions, observedGeneration: _before, ...rest } = status;
  const next: PodStatus = { ...rest, containerStatuses, conditions: conditionsAfter(conditions ?? [], refusal, generation, now) };
  if (generation !== undefined) next.observedGeneration = generation;
  const ephemeral = ephemeralStatuses(pod, runtime, now);
  if (ephemeral.length > 0) next.ephemeralContainerStatuses = ephemeral;
  return { status: next, deferred: refusal?.reason === "Deferred" };
}

function isResized({ resources }: Container, before: ContainerStatus | undefined): boolean {
  return before !== undefined && !semanticEqual(resources, before.resources);
}

function observedContainer(container: Container, before: ContainerStatus, granted: boolean, now: string): ContainerStatus {
  const resized = granted && isResized(container, before);
  const kept: ContainerStatus = resized ? { ...withoutResources(before), ...grantedResources(container) } : before;
  const replaced = container.image !== undefined && container.image !== before.image;
  if (!replaced && !(resized && restartsFor(container, before))) return kept;
  const { startedAt = now } = before.state?.running ?? {};
  const ended = { exitCode: 0, reason: "Completed", startedAt, finishedAt: now };
  const { image = before.image } = container;
  return {
    ...kept,
    image,
    imageID: image,
    restartCount: before.restartCount + 1,
    state: { running: { startedAt: now } },
    lastState: { terminated: before.containerID === undefined ? ended : { ...ended, containerID: before.containerID } },
  };
}

function withoutResources({ resources: _resources, allocatedResources: _allocated, ...rest }: ContainerStatus): ContainerStatus {
  return rest;
}

/** Whether a resize of this container takes a restart: its policy says for which resources. */
function restartsFor({ resources, resizePolicy = [] }: Container, { resources: before }: ContainerStatus): boolean {
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === "RestartContainer" &&
      (resources?.requests?.[resourceName] !== before?.requests?.[resourceName] ||
        resources?.limits?.[resourceName] !== before?.limits?.[resourceName]),
  );
}

function conditionsAfter(
  before: readonly PodCondition[],
  refusal: ResizeRefusal | undefined,
  generation: number | undefined,
  now: string,
): PodCondition[] {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const others = before.filter(({ type }) => type !== PENDING).map((condition) => ({ ...condition, ...observed }));
  if (refusal === undefined) return others;
  const old = before.find(({ type }) => type === PENDING);
  return [...others, { type: PENDING, status: "True", ...refusal, ...observed, lastTransitionTime: old?.lastTransitionTime ?? now }];
}

/** They are never started anew, so those that were reported stay as they are. */
function ephemeralStatuses(pod: Pod, runtime: string, now: string): ContainerStatus[] {
  const before = new Map((pod.status?.ephemeralContainerStatuses ?? []).map((one) => [one.name, one]));
  return (pod.spec.ephemeralContainers ?? []).map((container) => {
    const known = before.get(container.name);
    if (known !== undefined) return known;
    const {
      started: _started,
      resources: _resources,
      allocatedResources: _allocated,
      ...status
    } = startedContainer(pod, container as Container, runtime, now);
    return { ...status, ready: false };
  });
}
