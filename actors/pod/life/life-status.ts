/**
 * What a node reports of a pod whose containers really run. Pure. Source: kubelet's generateAPIPodStatus, convertToAPIContainerStatuses, getPhase and
 * status/generate.go (Kubernetes 1.34).
 */
import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type {
  Container,
  ContainerState,
  ContainerStatus,
  NodeRuntimeHandlerFeatures,
  Pod,
  PodCondition,
  PodStatus,
} from "../../kinds/generated/types.ts";
import type { ContainerObserved, PodObserved } from "../../node/container-runtime.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { ResizeRefusal } from "../node-room.ts";
import { conditionsOf, grantedResources, type PodPlace, readiness, type Truth } from "../pod-status.ts";
import type { Verdicts } from "./plan.ts";
import { ephemeralContainersOf, initContainersOf, isSidecar, isToBeStarted, newestOf, statusNamed } from "./pod-containers.ts";
import { RESIZE_IN_PROGRESS, RESIZE_PENDING, resizeConditions } from "./resize-conditions.ts";

/** Why a container that is to be started does not run. */
export interface Wait {
  readonly reason: string;
  readonly message: string;
}

/** Why a node ends a pod, or does not begin it. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
  /** Whatever the pod says. */
  readonly grace_s?: number;
  readonly isDisruption?: boolean;
  /** Nothing of it has ever run. */
  readonly isRejection?: boolean;
}

export interface LifeFacts {
  readonly place: PodPlace;
  /** The scheme of the containers' IDs. */
  readonly runtime: string;
  /** What the runtime can do for the pod. */
  readonly features: (pod: Pod) => NodeRuntimeHandlerFeatures;
  readonly observed: PodObserved;
  readonly verdicts: Verdicts;
  /** By the container's name. */
  readonly waits: ReadonlyMap<string, Wait>;
  /** Containers that were stopped for another to take their place. */
  readonly replaced: ReadonlySet<string>;
  /** Nothing of the pod will ever run again. */
  readonly isOver: boolean;
  /** Why the pod is ended by its node, whatever its containers do. */
  readonly verdict: Verdict | undefined;
  /** Why what the spec asks for has not been granted. */
  readonly pendingResize: ResizeRefusal | undefined;
  /** Why what has been granted is not in force. */
  readonly resizeTrouble: string | undefined;
  readonly now_ms: number;
}

export function lifeStatus(pod: Pod, facts: LifeFacts): PodStatus {
  const { place, observed, verdict, now_ms } = facts;
  const now = timestamp(now_ms);
  const { status: before = {}, spec, metadata } = pod;
  if (verdict?.isRejection === true) return rejectedStatus(pod, verdict, now);
  const inits = statusesOf(pod, initContainersOf(pod), before.initContainerStatuses, facts, "init");
  const mains = statusesOf(pod, spec.containers, before.containerStatuses, facts, "main");
  const ephemeral = statusesOf(pod, ephemeralContainersOf(pod), before.ephemeralContainerStatuses, facts, "ephemeral");
  const phase = phaseAfter(pod, verdict === undefined ? phaseOf(pod, [...inits, ...mains], facts) : "Failed");
  const { reason, message, conditions: _conditions, ...kept } = before;
  const why =
    (verdict && { reason: verdict.reason, message: verdict.message }) ??
    (phase === before.phase ? { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) } : {});
  const hasSandbox = observed.sandboxes[0]?.ready === true;
  const podIP = spec.hostNetwork === true || hasSandbox ? place.podIP : before.podIP;
  return {
    ...kept,
    ...why,
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase,
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: before.startTime ?? now,
    conditions: resized(
      pod,
      conditionsOf(pod, [...disruption(verdict), ...truthsOf(pod, phase, inits, mains, hasSandbox)], now),
      facts,
      phase,
    ),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: mains,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
  };
}

/** Source: rejectPod, and what the status manager adds to it. */
function rejectedStatus({ status = {}, metadata }: Pod, { reason, message }: Verdict, now: string): PodStatus {
  const { qosClass, startTime = now } = status;
  return {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    phase: "Failed",
    reason,
    message,
    startTime,
    ...(qosClass === undefined ? {} : { qosClass }),
  };
}

function disruption(verdict: Verdict | undefined): readonly Truth[] {
  if (verdict?.isDisruption !== true) return [];
  return [{ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message: verdict.message }];
}

function resized(pod: Pod, conditions: PodCondition[], facts: LifeFacts, phase: string): PodCondition[] {
  const others = conditions.filter(({ type }) => type !== RESIZE_PENDING && type !== RESIZE_IN_PROGRESS);
  if (isTerminalPhase(phase)) return others;
  const { observed, pendingResize, resizeTrouble, now_ms } = facts;
  return [...others, ...resizeConditions(pod, observed, pendingResize, resizeTrouble, timestamp(now_ms))];
}

/** A pod that has ended stays as it ended. */
function phaseAfter({ status }: Pod, phase: string): string {
  return isTerminalPhase(status?.phase) ? status.phase : phase;
}

function statusesOf(
  pod: Pod,
  containers: readonly Container[],
  before: readonly ContainerStatus[] | undefined,
  facts: LifeFacts,
  part: "init" | "main" | "ephemeral",
): ContainerStatus[] {
  const statuses = containers.map((container) => {
    const status = statusOf(pod, container, statusNamed(before, container.name), facts);
    if (part === "ephemeral") return status;
    return { ...status, ...readinessOf(container, status, facts, part === "init") };
  });
  return part === "main" ? statuses.sort((a, b) => (a.name < b.name ? -1 : 1)) : statuses;
}

function statusOf(pod: Pod, container: Container, before: ContainerStatus | undefined, facts: LifeFacts): ContainerStatus {
  const { observed, waits, runtime, features } = facts;
  const [newest, former] = observed.containers.filter(({ name }) => name === container.name);
  const blank = blankStatus(pod, container, features);
  const status = newest === undefined ? unseenStatus(pod, blank, before) : seenStatus(blank, container, newest, former, before, runtime);
  const wait = waits.get(container.name);
  if (wait === undefined || !isToBeStarted(container, pod, observed)) return status;
  const { terminated } = status.state ?? {};
  return {
    ...status,
    ...(terminated === undefined ? {} : { lastState: { terminated } }),
    state: { waiting: waiting(wait.reason, wait.message) },
  };
}

function waiting(reason: string, message: string): { reason: string; message?: string } {
  return message === "" ? { reason } : { reason, message };
}

/** The runtime has no run of the container: it was never started, or what was is lost. */
function unseenStatus(pod: Pod, fresh: ContainerStatus, before: ContainerStatus | undefined): ContainerStatus {
  if (before === undefined) return fresh;
  if (before.state?.terminated !== undefined) return before;
  const { restartCount, lastState = {} } = before;
  if (before.state?.running === undefined || lastState.terminated !== undefined) return { ...fresh, restartCount, lastState };
  const terminated = {
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was deleted.  The container used to be Running",
    exitCode: 137,
    startedAt: null as unknown as string,
    finishedAt: null as unknown as string,
  };
  return { ...fresh, restartCount: restartCount + (pod.metadata.deletionTimestamp === undefined ? 1 : 0), lastState: { terminated } };
}

function blankStatus(pod: Pod, container: Container, features: LifeFacts["features"]): ContainerStatus {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly, recursiveReadOnly: mode = "Disabled" }) => {
    if (readOnly !== true) return { name, mountPath };
    const isRecursive = mode !== "Disabled" && features(pod).recursiveReadOnlyMounts === true;
    return { name, mountPath, readOnly, recursiveReadOnly: isRecursive ? "Enabled" : "Disabled" };
  });
  return {
    name: container.name,
    image: container.image ?? "",
    imageID: "",
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: initContainersOf(pod).length > 0 ? "PodInitializing" : "ContainerCreating" } },
    lastState: {},
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
  };
}

function seenStatus(
  blank: ContainerStatus,
  container: Container,
  newest: ContainerObserved,
  former: ContainerObserved | undefined,
  before: ContainerStatus | undefined,
  runtime: string,
): ContainerStatus {
  return {
    ...blank,
    image: newest.image,
    imageID: newest.imageId,
    containerID: `${runtime}://${newest.id}`,
    restartCount: newest.attempt,
    state: stateOf(newest, runtime) ?? blank.state ?? {},
    lastState: former === undefined ? (newest.attempt > 0 ? (before?.lastState ?? {}) : {}) : (stateOf(former, runtime) ?? {}),
    ...sizeOf(container, newest),
    ...userOf(newest),
  };
}

function userOf({ user }: ContainerObserved): Pick<ContainerStatus, "user"> {
  return user === undefined ? {} : { user: { linux: { uid: user.uid, gid: user.gid, supplementalGroups: [...user.groups] } } };
}

/** What it asks for has been granted, and what it is held to is what its runtime says, as long as there is something to hold. */
function sizeOf(container: Container, { state, resources }: ContainerObserved): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const granted = grantedResources(container);
  return granted.resources === undefined || state !== "running" ? granted : { ...granted, resources };
}

/** Undefined: it has been created and not been started. */
function stateOf(run: ContainerObserved, runtime: string): ContainerState | undefined {
  if (run.state === "created") return undefined;
  const startedAt = timestamp(run.startedAt_ms);
  if (run.state === "running") return { running: { startedAt } };
  const { exitCode, reason, message, finishedAt_ms } = run;
  return {
    terminated: {
      exitCode,
      reason,
      ...(message === "" ? {} : { message }),
      startedAt,
      finishedAt: timestamp(finishedAt_ms),
      containerID: `${runtime}://${run.id}`,
    },
  };
}

/** Source: the prober manager's UpdatePodStatus. */
function readinessOf(
  container: Container,
  status: ContainerStatus,
  { observed, verdicts }: LifeFacts,
  isInit: boolean,
): Pick<ContainerStatus, "ready" | "started"> {
  const newest = newestOf(observed, container.name);
  const runs = status.state?.running !== undefined && newest !== undefined;
  const started = runs && (container.startupProbe === undefined || verdicts(newest.id, "startup") === true);
  if (isInit && !isSidecar(container)) return { started, ready: status.state?.terminated?.exitCode === 0 };
  return { started, ready: started && (container.readinessProbe === undefined || verdicts(newest.id, "readiness") === true) };
}

/** Source: getPhase. */
function phaseOf(pod: Pod, statuses: readonly ContainerStatus[], { isOver, observed, replaced }: LifeFacts): string {
  const { restartPolicy } = pod.spec;
  const of = (container: Container): ContainerStatus | undefined => statusNamed(statuses, container.name);
  const inits = initContainersOf(pod);
  const plain = inits.filter((container) => !isSidecar(container)).map(of);
  const failedInit = plain.some((status) => ((status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode ?? 0) !== 0);
  if (failedInit && restartPolicy === "Never") return "Failed";
  const pendingInit = plain.some(
    (status) =>
      status?.state?.terminated === undefined && !(status?.state?.waiting !== undefined && status.lastState?.terminated !== undefined),
  );
  const sidecars = inits.filter(isSidecar).map(of);
  const pendingSidecar = sidecars.some(
    (status) =>
      (status?.state?.running !== undefined && status.started !== true) ||
      (status?.state?.waiting !== undefined && status.lastState?.terminated === undefined),
  );
  const mains = pod.spec.containers.map(of);
  const hasRun = pod.spec.containers.some(({ name }) => {
    const newest = newestOf(observed, name);
    return newest !== undefined && newest.state !== "created";
  });
  const isWaiting = (status: ContainerStatus | undefined): boolean =>
    status?.state?.waiting !== undefined && status.lastState?.terminated === undefined;
  if (pendingInit || (pendingSidecar && !hasRun) || mains.some(isWaiting) || sidecars.some(isWaiting)) return "Pending";
  if ([...mains, ...sidecars].some((status) => status?.state?.running !== undefined)) return "Running";
  const succeeded = mains.every((status) => status?.state?.terminated?.exitCode === 0);
  if (isOver) return succeeded ? "Succeeded" : "Failed";
  if (restartPolicy === "Always" || replaced.size > 0) return "Running";
  if (succeeded) return "Succeeded";
  return restartPolicy === "Never" ? "Failed" : "Running";
}

/** Source: status/generate.go. */
function truthsOf(
  pod: Pod,
  phase: string,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  hasSandbox: boolean,
): readonly Truth[] {
  const sidecars = initContainersOf(pod).filter(isSidecar);
  const unready = [...sidecars, ...pod.spec.containers]
    .map(({ name }) => name)
    .filter((name) => statusNamed([...inits, ...mains], name)?.ready !== true);
  const containersReady: Omit<Truth, "type"> = isTerminalPhase(phase)
    ? { status: "False", reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" }
    : unready.length > 0
      ? { status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` }
      : { status: "True" };
  return [
    { type: "PodReadyToStartContainers", status: hasSandbox ? "True" : "False" },
    { type: "Initialized", ...initialized(pod, phase, inits, mains) },
    containersReady.status === "True" ? readiness(pod) : { type: "Ready", ...containersReady },
    { type: "ContainersReady", ...containersReady },
    { type: "PodScheduled", status: "True" },
  ];
}

function initialized(pod: Pod, phase: string, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[]): Omit<Truth, "type"> {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  const hasRun = mains.some(
    ({ state, lastState, started }) => started === true || state?.terminated !== undefined || lastState?.terminated !== undefined,
  );
  if (hasRun) return { status: "True" };
  const incomplete = initContainersOf(pod)
    .filter((container) => {
      const status = statusNamed(inits, container.name);
      return isSidecar(container) ? status?.started !== true : status?.ready !== true;
    })
    .map(({ name }) => name);
  if (incomplete.length === 0) return { status: "True" };
  return { status: "False", reason: "ContainersNotInitialized", message: `containers with incomplete status: [${incomplete.join(" ")}]` };
}
