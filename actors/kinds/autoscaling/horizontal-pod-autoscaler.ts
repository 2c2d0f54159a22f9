import { defineKind, statusApart } from "../define-kind.ts";
import type { V2HorizontalPodAutoscaler, V2HorizontalPodAutoscalerStatus, V2HPAScalingRules } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { metricsCell } from "./metrics-cell.ts";
import { validateAutoscaler, validateAutoscalerStatus } from "./validation.ts";

const UTILIZATION_PERCENT = 80;
const PERIOD_S = 15;

/** Source: GenerateHPAScaleUpRules, GenerateHPAScaleDownRules. */
function withDefaults(rules: V2HPAScalingRules | undefined, up: boolean): V2HPAScalingRules {
  const everything = { type: "Percent", value: 100, periodSeconds: PERIOD_S };
  const policies = up ? [{ type: "Pods", value: 4, periodSeconds: PERIOD_S }, everything] : [everything];
  const given = rules ?? {};
  return {
    ...(up ? { stabilizationWindowSeconds: 0 } : {}),
    ...given,
    selectPolicy: given.selectPolicy ?? "Max",
    policies: given.policies ?? policies,
  };
}

/** Source: SetDefaults_HorizontalPodAutoscaler. */
function applyDefaults({ spec }: V2HorizontalPodAutoscaler): void {
  if (spec === undefined) return;
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: "Utilization", averageUtilization: UTILIZATION_PERCENT };
    spec.metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
  }
  if (spec.behavior !== undefined) {
    spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, true);
    spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, false);
  }
}

const EMPTY = (): V2HorizontalPodAutoscalerStatus => ({ currentMetrics: null as never, desiredReplicas: 0 });
const STRATEGY = statusApart<V2HorizontalPodAutoscaler>(EMPTY);

/** An autoscaler has no tolerance of its own in 1.34, where HPAConfigurableTolerance is alpha: what a client says of it is dropped. */
function dropTolerance({ spec }: V2HorizontalPodAutoscaler): void {
  delete spec.behavior?.scaleUp?.tolerance;
  delete spec.behavior?.scaleDown?.tolerance;
}

/** The version that is stored; the other one is beside it. */
export const HorizontalPodAutoscalerKind: Kind<V2HorizontalPodAutoscaler> = defineKind<V2HorizontalPodAutoscaler>({
  group: "autoscaling",
  version: "v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  namespaced: true,
  subresources: [STATUS],
  applyDefaults,
  prepareForCreate: (object, context) => {
    STRATEGY.prepareForCreate?.(object, context);
    dropTolerance(object);
  },
  prepareForUpdate: (next, current, context) => {
    STRATEGY.prepareForUpdate?.(next, current, context);
    dropTolerance(next);
  },
  nameRule: dnsSubdomain,
  validate: validateAutoscaler,
  validateStatus: validateAutoscalerStatus,
  columns: [
    NAME_COLUMN,
    column("Reference", "What it scales"),
    column("Targets", "What it measures, and what that should be"),
    column("MinPods", "How many pods there are at least"),
    column("MaxPods", "How many pods there are at most"),
    column("Replicas", "How many pods there are"),
    AGE_COLUMN,
  ],
  cells: (autoscaler, now_ms) => {
    const { spec, status, metadata } = autoscaler;
    return [
      metadata.name,
      `${spec.scaleTargetRef?.kind ?? ""}/${spec.scaleTargetRef?.name ?? ""}`,
      metricsCell(autoscaler),
      spec.minReplicas === undefined ? UNSET : String(spec.minReplicas),
      spec.maxReplicas ?? 0,
      status?.currentReplicas ?? 0,
      ageOf(autoscaler, now_ms),
    ];
  },
});
