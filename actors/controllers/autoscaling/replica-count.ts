/** How many pods a metric asks for. Pure. Source: pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go of Kubernetes 1.34. */
import type { Pod } from "../../kinds/generated/types.ts";
import { MetricFailure } from "./metric-failure.ts";
import { groupPods, isPodReady, type PodGroups, type PodMetric, requestsOf } from "./pod-groups.ts";

/** A ratio of usage to target this near to 1 changes nothing. Source: --horizontal-pod-autoscaler-tolerance. */
const TOLERANCE = 0.1;
const INT32_MAX = 2 ** 31 - 1;
const PERCENT = 100;

/** What a metric of pods is compared with. Usage in thousandths. */
export interface PodsCalculation {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly metrics: ReadonlyMap<string, PodMetric>;
  /** Set for what metrics.k8s.io measures. */
  readonly resource: string | undefined;
  readonly now_ms: number;
}

/** The number of pods, and what each uses on average. */
export interface Count {
  readonly replicas: number;
  readonly usage: number;
}

/** The number of pods for a utilization, in percent of what they request. `container`: of one container alone; empty for whole pods. */
export function countForUtilization(
  calculation: PodsCalculation & { readonly resource: string },
  target: number,
  container: string,
): Count & { readonly utilization: number } {
  const { metrics, groups } = counted(calculation);
  const requests = requestsOf(calculation.pods, container, calculation.resource);
  const measured = utilizationOf(metrics, requests, target);
  // Too little is safer to believe of pods that nobody knows of than too much, whichever way it goes.
  const fallback = (name: string): number => Math.trunc(((requests.get(name) ?? 0) * Math.max(PERCENT, target)) / PERCENT);
  const replicas = replicasFor(
    calculation.current,
    metrics,
    groups,
    measured.ratio,
    fallback,
    () => utilizationOf(metrics, requests, target).ratio,
  );
  return { replicas, usage: measured.usage, utilization: measured.utilization };
}

/** The number of pods for an average value, in thousandths. */
export function countForAverage(calculation: PodsCalculation, target: number): Count {
  const { metrics, groups } = counted(calculation);
  const ratio = (): number => averageOf(metrics) / target;
  const usage = averageOf(metrics);
  return { replicas: replicasFor(calculation.current, metrics, groups, ratio(), () => target, ratio), usage };
}

/** The number of pods for a value that is none of theirs: it is to change as they do. */
export function countForValue(current: number, usage: number, target: number, pods: readonly Pod[]): number {
  const ratio = usage / target;
  if (current === 0) return toInt32(Math.ceil(ratio));
  if (isWithinTolerance(ratio)) return current;
  if (pods.length === 0) {
    throw new MetricFailure("unable to calculate ready pods: no pods returned by selector while calculating replica count");
  }
  return toInt32(Math.ceil(ratio * pods.filter(isPodReady).length));
}

/** The number of pods for a value that they share. `current` is how many there are by the target's status. */
export function countForShare(current: number, usage: number, target: number): Count {
  const replicas = isWithinTolerance(usage / (target * current)) ? current : toInt32(Math.ceil(usage / target));
  return { replicas, usage: current === 0 ? 0 : Math.ceil(usage / current) };
}

function isWithinTolerance(ratio: number): boolean {
  return 1 - TOLERANCE <= ratio && ratio <= 1 + TOLERANCE;
}

/** The metrics that count, as a private copy, and whose they are. */
function counted({ pods, metrics, resource, now_ms }: PodsCalculation): {
  readonly metrics: Map<string, PodMetric>;
  readonly groups: PodGroups;
} {
  if (pods.length === 0) throw new MetricFailure("no pods returned by selector while calculating replica count");
  const groups = groupPods(pods, metrics, resource, now_ms);
  const left = new Map(metrics);
  for (const name of [...groups.ignored, ...groups.unready]) left.delete(name);
  if (left.size === 0) throw new MetricFailure("did not receive metrics for targeted pods (pods might be unready)");
  return { metrics: left, groups };
}

/**
 * The rule of all metrics of pods. Those of which nothing is known are taken for what speaks against the change, and so are those that are not ready when
 * more seem to be needed; a change that turns round by it is none. Adds to `metrics`.
 */
function replicasFor(
  current: number,
  metrics: Map<string, PodMetric>,
  { ready, unready, missing }: PodGroups,
  ratio: number,
  fallback: (pod: string) => number,
  ratioAgain: () => number,
): number {
  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0) return isWithinTolerance(ratio) ? current : toInt32(Math.ceil(ratio * ready));
  if (ratio !== 1) for (const name of missing) metrics.set(name, { value: ratio < 1 ? fallback(name) : 0 });
  if (countsUnready) for (const name of unready) metrics.set(name, { value: 0 });
  const again = ratioAgain();
  if (isWithinTolerance(again) || (ratio < 1 && again > 1) || (ratio > 1 && again < 1)) return current;
  const replicas = toInt32(Math.ceil(again * metrics.size));
  return (again < 1 && replicas > current) || (again > 1 && replicas < current) ? current : replicas;
}

function utilizationOf(
  metrics: ReadonlyMap<string, PodMetric>,
  requests: ReadonlyMap<string, number>,
  target: number,
): { readonly ratio: number; readonly utilization: number; readonly usage: number } {
  let used = 0;
  let requested = 0;
  let pods = 0;
  for (const [name, { value }] of metrics) {
    const request = requests.get(name);
    if (request === undefined) continue;
    used += value;
    requested += request;
    pods++;
  }
  if (requested === 0) throw new MetricFailure("no metrics returned matched known pods");
  const utilization = Math.trunc((used * PERCENT) / requested);
  return { ratio: utilization / target, utilization, usage: Math.trunc(used / pods) };
}

function averageOf(metrics: ReadonlyMap<string, PodMetric>): number {
  let sum = 0;
  for (const { value } of metrics.values()) sum += value;
  return Math.trunc(sum / metrics.size);
}

function toInt32(count: number): number {
  return Math.min(count, INT32_MAX);
}
