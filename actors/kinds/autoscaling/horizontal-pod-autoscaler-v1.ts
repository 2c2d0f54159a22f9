/**
 * Version 1 of autoscalers, of which the CPU is the only field: what else version 2 knows travels in annotations. Source:
 * pkg/apis/autoscaling/v1/conversion.go. There the annotations hold the metrics in a form of their own; here in that of version 2,
 * which no known client looks into.
 */
import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { HorizontalPodAutoscalerKind } from "./horizontal-pod-autoscaler.ts";

const PREFIX = "autoscaling.alpha.kubernetes.io/";
const CARRIED = { metrics: `${PREFIX}metrics`, behavior: `${PREFIX}behavior` } as const;
const CARRIED_STATUS = { currentMetrics: `${PREFIX}current-metrics`, conditions: `${PREFIX}conditions` } as const;

function isCpu(metric: V2MetricSpec): boolean {
  return metric.type === "Resource" && metric.resource?.name === "cpu" && metric.resource.target.averageUtilization !== undefined;
}

function isCpuStatus(metric: V2MetricStatus): boolean {
  return metric.type === "Resource" && metric.resource?.name === "cpu" && metric.resource.current.averageUtilization !== undefined;
}

function fromStored(stored: V2HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { spec, status, metadata, ...rest } = stored;
  const annotations: Record<string, string> = { ...metadata.annotations };
  const cpu = spec.metrics?.find(isCpu);
  const others = (spec.metrics ?? []).filter((metric) => metric !== cpu);
  if (others.length > 0) annotations[CARRIED.metrics] = JSON.stringify(others);
  if (spec.behavior !== undefined) annotations[CARRIED.behavior] = JSON.stringify(spec.behavior);
  const cpuNow = status?.currentMetrics?.find(isCpuStatus)?.resource?.current.averageUtilization;
  for (const [member, name] of Object.entries(CARRIED_STATUS) as ["currentMetrics" | "conditions", string][]) {
    const list = (status?.[member] ?? []).filter((one) => member !== "currentMetrics" || !isCpuStatus(one as V2MetricStatus));
    if (list.length > 0) annotations[name] = JSON.stringify(list);
  }
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  const target = cpu?.resource?.target.averageUtilization;
  return {
    ...rest,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
    spec: {
      maxReplicas,
      ...(minReplicas === undefined ? {} : { minReplicas }),
      scaleTargetRef,
      ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }),
    },
    status: {
      currentReplicas: status?.currentReplicas ?? 0,
      desiredReplicas: status?.desiredReplicas ?? 0,
      ...(status?.lastScaleTime === undefined ? {} : { lastScaleTime: status.lastScaleTime }),
      ...(status?.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
      ...(cpuNow === undefined ? {} : { currentCPUUtilizationPercentage: cpuNow }),
    },
  };
}

/** What an annotation carries; what is no JSON of ours is a client's own and carries nothing. */
function carried<T>(annotations: Record<string, string>, name: string): T | undefined {
  const text = annotations[name];
  if (text === undefined) return undefined;
  delete annotations[name];
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function toStored(served: HorizontalPodAutoscaler): V2HorizontalPodAutoscaler {
  const { spec, status, metadata, ...rest } = served;
  const annotations: Record<string, string> = { ...metadata.annotations };
  const target = spec?.targetCPUUtilizationPercentage;
  const cpu: V2MetricSpec[] =
    target === undefined
      ? []
      : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: target } } }];
  const metrics = [...cpu, ...(carried<V2MetricSpec[]>(annotations, CARRIED.metrics) ?? [])];
  const behavior = carried<NonNullable<V2HorizontalPodAutoscaler["spec"]["behavior"]>>(annotations, CARRIED.behavior);
  const currentMetrics = carried<V2MetricStatus[]>(annotations, CARRIED_STATUS.currentMetrics) ?? [];
  const conditions = carried<NonNullable<NonNullable<V2HorizontalPodAutoscaler["status"]>["conditions"]>>(
    annotations,
    CARRIED_STATUS.conditions,
  );
  const now = status?.currentCPUUtilizationPercentage;
  if (now !== undefined) currentMetrics.unshift({ type: "Resource", resource: { name: "cpu", current: { averageUtilization: now } } });
  const { annotations: _replaced, ...meta } = metadata;
  const { targetCPUUtilizationPercentage: _metric, ...bounds } = spec ?? {};
  const { currentCPUUtilizationPercentage: _current, ...counts } = status ?? { currentReplicas: 0, desiredReplicas: 0 };
  return {
    ...rest,
    metadata: Object.keys(annotations).length === 0 ? meta : { ...meta, annotations },
    spec: { ...bounds, ...(metrics.length === 0 ? {} : { metrics }), ...(behavior === undefined ? {} : { behavior }) },
    status: {
      ...counts,
      currentMetrics: currentMetrics.length === 0 ? (null as never) : currentMetrics,
      ...(conditions === undefined ? {} : { conditions }),
    },
  } as V2HorizontalPodAutoscaler;
}

export const HorizontalPodAutoscalerV1Kind: Kind = {
  ...(HorizontalPodAutoscalerKind as unknown as Kind),
  version: "v1",
  schema: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  stored: {
    kind: HorizontalPodAutoscalerKind as unknown as Kind,
    fromStored: (object) => fromStored(object as V2HorizontalPodAutoscaler),
    toStored: (object) => toStored(object as HorizontalPodAutoscaler),
  },
};
