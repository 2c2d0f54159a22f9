import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../kinds/generated/types.ts";

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

type Truth = { readonly type: string; readonly status: "True" | "False"; readonly reason?: string; readonly message?: string };

/** The conditions with `lastTransitionTime` kept where the status did not change. Conditions that others own stay. */
function conditionsOf(pod: Pod, truths: readonly Truth[], now: string): PodCondition[] {
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

function containerNames(pod: Pod): string {
  return (pod.spec?.containers ?? []).map((container) => container.name).join(" ");
}

/** Sidecars are init containers that go on running. */
const isSidecar = (container: { restartPolicy?: string }): boolean => container.restartPolicy === "Always";

/** Accepted by the node, containers not yet started: what kubectl shows as ContainerCreating (or Init:0/n). */
export function creatingStatus(pod: Pod, place: PodPlace, now: string): PodStatus {
  const inits = pod.spec?.initContainers ?? [];
  const unready = `containers with unready status: [${containerNames(pod)}]`;
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
        { type: "Ready", status: "False", reason: "ContainersNotReady", message: unready },
        { type: "ContainersReady", status: "False", reason: "ContainersNotReady", message: unready },
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

/** All containers run; Ready unless a readiness gate is still shut. */
export function runningStatus(pod: Pod, place: PodPlace, runtime: string, now: string): PodStatus {
  const id = (name: string): string => `${runtime}://${pod.metadata.uid}/${name}`;
  const running = (container: { name: string; image?: string }): ContainerStatus => ({
    name: container.name,
    image: container.image ?? "",
    imageID: container.image ?? "",
    containerID: id(container.name),
    ready: true,
    restartCount: 0,
    started: true,
    state: { running: { startedAt: now } },
    lastState: {},
  });
  const inits = (pod.spec?.initContainers ?? []).map(
    (container): ContainerStatus =>
      isSidecar(container)
        ? running(container)
        : {
            ...running(container),
            started: false,
            state: {
              terminated: { exitCode: 0, reason: "Completed", startedAt: now, finishedAt: now, containerID: id(container.name) },
            },
          },
  );
  return {
    ...pod.status,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase: "Running",
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    podIP: place.podIP,
    podIPs: [{ ip: place.podIP }],
    startTime: pod.status?.startTime ?? now,
    conditions: conditionsOf(
      pod,
      [
        { type: "PodReadyToStartContainers", status: "True" },
        { type: "Initialized", status: "True" },
        readiness(pod),
        { type: "ContainersReady", status: "True" },
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
