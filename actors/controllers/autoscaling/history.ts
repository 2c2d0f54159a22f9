import type { V2HorizontalPodAutoscalerBehavior, V2HPAScalingRules } from "../../kinds/generated/types.ts";

/** What an autoscaler did and would have done lately. Values: each change makes a new one. */
export interface History {
  /** What the metrics alone asked for. */
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
}

export interface Recommendation {
  readonly replicas: number;
  readonly at_ms: number;
}

/** A change that was made, by so many pods. */
export interface Change {
  readonly by: number;
  readonly at_ms: number;
}

/** How long a high recommendation holds what is there. Source: --horizontal-pod-autoscaler-downscale-stabilization. */
export const DOWNSCALE_STABILIZATION_S = 300;

const MS_PER_S = 1_000;

/** What is there when an autoscaler is first looked at counts as recommended: a new controller takes nothing away at once. */
export function historyFrom(replicas: number, now_ms: number): History {
  return { recommendations: [{ replicas, at_ms: now_ms }], ups: [], downs: [] };
}

/** With one more recommendation, and without those that nothing looks at any more. */
export function withRecommendation(history: History, replicas: number, window_s: number, now_ms: number): History {
  const kept = history.recommendations.filter(({ at_ms }) => at_ms >= now_ms - window_s * MS_PER_S);
  return { ...history, recommendations: [...kept, { replicas, at_ms: now_ms }] };
}

/** With a change that was made. Without rules nothing asks for changes, so none is kept. */
export function withChange(
  history: History,
  behavior: V2HorizontalPodAutoscalerBehavior | undefined,
  from: number,
  to: number,
  now_ms: number,
): History {
  if (behavior === undefined) return history;
  const added = (changes: readonly Change[], rules: V2HPAScalingRules | undefined, by: number): readonly Change[] => {
    const longest_s = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds));
    return [...changes.filter(({ at_ms }) => at_ms >= now_ms - longest_s * MS_PER_S), { by, at_ms: now_ms }];
  };
  return to > from
    ? { ...history, ups: added(history.ups, behavior.scaleUp, to - from) }
    : { ...history, downs: added(history.downs, behavior.scaleDown, from - to) };
}

/** By how many pods these changes went in the last so many seconds. */
export function changedWithin(changes: readonly Change[], period_s: number, now_ms: number): number {
  return changes.filter(({ at_ms }) => at_ms > now_ms - period_s * MS_PER_S).reduce((sum, { by }) => sum + by, 0);
}
