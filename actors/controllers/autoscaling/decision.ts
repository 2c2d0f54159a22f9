/** What an autoscaler does next. Pure. Source: reconcileAutoscaler and computeReplicasForMetrics of pkg/controller/podautoscaler/horizontal.go. */
import type {
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerCondition,
  V2HorizontalPodAutoscalerStatus,
  V2MetricStatus,
} from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import { type History, historyFrom, withChange } from "./history.ts";
import { limit } from "./limits.ts";
import { type Proposal, proposalOf, type Scaled } from "./proposal.ts";
import type { Reading } from "./readings.ts";

/** All that a decision looks at. */
export interface Situation {
  readonly autoscaler: V2HorizontalPodAutoscaler;
  readonly target: Target;
  readonly pods: Scaled["pods"];
  /** One for each metric of the autoscaler; not looked at where the target's size alone decides. */
  readonly readings: readonly Reading[];
  /** Undefined the first time. */
  readonly history: History | undefined;
  readonly now_ms: number;
}

export type Target =
  /** Why there is no Scale. */
  | { readonly unknown: string }
  | {
      readonly specReplicas: number;
      readonly statusReplicas: number;
      readonly selecting: Selecting;
    };

/** Whether it can be said which pods the target has. */
export type Selecting =
  | { readonly clear: true }
  /** Reason and message of an Event, and the same for the condition, which may have other words. */
  | {
      readonly clear: false;
      readonly event: readonly [reason: string, message: string];
      readonly condition: readonly [reason: string, message: string];
    };

/** An Event about the autoscaler. */
export type Said = readonly [type: "Normal" | "Warning", reason: string, message: string];

export interface Decision {
  readonly status: V2HorizontalPodAutoscalerStatus;
  readonly said: readonly Said[];
  readonly history: History | undefined;
  /** Undefined: the target stays as it is. */
  readonly rescale: Rescale | undefined;
}

export interface Rescale {
  readonly replicas: number;
  readonly why: string;
  /** What holds instead when the target cannot be scaled. */
  readonly failed: (error: string) => V2HorizontalPodAutoscalerStatus;
  readonly historyIfFailed: History;
}

const CANNOT_COUNT = "the HPA was unable to compute the replica count";

/** Whether metrics have a say: not while the target is switched off or outside of the bounds. */
export function asksMetrics({ spec }: V2HorizontalPodAutoscaler, target: Target): boolean {
  if ("unknown" in target || !target.selecting.clear) return false;
  const { specReplicas: replicas } = target;
  return replicas > 0 && replicas >= (spec.minReplicas ?? 1) && replicas <= spec.maxReplicas;
}

export function decide(situation: Situation): Decision {
  const { autoscaler, target, now_ms } = situation;
  const status = new Draft(autoscaler.status, now_ms);
  if ("unknown" in target) {
    status.condition(
      "AbleToScale",
      false,
      "FailedGetScale",
      `the HPA controller was unable to get the target's current scale: ${target.unknown}`,
    );
    const said: Said = ["Warning", "FailedGetScale", target.unknown];
    return { status: status.asBefore(), said: [said], history: situation.history, rescale: undefined };
  }
  status.condition("AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
  const { specReplicas: current } = target;
  const history = situation.history ?? historyFrom(current, now_ms);
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  if (current === 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    status.condition("ScalingActive", false, "ScalingDisabled", message);
    return { status: status.with(current, current, undefined), said: [], history, rescale: undefined };
  }
  const round: Round = { current, history, metrics: undefined, said: [] };
  if (current > maxReplicas) return rescaled(situation, status, round, maxReplicas, "Current number of replicas above Spec.MaxReplicas");
  if (current < minReplicas) return rescaled(situation, status, round, minReplicas, "Current number of replicas below Spec.MinReplicas");
  return decideByMetrics(situation, target, status, history);
}

function decideByMetrics(
  situation: Situation,
  target: Exclude<Target, { readonly unknown: string }>,
  status: Draft,
  history: History,
): Decision {
  const { autoscaler, now_ms } = situation;
  const { specReplicas: current } = target;
  const { minReplicas = 1, maxReplicas, behavior } = autoscaler.spec;
  const desired = status.desiredReplicas;
  if (!target.selecting.clear) {
    const { event, condition } = target.selecting;
    status.condition("ScalingActive", false, ...condition);
    const said: readonly Said[] = [
      ["Warning", ...event],
      ["Warning", "FailedComputeMetricsReplicas", event[1]],
    ];
    return { status: status.with(current, desired, undefined), said, history, rescale: undefined };
  }
  const proposals = proposalsOf(situation, target);
  const said = proposals.flatMap((proposal): Said[] => ("why" in proposal ? [["Warning", proposal.reason, proposal.why]] : []));
  const metrics = proposals.map((proposal) => ("why" in proposal ? { type: "" } : proposal.status));
  const highest = highestOf(proposals);
  const failures = proposals.filter((proposal) => "why" in proposal);
  const [failure] = failures;
  // With metrics that cannot be had nothing is taken away: they might ask for more than the others.
  if (highest === undefined || (failure !== undefined && highest.replicas < current)) {
    const { reason = "", why = "", error = "" } = failure ?? {};
    status.condition("ScalingActive", false, reason, `${CANNOT_COUNT}: ${why}`);
    const message = `invalid metrics (${failures.length} invalid out of ${proposals.length}), first error is: ${error}`;
    const all: readonly Said[] = [...said, ["Warning", "FailedComputeMetricsReplicas", message]];
    return { status: status.with(current, desired, metrics), said: all, history, rescale: undefined };
  }
  const found = `the HPA was able to successfully calculate a replica count from ${highest.metric}`;
  status.condition("ScalingActive", true, "ValidMetricFound", found);
  const limited = limit(highest.replicas, current, { min: minReplicas, max: maxReplicas }, behavior, history, now_ms);
  status.condition("AbleToScale", true, limited.stabilized.reason, limited.stabilized.message);
  status.condition("ScalingLimited", limited.limit.limited, limited.limit.reason, limited.limit.message);
  if (limited.replicas === current)
    return { status: status.with(current, current, metrics), said, history: limited.history, rescale: undefined };
  const why = highest.replicas > current ? `${highest.metric} above target` : highest.replicas < current ? "All metrics below target" : "";
  return rescaled(situation, status, { current, history: limited.history, metrics, said }, limited.replicas, why);
}

function proposalsOf(
  { autoscaler, pods, readings, now_ms }: Situation,
  target: Exclude<Target, { readonly unknown: string }>,
): readonly Proposal[] {
  const scaled: Scaled = {
    namespace: autoscaler.metadata.namespace ?? "",
    specReplicas: target.specReplicas,
    statusReplicas: target.statusReplicas,
    pods,
    now_ms,
  };
  return (autoscaler.spec.metrics ?? []).map((metric, index) =>
    proposalOf(metric, readings[index] ?? { of: "nothing", why: "nothing was read" }, scaled),
  );
}

type Found = Extract<Proposal, { readonly replicas: number }>;

/** The first of those that want the most; of those that want none the last. */
function highestOf(proposals: readonly Proposal[]): Found | undefined {
  let highest: Found | undefined;
  for (const proposal of proposals) {
    if ("replicas" in proposal && ((highest?.replicas ?? 0) === 0 || proposal.replicas > (highest?.replicas ?? 0))) highest = proposal;
  }
  return highest;
}

/** What was found out in a round before it comes to a change of size. */
interface Round {
  readonly current: number;
  readonly history: History;
  readonly metrics: readonly V2MetricStatus[] | undefined;
  readonly said: readonly Said[];
}

function rescaled(
  { autoscaler, now_ms }: Situation,
  status: Draft,
  { current, history, metrics, said }: Round,
  replicas: number,
  why: string,
): Decision {
  const failed = (error: string): V2HorizontalPodAutoscalerStatus => {
    const draft = status.copy();
    draft.condition("AbleToScale", false, "FailedUpdateScale", `the HPA controller was unable to update the target scale: ${error}`);
    return draft.with(current, status.desiredReplicas, metrics);
  };
  const rescale: Rescale = { replicas, why, failed, historyIfFailed: history };
  const done = status.copy();
  done.condition("AbleToScale", true, "SucceededRescale", `the HPA controller was able to update the target scale to ${replicas}`);
  return {
    status: { ...done.with(current, replicas, metrics), lastScaleTime: timestamp(now_ms) },
    said,
    history: withChange(history, autoscaler.spec.behavior, current, replicas, now_ms),
    rescale,
  };
}

/** The next status as it comes about. */
class Draft {
  readonly #before: V2HorizontalPodAutoscalerStatus | undefined;
  readonly #now_ms: number;
  #conditions: readonly V2HorizontalPodAutoscalerCondition[];

  constructor(before: V2HorizontalPodAutoscalerStatus | undefined, now_ms: number, conditions = before?.conditions ?? []) {
    this.#before = before;
    this.#now_ms = now_ms;
    this.#conditions = conditions;
  }

  get desiredReplicas(): number {
    return this.#before?.desiredReplicas ?? 0;
  }

  copy(): Draft {
    return new Draft(this.#before, this.#now_ms, [...this.#conditions]);
  }

  /** The condition, in its place, with its time of transition where its status is the same. Source: setConditionInList. */
  condition(type: string, holds: boolean, reason: string, message: string): void {
    const before = this.#conditions.find((one) => one.type === type);
    const status = holds ? "True" : "False";
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(this.#now_ms);
    const next = { type, status, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }), reason, message };
    this.#conditions =
      before === undefined ? [...this.#conditions, next] : this.#conditions.map((condition) => (condition === before ? next : condition));
  }

  /** What was there before, with these conditions. */
  asBefore(): V2HorizontalPodAutoscalerStatus {
    return { ...(this.#before ?? { desiredReplicas: 0, currentMetrics: NO_METRICS }), conditions: [...this.#conditions] };
  }

  with(current: number, desired: number, metrics: readonly V2MetricStatus[] | undefined): V2HorizontalPodAutoscalerStatus {
    const lastScaleTime = this.#before?.lastScaleTime;
    return {
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(current === 0 ? {} : { currentReplicas: current }),
      desiredReplicas: desired,
      currentMetrics: metrics === undefined ? NO_METRICS : [...metrics],
      conditions: [...this.#conditions],
    };
  }
}

/** As Kubernetes prints that there are none. */
const NO_METRICS = null as unknown as V2MetricStatus[];
