import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from "../kinds/generated/types.ts";

/**
 * What a node's agent reports of a pod at each stage of its life. Pure.
 * Source: kubelet's generateAPIPodStatus (Kubernetes 1.34): the five conditions and their order, reasons and observedGeneration.
 */
export interface PodPlace {
  /** The node's InternalIP. */
  readonly hostIP: string;
  /** The pod's own address; the node's for pods in the host's network. */
  readonly podIP: string;
}

export type Truth = { readonly type: string; readonly status: "True" | "False"; readonly reason?: string; readonly message?: string };

/** The conditions with `lastTransitionTime` kept where the status did not change. Conditions that others own stay. */
export function conditionsOf(pod: Pod, truths: readonly Truth[], now: string): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const generation = pod.metadata.generation;
  const ours = truths.map((truth): PodCondition => {
    const old = before.find((condition) => condition.type === truth.type);
    return {
      ...truth,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastProbeTime: null as unknown as string,
      lastTransitionTime: old?.status === truth.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : now,
    };
  });
  const others = before.filter((condition) => !truths.some((truth) => truth.type === condition.type));
  return [...ours, ...others];
}

/** The conditions of a pod whose containers are not ready. */
export function unready(pod: Pod): readonly [Truth, Truth] {
  const names = (pod.spec?.containers ?? []).map((container) => container.name).join(" ");
  const why = { status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${names}]` } as const;
  return [
    { type: "Ready", ...why },
    { type: "ContainersReady", ...why },
  ];
}

/** Sidecars are init containers that go on running. */
const isSidecar = (container: { restartPolicy?: string }): boolean => container.restartPolicy === "Always";

/** Accepted by the node, containers not yet started: what kubectl shows as ContainerCreating (or Init:0/n). */
export function creatingStatus(pod: Pod, place: PodPlace, now: string): PodStatus {
  const inits = pod.spec?.initContainers ?? [];
  const waiting = (name: string, image: string, reason: string): ContainerStatus => ({
    name,
    image,
    imageID: "",
    ready: false,
    restartCount: 0,
    started: false,
    state: { waiting: { reason } },
    lastState: {},
  });
  return {
    ...pod.status,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase: "Pending",
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    startTime: pod.status?.startTime ?? now,
    conditions: conditionsOf(
      pod,
      [
        { type: "PodReadyToStartContainers", status: "False" },
        inits.length === 0
          ? { type: "Initialized", status: "True" }
          : {
              type: "Initialized",
              status: "False",
              reason: "ContainersNotInitialized",
              message: `containers with incomplete status: [${inits.map((container) => container.name).join(" ")}]`,
            },
        ...unready(pod),
        { type: "PodScheduled", status: "True" },
      ],
      now,
    ),
    ...(inits.length === 0
      ? {}
      : { initContainerStatuses: inits.map((container) => waiting(container.name, container.image ?? "", "PodInitializing")) }),
    containerStatuses: (pod.spec?.containers ?? []).map((container) =>
      waiting(container.name, container.image ?? "", inits.length === 0 ? "ContainerCreating" : "PodInitializing"),
    ),
  };
}

/** What a node reports of a container that has just been started. */
export function startedContainer(pod: Pod, container: Container, runtime: string, now: string): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? "",
    imageID: container.image ?? "",
    containerID: `${runtime}://${pod.metadata.uid}/${container.name}`,
    ready: true,
    restartCount: 0,
    started: true,
    state: { running: { startedAt: now } },
    lastState: {},
    ...grantedResources(container),
  };
}

/** What the node gives the container: all that it asks for. */
export function grantedResources({ resources }: Container): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  if (resources === undefined) return {};
  return resources.requests === undefined ? { resources } : { allocatedResources: resources.requests, resources };
}

/** A container that runs from now on: for the first time, or again after it had ended. */
function startedAfter(before: ContainerStatus | undefined, started: ContainerStatus): ContainerStatus {
  const terminated = before?.state?.terminated ?? before?.lastState?.terminated;
  if (before === undefined || terminated === undefined) return started;
  return { ...started, restartCount: before.restartCount + 1, lastState: { terminated } };
}

/** All containers run; an address that the pod has said to have it keeps. If they are ready, the pod is Ready unless a readiness gate is still shut. */
export function runningStatus(pod: Pod, place: PodPlace, runtime: string, now: string, ready = true): PodStatus {
  // Those that run already are as they were.
  const running = (container: Container): ContainerStatus => {
    const before = pod.status?.containerStatuses?.find(({ name }) => name === container.name);
    const runs = before?.state?.running === undefined ? startedAfter(before, startedContainer(pod, container, runtime, now)) : before;
    return runs.ready === ready ? runs : { ...runs, ready };
  };
  const inits = (pod.spec?.initContainers ?? []).map((container): ContainerStatus => {
    const started = startedContainer(pod, container, runtime, now);
    if (isSidecar(container)) return started;
    const ended = { exitCode: 0, reason: "Completed", startedAt: now, finishedAt: now };
    const { containerID } = started;
    return {
      ...started,
      started: false,
      state: { terminated: containerID === undefined ? ended : { ...ended, containerID } },
    };
  });
  const podIP = pod.status?.podIP ?? place.podIP;
  return {
    ...pod.status,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase: "Running",
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: pod.status?.startTime ?? now,
    conditions: conditionsOf(
      pod,
      [
        { type: "PodReadyToStartContainers", status: "True" },
        { type: "Initialized", status: "True" },
        ...(ready ? [readiness(pod), { type: "ContainersReady", status: "True" } as const] : unready(pod)),
        { type: "PodScheduled", status: "True" },
      ],
      now,
    ),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: (pod.spec?.containers ?? []).map(running),
  };
}

/** The Ready condition of a pod whose containers are all ready: readiness gates decide. */
export function readiness(pod: Pod): Truth {
  const shut = (pod.spec?.readinessGates ?? []).filter(
    (gate) => !(pod.status?.conditions ?? []).some((condition) => condition.type === gate.conditionType && condition.status === "True"),
  );
  if (shut.length === 0) return { type: "Ready", status: "True" };
  const message = shut
    .map((gate) => {
      const present = (pod.status?.conditions ?? []).some((condition) => condition.type === gate.conditionType);
      return present
        ? `the status of pod readiness gate "${gate.conditionType}" is not "True", but False`
        : `corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`;
    })
    .join(", ");
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message };
}

/** A container that has ended, unless it had before. */
export function endedContainer(status: ContainerStatus, exitCode: number, now: string): ContainerStatus {
  if (status.state?.terminated !== undefined) return status;
  const { startedAt = now } = status.state?.running ?? {};
  const end = { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt, finishedAt: now };
  const terminated = status.containerID === undefined ? end : { ...end, containerID: status.containerID };
  return { ...status, ready: false, started: false, state: { terminated } };
}

/** How the containers of a pod that is not started again have ended. */
export function endedStatus(pod: Pod, exitCode: number, now: string): PodStatus {
  const succeeded = exitCode === 0;
  const reason = succeeded ? "PodCompleted" : "PodFailed";
  const ended = (status: ContainerStatus): ContainerStatus => endedContainer(status, exitCode, now);
  const inits = pod.status?.initContainerStatuses;
  return {
    ...pod.status,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase: succeeded ? "Succeeded" : "Failed",
    conditions: conditionsOf(
      pod,
      [
        { type: "PodReadyToStartContainers", status: "False" },
        { type: "Initialized", status: "True", ...(succeeded ? { reason } : {}) },
        { type: "Ready", status: "False", reason },
        { type: "ContainersReady", status: "False", reason },
        { type: "PodScheduled", status: "True" },
      ],
      now,
    ),
    ...(inits === undefined ? {} : { initContainerStatuses: inits.map(ended) }),
    containerStatuses: (pod.status?.containerStatuses ?? []).map(ended),
  };
}
