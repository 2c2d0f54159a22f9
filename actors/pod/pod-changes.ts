/**
 * What a node reports when the spec of a running pod has changed: a container of another image is started anew, a resize is granted or put off,
 * ephemeral containers start. Pure. Source: kubelet's allocation manager and computePodActions (Kubernetes 1.34); KEP-1287, KEP-277.
 */
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from "../kinds/generated/types.ts";
import { semanticEqual } from "../kinds/machinery/equal.ts";
import type { Amounts } from "../scheduler/resource-needs.ts";
import { amountsOf, podRequests } from "../scheduler/resource-needs.ts";
import { grantedResources, startedContainer } from "./pod-status.ts";

/** What the node has for pods, and what its other pods take of that. */
export interface NodeRoom {
  readonly allocatable: Readonly<Amounts>;
  readonly taken: Readonly<Amounts>;
}

export interface Observed {
  readonly status: PodStatus;
  /** A resize has to wait until other pods make room. */
  readonly deferred: boolean;
}

const PENDING = "PodResizePending";
const RESIZABLE = ["cpu", "memory"] as const;

type Refusal = { readonly reason: "Deferred" | "Infeasible"; readonly message: string };

/** Whether the node has not reported yet on what the pod's spec says now. */
export function isUnobserved(pod: Pod): boolean {
  return pod.metadata.generation !== pod.status?.observedGeneration;
}

export function observedStatus(pod: Pod, runtime: string, now: string, room: NodeRoom): Observed {
  const { spec, status = {} } = pod;
  const reported = new Map((status.containerStatuses ?? []).map((one) => [one.name, one]));
  const resizes = spec.containers.some((container) => isResized(container, reported.get(container.name)));
  const refusal = resizes ? refusalOf(pod, room) : undefined;
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

/** Why the node does not grant what the pod asks for: it never can, or not now. */
function refusalOf(pod: Pod, { allocatable, taken }: NodeRoom): Refusal | undefined {
  // Not what it was granted before.
  const wanted = podRequests({ ...pod, status: {} });
  for (const name of RESIZABLE) {
    const [requested = 0, capacity = 0] = [wanted[name], allocatable[name]];
    if (requested > capacity) {
      return { reason: "Infeasible", message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}` };
    }
  }
  for (const name of RESIZABLE) {
    const [requested = 0, used = 0, capacity = 0] = [wanted[name], taken[name], allocatable[name]];
    if (requested + used <= capacity) continue;
    const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
    return { reason: "Deferred", message: `Node didn't have enough resource: ${name}, ${amounts}` };
  }
  return undefined;
}

function conditionsAfter(
  before: readonly PodCondition[],
  refusal: Refusal | undefined,
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

/** The room for one pod on its node, whose other pods these are. */
export function roomOn(allocatable: Readonly<Record<string, string>> | undefined, others: readonly Pod[]): NodeRoom {
  const taken: Amounts = {};
  for (const other of others) {
    if (other.status?.phase === "Succeeded" || other.status?.phase === "Failed") continue;
    for (const [name, amount] of Object.entries(podRequests(other))) taken[name] = (taken[name] ?? 0) + amount;
  }
  return { allocatable: amountsOf(allocatable), taken };
}
