import type { Situation } from "../../../../actors/controllers/autoscaling/decision.ts";
import type { MeasuredPod } from "../../../../actors/controllers/autoscaling/metrics-source.ts";
import type { Reading } from "../../../../actors/controllers/autoscaling/readings.ts";
import type { Pod, V2HorizontalPodAutoscaler, V2MetricSpec } from "../../../../actors/kinds/generated/types.ts";

export const NOW_MS: number = Date.parse("2026-01-01T12:00:00Z");
const HOUR_S = 3_600;

export function ago(seconds: number): string {
  return new Date(NOW_MS - seconds * 1_000).toISOString();
}

/** A pod in one word: how it is, and what its only container requests of each resource. */
export interface PodState {
  readonly phase?: string;
  /** Undefined: it has no such condition. */
  readonly ready?: "True" | "False";
  readonly ready_s?: number;
  readonly started_s?: number | undefined;
  readonly deleting?: boolean;
  readonly requests?: Readonly<Record<string, string>>;
}

/** Running and ready for an hour, and requests a whole core. */
export function pod(name: string, state: PodState = {}): Pod {
  const { phase = "Running", ready = "True", ready_s = HOUR_S, deleting = false, requests = { cpu: "1" } } = state;
  const started_s = "started_s" in state ? state.started_s : HOUR_S;
  return {
    metadata: { name, namespace: "d", ...(deleting ? { deletionTimestamp: ago(1) } : {}) },
    spec: { containers: [{ name: "c", resources: { requests } }] },
    status: {
      phase,
      ...(started_s === undefined ? {} : { startTime: ago(started_s) }),
      conditions: [{ type: "Ready", status: ready, lastTransitionTime: ago(ready_s) }],
    },
  } as unknown as Pod;
}

/** What pods use of a resource, in thousandths, in their only container. */
export function usage(used: Readonly<Record<string, number>>, resource = "cpu", age_s = 0): Reading {
  return {
    of: "usage",
    pods: Object.entries(used).map(
      ([name, value]): MeasuredPod => ({
        name,
        at_ms: NOW_MS - age_s * 1_000,
        window_ms: 60_000,
        containers: [{ name: "c", usage_milli: { [resource]: value } }],
      }),
    ),
  };
}

export function cpu(averageUtilization: number): V2MetricSpec {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

export function autoscaler(
  metrics: readonly V2MetricSpec[],
  more: Partial<V2HorizontalPodAutoscaler["spec"]> = {},
  status?: V2HorizontalPodAutoscaler["status"],
): V2HorizontalPodAutoscaler {
  return {
    metadata: { name: "a", namespace: "d", uid: "u", creationTimestamp: ago(HOUR_S) },
    spec: { minReplicas: 1, maxReplicas: 100, scaleTargetRef: { kind: "Deployment", name: "web" }, metrics: [...metrics], ...more },
    ...(status === undefined ? {} : { status }),
  };
}

/** `replicas` pods p0, p1, ... that are all well, and a target that has as many. */
export function situation(
  metrics: readonly V2MetricSpec[],
  readings: readonly Reading[],
  replicas: number,
  more: Partial<Situation> = {},
): Situation {
  return {
    autoscaler: autoscaler(metrics),
    target: { specReplicas: replicas, statusReplicas: replicas, selecting: { clear: true } },
    pods: Array.from({ length: replicas }, (_, index) => pod(`p${index}`)),
    readings,
    // What was recommended long ago holds nothing.
    history: { recommendations: [], ups: [], downs: [] },
    now_ms: NOW_MS,
    ...more,
  };
}

/** The same amount for p0, p1, ... */
export function each(count: number, amount: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, amount]));
}
