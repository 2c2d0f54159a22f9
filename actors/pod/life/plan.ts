/**
 * What is to be done so that a pod's containers are as its spec wants them. Pure: the pod, what its runtime has of it and what probes say go in,
 * the next steps come out; the pod's worker takes them and asks again. Source: kubelet's computePodActions (Kubernetes 1.34), KEP-753 for sidecars.
 */
import type { Container, Pod } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { ContainerObserved, PodObserved } from "../../node/container-runtime.ts";
import { ephemeralContainersOf, initContainersOf, isSidecar, isToBeStarted, newestOf } from "./pod-containers.ts";

export type ProbeKind = "liveness" | "readiness" | "startup";

/** What a probe of a container's run has come to; undefined: nothing yet, or there is no such probe. */
export type Verdicts = (containerId: string, probe: ProbeKind) => boolean | undefined;

export type StopCause = "changed" | "liveness" | "startup" | "ending" | "postStart";

export interface StopOrder {
  readonly container: Container;
  readonly id: string;
  readonly cause: StopCause;
  /** For the Event. */
  readonly message: string;
}

export interface PodPlan {
  /** Nothing is left to run: what still does is stopped, and the pod's end is told. */
  readonly endPod: boolean;
  /** The attempt of the sandbox to make; undefined: there is one. */
  readonly newSandbox: number | undefined;
  readonly stop: readonly StopOrder[];
  /** In this order. */
  readonly start: readonly Container[];
  /** Held to what they ask for now, as they run. */
  readonly resize: readonly ResizeOrder[];
}

export interface ResizeOrder {
  readonly container: Container;
  readonly id: string;
}

const END: PodPlan = { endPod: true, newSandbox: undefined, stop: [], start: [], resize: [] };

/** `replaced`: containers that were stopped for another to take their place, whatever the restart policy says. */
export function planPod(pod: Pod, observed: PodObserved, verdicts: Verdicts, replaced: ReadonlySet<string> = new Set()): PodPlan {
  const sandbox = observed.sandboxes[0];
  if (sandbox?.ready !== true) return planAnew(pod, observed, sandbox === undefined ? 0 : sandbox.attempt + 1);
  const ephemeral = ephemeralContainersOf(pod).filter(({ name }) => newestOf(observed, name) === undefined);
  const init = planInit(pod, observed, verdicts);
  if (init.failed) return END;
  const { resize } = init;
  if (!init.done) return { endPod: false, newSandbox: undefined, stop: init.stop, start: [...ephemeral, ...init.start], resize };
  const main = planMain(pod, observed, verdicts, replaced);
  if (main.kept === 0 && main.start.length === 0) return END;
  const start = [...ephemeral, ...init.start, ...main.start];
  return { endPod: false, newSandbox: undefined, stop: [...init.stop, ...main.stop], start, resize: [...resize, ...main.resize] };
}

/** Without a sandbox everything begins from the start, but for what has succeeded. */
function planAnew(pod: Pod, observed: PodObserved, attempt: number): PodPlan {
  const { containers, restartPolicy } = pod.spec;
  if (restartPolicy === "Never" && attempt > 0 && observed.containers.length > 0) return END;
  const wanted = containers.filter(({ name }) => !(restartPolicy === "OnFailure" && hasSucceeded(newestOf(observed, name))));
  if (wanted.length === 0 && containers.some(({ name }) => newestOf(observed, name) !== undefined)) return END;
  const [first] = initContainersOf(pod);
  return { endPod: false, newSandbox: attempt, stop: stopAll(pod, observed), start: first === undefined ? wanted : [first], resize: [] };
}

/** What has lost its sandbox does not belong to the next one. */
function stopAll(pod: Pod, observed: PodObserved): readonly StopOrder[] {
  return [...initContainersOf(pod), ...pod.spec.containers, ...ephemeralContainersOf(pod)].flatMap((container): readonly StopOrder[] => {
    const newest = newestOf(observed, container.name);
    if (newest?.state !== "running") return [];
    return [{ container, id: newest.id, cause: "changed", message: "Pod sandbox changed, it will be killed and re-created." }];
  });
}

function hasSucceeded(newest: ContainerObserved | undefined): boolean {
  return newest?.state === "exited" && newest.exitCode === 0;
}

interface InitPlan {
  /** The main containers may run. */
  readonly done: boolean;
  readonly failed: boolean;
  readonly stop: readonly StopOrder[];
  readonly start: readonly Container[];
  readonly resize: readonly ResizeOrder[];
}

/**
 * From the last one that has ever been started: what lies before has done its part, and of that only sidecars are looked after. What has been cleaned
 * away so does not run again.
 */
function planInit(pod: Pod, observed: PodObserved, verdicts: Verdicts): InitPlan {
  const inits = initContainersOf(pod);
  const stop: StopOrder[] = [];
  const start: Container[] = [];
  const resize: ResizeOrder[] = [];
  const runsMain = pod.spec.containers.some(({ name }) => {
    const state = newestOf(observed, name)?.state;
    return state === "running" || state === "created";
  });
  let done = inits.length === 0 || runsMain;
  let passed = runsMain;
  for (let index = inits.length - 1; index >= 0; index--) {
    const container = inits[index];
    if (container === undefined) continue;
    const newest = newestOf(observed, container.name);
    const sidecar = isSidecar(container);
    if (newest === undefined) {
      if (passed && sidecar) start.push(container);
      continue;
    }
    if (passed && !sidecar) continue;
    const goOn = (): void => {
      const next = inits[index + 1];
      if (next === undefined) done = true;
      else if (!passed) start.push(next);
    };
    if (newest.state === "created") start.push(container);
    else if (newest.state === "exited") {
      if (sidecar) start.push(container);
      else if (newest.exitCode === 0) goOn();
      else if (pod.spec.restartPolicy === "Never") return { done: false, failed: true, stop: [], start: [], resize: [] };
      else start.push(container);
    } else if (sidecar) {
      const started = container.startupProbe === undefined ? true : verdicts(newest.id, "startup");
      if (started === true) goOn();
      const cause = causeToStop(container, newest, verdicts);
      if (cause !== undefined) {
        stop.push({ container, id: newest.id, ...cause, message: `Init container ${container.name} ${cause.message}` });
        start.push(container);
      } else if (isResized(container, newest)) resize.push({ container, id: newest.id });
    }
    passed = true;
  }
  const [first] = inits;
  if (!passed && first !== undefined) start.push(first);
  return { done, failed: false, stop, start: start.reverse(), resize };
}

interface MainPlan {
  readonly kept: number;
  readonly stop: readonly StopOrder[];
  readonly start: readonly Container[];
  readonly resize: readonly ResizeOrder[];
}

function planMain(pod: Pod, observed: PodObserved, verdicts: Verdicts, replaced: ReadonlySet<string>): MainPlan {
  let kept = 0;
  const stop: StopOrder[] = [];
  const start: Container[] = [];
  const resize: ResizeOrder[] = [];
  for (const container of pod.spec.containers) {
    const newest = newestOf(observed, container.name);
    if (newest?.state !== "running") {
      if (replaced.has(container.name) || isToBeStarted(container, pod, observed)) start.push(container);
      continue;
    }
    const cause = causeToStop(container, newest, verdicts);
    if (cause === undefined) {
      kept++;
      if (isResized(container, newest)) resize.push({ container, id: newest.id });
      continue;
    }
    const again = cause.cause === "changed" || pod.spec.restartPolicy !== "Never";
    const message = `Container ${container.name} ${cause.message}${again ? ", will be restarted" : ""}`;
    stop.push({ container, id: newest.id, cause: cause.cause, message });
    if (again) start.push(container);
  }
  return { kept, stop, start, resize };
}

/** Whether it is held to something else than its spec says now. */
export function isResized({ resources = {} }: Container, { resources: before }: ContainerObserved): boolean {
  return !semanticEqual(resources.requests ?? {}, before.requests ?? {}) || !semanticEqual(resources.limits ?? {}, before.limits ?? {});
}

/** Whether a resize takes a restart: its policy says for which resources. Source: kubelet's computePodResizeAction. */
function restartsFor(container: Container, { resources: before }: ContainerObserved): boolean {
  const { resources: wanted = {}, resizePolicy = [] } = container;
  const changes = (name: string): boolean =>
    wanted.requests?.[name] !== before.requests?.[name] || wanted.limits?.[name] !== before.limits?.[name];
  return resizePolicy.some(({ resourceName, restartPolicy }) => restartPolicy === "RestartContainer" && changes(resourceName));
}

function causeToStop(
  container: Container,
  observed: ContainerObserved,
  verdicts: Verdicts,
): { readonly cause: StopCause; readonly message: string } | undefined {
  const { id, image } = observed;
  if (container.image !== image) return { cause: "changed", message: "definition changed" };
  if (restartsFor(container, observed)) return { cause: "changed", message: "resize requires restart" };
  if (verdicts(id, "liveness") === false) return { cause: "liveness", message: "failed liveness probe" };
  if (verdicts(id, "startup") === false) return { cause: "startup", message: "failed startup probe" };
  return undefined;
}
