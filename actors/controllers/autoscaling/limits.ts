/**
 * How far an autoscaler may go towards what its metrics ask for. Pure. Source: normalizeDesiredReplicas and normalizeDesiredReplicasWithBehaviors of
 * pkg/controller/podautoscaler/horizontal.go.
 */
import type { V2HorizontalPodAutoscalerBehavior, V2HPAScalingRules } from "../../kinds/generated/types.ts";
import { changedWithin, DOWNSCALE_STABILIZATION_S, type History, withRecommendation } from "./history.ts";

/** Without rules the number may double, or grow to four. */
const SCALE_UP_FACTOR = 2;
const SCALE_UP_MINIMUM = 4;
const INT32_MAX = 2 ** 31 - 1;
const PERCENT = 100;
const MS_PER_S = 1_000;

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Reason and message of a condition. */
export interface Words {
  readonly reason: string;
  readonly message: string;
}

/** The number of pods to have, and why. */
export interface Limited {
  readonly replicas: number;
  /** Of AbleToScale. */
  readonly stabilized: Words;
  /** Of ScalingLimited. */
  readonly limit: Words & { readonly limited: boolean };
  readonly history: History;
}

const READY: Words = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const HELD_DOWN: Words = {
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const HELD_UP: Words = {
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};
const WITHIN: Words = { reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" };
const TOO_MANY: Words = { reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count" };
const TOO_FEW: Words = { reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count" };
const TOO_FAST_UP: Words = {
  reason: "ScaleUpLimit",
  message: "the desired replica count is increasing faster than the maximum scale rate",
};
const TOO_FAST_DOWN: Words = {
  reason: "ScaleDownLimit",
  message: "the desired replica count is decreasing faster than the maximum scale rate",
};

export function limit(
  desired: number,
  current: number,
  bounds: Bounds,
  behavior: V2HorizontalPodAutoscalerBehavior | undefined,
  history: History,
  now_ms: number,
): Limited {
  return behavior === undefined
    ? limitPlainly(desired, current, bounds, history, now_ms)
    : limitByRules(desired, current, bounds, behavior.scaleUp ?? {}, behavior.scaleDown ?? {}, history, now_ms);
}

function limited(desired: number, stable: number, stabilized: Words, [replicas, words]: Capped, history: History): Limited {
  return {
    replicas,
    stabilized: stable === desired ? READY : stabilized,
    limit: { ...words, limited: replicas !== stable },
    history,
  };
}

type Capped = readonly [replicas: number, words: Words];

function limitPlainly(desired: number, current: number, { min, max }: Bounds, history: History, now_ms: number): Limited {
  const from_ms = now_ms - DOWNSCALE_STABILIZATION_S * MS_PER_S;
  const recent = history.recommendations.filter(({ at_ms }) => at_ms >= from_ms).map(({ replicas }) => replicas);
  const stable = Math.max(desired, ...recent);
  const fastest = Math.max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM);
  const capped: Capped =
    stable < min
      ? [min, TOO_FEW]
      : stable > Math.min(max, fastest)
        ? [Math.min(max, fastest), max > fastest ? TOO_FAST_UP : TOO_MANY]
        : [stable, WITHIN];
  return limited(desired, stable, HELD_UP, capped, withRecommendation(history, desired, DOWNSCALE_STABILIZATION_S, now_ms));
}

function limitByRules(
  desired: number,
  current: number,
  bounds: Bounds,
  up: V2HPAScalingRules,
  down: V2HPAScalingRules,
  history: History,
  now_ms: number,
): Limited {
  const { stabilizationWindowSeconds: up_s = 0 } = up;
  const { stabilizationWindowSeconds: down_s = DOWNSCALE_STABILIZATION_S } = down;
  const within = (window_s: number): readonly number[] =>
    history.recommendations.filter(({ at_ms }) => at_ms > now_ms - window_s * MS_PER_S).map(({ replicas }) => replicas);
  const lowest = Math.min(desired, ...within(up_s));
  const highest = Math.max(desired, ...within(down_s));
  const stable = Math.min(Math.max(current, lowest), highest);
  const held = desired >= current ? HELD_DOWN : HELD_UP;
  const capped = capByRules(stable, current, bounds, up, down, history, now_ms);
  return limited(desired, stable, held, capped, withRecommendation(history, desired, Math.max(up_s, down_s), now_ms));
}

function capByRules(
  wanted: number,
  current: number,
  { min, max }: Bounds,
  up: V2HPAScalingRules,
  down: V2HPAScalingRules,
  history: History,
  now_ms: number,
): Capped {
  if (wanted > current) {
    // What was added too fast before is not taken away again.
    const fastest = Math.max(current, upLimit(current, up, history, now_ms));
    if (wanted > Math.min(max, fastest)) return max > fastest ? [fastest, TOO_FAST_UP] : [max, TOO_MANY];
  } else if (wanted < current) {
    const fastest = Math.min(current, downLimit(current, down, history, now_ms));
    if (wanted < Math.max(min, fastest)) return min < fastest ? [fastest, TOO_FAST_DOWN] : [min, TOO_FEW];
  }
  return [wanted, WITHIN];
}

/** How many there may be at most by these policies. */
function upLimit(current: number, rules: V2HPAScalingRules, history: History, now_ms: number): number {
  const proposed = ({ type, value }: Policy, before: number): number =>
    type === "Pods" ? before + value : Math.ceil(before * (1 + value / PERCENT));
  return chosen(current, rules, history, now_ms, proposed, rules.selectPolicy === "Min" ? Math.min : Math.max);
}

/** How many there have to be at least by these policies. */
function downLimit(current: number, rules: V2HPAScalingRules, history: History, now_ms: number): number {
  const proposed = ({ type, value }: Policy, before: number): number =>
    type === "Pods" ? before - value : Math.trunc(before * (1 - value / PERCENT));
  return chosen(current, rules, history, now_ms, proposed, rules.selectPolicy === "Min" ? Math.max : Math.min);
}

type Policy = NonNullable<V2HPAScalingRules["policies"]>[number];

function chosen(
  current: number,
  { selectPolicy, policies = [] }: V2HPAScalingRules,
  history: History,
  now_ms: number,
  proposed: (policy: Policy, before: number) => number,
  choose: (...limits: number[]) => number,
): number {
  if (selectPolicy === "Disabled") return current;
  const limits = policies.map((policy) => {
    const added = changedWithin(history.ups, policy.periodSeconds, now_ms);
    const deleted = changedWithin(history.downs, policy.periodSeconds, now_ms);
    return proposed(policy, current - added + deleted);
  });
  return Math.min(choose(...limits), INT32_MAX);
}
