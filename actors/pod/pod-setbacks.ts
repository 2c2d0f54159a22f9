/**
 * What a node's agent reports of a pod whose containers do not run as they should. Pure.
 * Source: kubelet's convertToAPIContainerStatuses (Kubernetes 1.34).
 */
import type { ContainerStatus, Pod, PodStatus } from "../kinds/generated/types.ts";
import { conditionsOf, creatingStatus, endedContainer, type PodPlace, unready } from "./pod-status.ts";

/** What containers wait for before they start, or start again: a container's `state.waiting`. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** The containers wait. Of a pod that has not run yet the first ones to start do, which are its init containers. */
export function waitingStatus(pod: Pod, place: PodPlace, { reason, message }: Waiting, now: string): PodStatus {
  const waits = (status: ContainerStatus): ContainerStatus => {
    const lastState = status.state?.terminated === undefined ? status.lastState : { terminated: status.state.terminated };
    const next: ContainerStatus = { ...status, ready: false, started: false, state: { waiting: { reason, message } } };
    return lastState === undefined ? next : { ...next, lastState };
  };
  if (pod.status?.phase === "Running") {
    return {
      ...pod.status,
      conditions: conditionsOf(pod, ranConditions(pod), now),
      containerStatuses: (pod.status.containerStatuses ?? []).map((each) => (each.state?.running === undefined ? waits(each) : each)),
    };
  }
  const creating = creatingStatus(pod, place, now);
  const [init, ...inits] = creating.initContainerStatuses ?? [];
  if (init !== undefined) return { ...creating, initContainerStatuses: [waits(init), ...inits] };
  return { ...creating, containerStatuses: (creating.containerStatuses ?? []).map(waits) };
}

/** All containers have ended and will be started again. */
export function crashedStatus(pod: Pod, exitCode: number, now: string): PodStatus {
  return {
    ...pod.status,
    conditions: conditionsOf(pod, ranConditions(pod), now),
    containerStatuses: (pod.status?.containerStatuses ?? []).map((status) => endedContainer(status, exitCode, now)),
  };
}

function ranConditions(pod: Pod): Parameters<typeof conditionsOf>[1] {
  return [
    { type: "PodReadyToStartContainers", status: "True" },
    { type: "Initialized", status: "True" },
    ...unready(pod),
    { type: "PodScheduled", status: "True" },
  ];
}
