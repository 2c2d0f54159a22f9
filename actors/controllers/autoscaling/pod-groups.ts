import type { Container, Pod } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityMilliValue } from "../../kinds/machinery/quantity.ts";
import { podRequests } from "../../scheduler/resource-needs.ts";
import { MetricFailure } from "./metric-failure.ts";

/** After its start a pod's CPU counts only when it is ready and was for a whole window. Source: --horizontal-pod-autoscaler-cpu-initialization-period. */
const CPU_INITIALIZATION_MS = 300_000;
/** A pod that became unready so soon after its start has never been ready. Source: --horizontal-pod-autoscaler-initial-readiness-delay. */
const INITIAL_READINESS_MS = 30_000;

const MILLI = 1_000;

/** One metric of one pod, in thousandths. */
export interface PodMetric {
  readonly value: number;
  /** Undefined for metrics of which nobody asks when they were measured. */
  readonly measured?: { readonly at_ms: number; readonly window_ms: number };
}

/** What becomes of pods when the next number of them is worked out. */
export interface PodGroups {
  readonly ready: number;
  /** Use nothing yet, and may soon. */
  readonly unready: readonly string[];
  /** Run, and nobody knows what they use. */
  readonly missing: readonly string[];
  /** On their way out. */
  readonly ignored: readonly string[];
}

/** Source: groupPods of pkg/controller/podautoscaler/replica_calculator.go. */
export function groupPods(
  pods: readonly Pod[],
  metrics: ReadonlyMap<string, PodMetric>,
  resource: string | undefined,
  now_ms: number,
): PodGroups {
  let ready = 0;
  const unready: string[] = [];
  const missing: string[] = [];
  const ignored: string[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || pod.status?.phase === "Failed") ignored.push(name);
    else if ((pod.status?.phase ?? "Pending") === "Pending") unready.push(name);
    else if (metric === undefined) missing.push(name);
    else if (resource === "cpu" && !countsCpu(pod, metric, now_ms)) unready.push(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };
}

/** While a pod starts it burns CPU that says nothing of its load. */
function countsCpu({ status }: Pod, { measured }: PodMetric, now_ms: number): boolean {
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  if (condition === undefined || status?.startTime === undefined) return false;
  const started_ms = Date.parse(status.startTime);
  const since_ms = Date.parse(condition.lastTransitionTime ?? "") || 0;
  if (started_ms + CPU_INITIALIZATION_MS > now_ms) {
    const { at_ms, window_ms } = measured ?? { at_ms: now_ms, window_ms: 0 };
    return condition.status !== "False" && at_ms >= since_ms + window_ms;
  }
  return condition.status !== "False" || started_ms + INITIAL_READINESS_MS <= since_ms;
}

export function isPodReady({ status }: Pod): boolean {
  return status?.phase === "Running" && status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}

/**
 * What each pod, or one container of it, requests; in thousandths. Throws MetricFailure when one requests nothing: then there is no utilization. Source:
 * calculateRequests.
 */
export function requestsOf(pods: readonly Pod[], container: string, resource: string): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, container, resource)]));
}

function requestOf(pod: Pod, container: string, resource: string): number {
  const { name } = pod.metadata;
  const whole = pod.spec.resources?.requests ?? {};
  if (container === "" && Object.keys(whole).length > 0) {
    const request = podRequests(pod)[resource];
    if (request === undefined) throw new MetricFailure(`missing pod-level request for ${resource} in Pod ${name}`);
    return resource === "cpu" ? request : request * MILLI;
  }
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const all: readonly Container[] = [...pod.spec.containers, ...sidecars];
  const asked = container === "" ? all : all.filter((one) => one.name === container);
  let sum = 0;
  for (const one of asked) {
    const request = one.resources?.requests?.[resource];
    if (request === undefined) throw new MetricFailure(`missing request for ${resource} in container ${one.name} of Pod ${name}`);
    sum += quantityMilliValue(parseQuantity(request));
  }
  return sum;
}
