import { describe, expect, test } from "vitest";
import type { History } from "../../../../actors/controllers/autoscaling/history.ts";
import { historyFrom, withChange } from "../../../../actors/controllers/autoscaling/history.ts";
import { limit } from "../../../../actors/controllers/autoscaling/limits.ts";
import type { V2HorizontalPodAutoscalerBehavior, V2HPAScalingRules } from "../../../../actors/kinds/generated/types.ts";
import { NOW_MS } from "./situations.ts";

type Past = readonly (readonly [seconds: number, amount: number])[];

const at = (seconds: number): number => NOW_MS - seconds * 1_000;

function history({ asked = [], ups = [], downs = [] }: { asked?: Past; ups?: Past; downs?: Past }): History {
  const changes = (past: Past) => past.map(([seconds, by]) => ({ by, at_ms: at(seconds) }));
  return {
    recommendations: asked.map(([seconds, replicas]) => ({ replicas, at_ms: at(seconds) })),
    ups: changes(ups),
    downs: changes(downs),
  };
}

const BOUNDS = { min: 2, max: 50 };

describe("without rules", () => {
  test.each<[string, number, number, Past, number, string, string]>([
    // what, desired, current, asked before, replicas, AbleToScale, ScalingLimited
    ["within the bounds it is as asked", 12, 10, [], 12, "ReadyForNewScale", "False DesiredWithinRange"],
    ["never more than double", 30, 10, [], 20, "ReadyForNewScale", "True ScaleUpLimit"],
    ["but always up to four", 9, 1, [], 4, "ReadyForNewScale", "True ScaleUpLimit"],
    ["never more than the maximum", 70, 40, [], 50, "ReadyForNewScale", "True TooManyReplicas"],
    ["never fewer than the minimum", 1, 10, [], 2, "ReadyForNewScale", "True TooFewReplicas"],
    ["the most that was asked for in five minutes holds", 3, 10, [[299, 9]], 9, "ScaleDownStabilized", "False DesiredWithinRange"],
    ["to the second", 3, 10, [[300, 9]], 9, "ScaleDownStabilized", "False DesiredWithinRange"],
    ["but no longer", 3, 10, [[301, 9]], 3, "ReadyForNewScale", "False DesiredWithinRange"],
    ["what was less holds nothing", 12, 10, [[10, 3]], 12, "ReadyForNewScale", "False DesiredWithinRange"],
  ])("%s", (_what, desired, current, asked, replicas, stabilized, limited) => {
    const found = limit(desired, current, BOUNDS, undefined, history({ asked }), NOW_MS);
    expect([found.replicas, found.stabilized.reason, said(found)]).toEqual([replicas, stabilized, limited]);
    expect(found.history.recommendations.at(-1)).toEqual({ replicas: desired, at_ms: NOW_MS });
  });
});

function said({ limit: { limited, reason } }: ReturnType<typeof limit>): string {
  return `${limited ? "True" : "False"} ${reason}`;
}

const pods = (value: number, periodSeconds = 60) => ({ type: "Pods", value, periodSeconds });
const percent = (value: number, periodSeconds = 60) => ({ type: "Percent", value, periodSeconds });

function rules(up: Partial<V2HPAScalingRules>, down: Partial<V2HPAScalingRules> = {}): V2HorizontalPodAutoscalerBehavior {
  return {
    scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: [pods(4, 15), percent(100, 15)], ...up },
    scaleDown: { selectPolicy: "Max", policies: [percent(100, 15)], ...down },
  };
}

describe("by rules, going up", () => {
  test.each<[string, number, number, Partial<V2HPAScalingRules>, Parameters<typeof history>[0], number, string]>([
    // what, desired, current, rules, the past, replicas, ScalingLimited
    ["the kindest policy counts", 40, 10, { policies: [pods(4), percent(200)] }, {}, 30, "True ScaleUpLimit"],
    ["with Min the strictest", 40, 10, { policies: [pods(4), percent(200)], selectPolicy: "Min" }, {}, 14, "True ScaleUpLimit"],
    ["a part of a pod is one", 40, 10, { policies: [percent(1)] }, {}, 11, "True ScaleUpLimit"],
    ["what was added in the period counts", 40, 10, { policies: [pods(4)] }, { ups: [[30, 3]] }, 11, "True ScaleUpLimit"],
    ["what was added before does not", 40, 10, { policies: [pods(4)] }, { ups: [[60, 3]] }, 14, "True ScaleUpLimit"],
    ["what was taken away in the period may come back", 40, 10, { policies: [pods(4)] }, { downs: [[30, 3]] }, 17, "True ScaleUpLimit"],
    ["what was added too fast stays", 40, 10, { policies: [pods(1)] }, { ups: [[30, 8]] }, 10, "True ScaleUpLimit"],
    ["each policy has its own period", 40, 10, { policies: [pods(2, 30), percent(30, 600)] }, { ups: [[60, 2]] }, 12, "True ScaleUpLimit"],
    ["Disabled", 40, 10, { selectPolicy: "Disabled" }, {}, 10, "True ScaleUpLimit"],
    ["the maximum holds beside them", 70, 45, { policies: [percent(100)] }, {}, 50, "True TooManyReplicas"],
    ["within all of it", 13, 10, { policies: [pods(4)] }, {}, 13, "False DesiredWithinRange"],
  ])("%s", (_what, desired, current, up, past, replicas, limited) => {
    const found = limit(desired, current, BOUNDS, rules(up), history(past), NOW_MS);
    expect([found.replicas, said(found)]).toEqual([replicas, limited]);
  });
});

describe("by rules, going down", () => {
  test.each<[string, number, number, Partial<V2HPAScalingRules>, Parameters<typeof history>[0], number, string]>([
    ["the kindest policy counts", 5, 40, { policies: [pods(4), percent(50)] }, {}, 20, "True ScaleDownLimit"],
    ["with Min the strictest", 5, 40, { policies: [pods(4), percent(50)], selectPolicy: "Min" }, {}, 36, "True ScaleDownLimit"],
    ["a part of a pod goes", 5, 9, { policies: [percent(10)] }, {}, 8, "True ScaleDownLimit"],
    ["what was taken away in the period counts", 5, 40, { policies: [pods(4)] }, { downs: [[30, 3]] }, 39, "True ScaleDownLimit"],
    ["what was added in the period may go", 5, 40, { policies: [pods(4)] }, { ups: [[30, 3]] }, 33, "True ScaleDownLimit"],
    ["what was taken away too fast stays away", 5, 40, { policies: [pods(1)] }, { downs: [[30, 8]] }, 40, "True ScaleDownLimit"],
    ["Disabled", 5, 40, { selectPolicy: "Disabled" }, {}, 40, "True ScaleDownLimit"],
    ["the minimum holds beside them", 1, 10, {}, {}, 2, "True TooFewReplicas"],
  ])("%s", (_what, desired, current, down, past, replicas, limited) => {
    const found = limit(desired, current, BOUNDS, rules({}, down), history(past), NOW_MS);
    expect([found.replicas, said(found)]).toEqual([replicas, limited]);
  });
});

describe("windows of rules", () => {
  const window = (up_s: number, down_s?: number): V2HorizontalPodAutoscalerBehavior =>
    rules(
      { stabilizationWindowSeconds: up_s, policies: [percent(900)] },
      down_s === undefined ? {} : { stabilizationWindowSeconds: down_s },
    );
  test.each<[string, number, number, V2HorizontalPodAutoscalerBehavior, Past, number, string]>([
    [
      "up: the least that was asked for",
      20,
      10,
      window(60),
      [
        [30, 14],
        [40, 16],
      ],
      14,
      "ScaleUpStabilized",
    ],
    ["up: never down", 20, 10, window(60), [[30, 4]], 10, "ScaleUpStabilized"],
    ["up: no longer than the window", 20, 10, window(60), [[60, 14]], 20, "ReadyForNewScale"],
    ["up: without a window at once", 20, 10, window(0), [[1, 14]], 20, "ReadyForNewScale"],
    ["down: the most that was asked for", 5, 10, window(0, 120), [[100, 8]], 8, "ScaleDownStabilized"],
    ["down: never up", 5, 10, window(0, 120), [[100, 18]], 10, "ScaleDownStabilized"],
    ["down: five minutes where nothing is said", 5, 10, window(0), [[299, 8]], 8, "ScaleDownStabilized"],
    ["down: without a window at once", 5, 10, window(0, 0), [[1, 8]], 5, "ReadyForNewScale"],
  ])("%s", (_what, desired, current, behavior, asked, replicas, stabilized) => {
    const found = limit(desired, current, BOUNDS, behavior, history({ asked }), NOW_MS);
    expect([found.replicas, found.stabilized.reason]).toEqual([replicas, stabilized]);
  });
});

describe("the past", () => {
  test("does not grow", () => {
    let past = historyFrom(10, at(10_000));
    for (let seconds = 10_000; seconds >= 0; seconds -= 15) past = limit(10, 10, BOUNDS, undefined, past, at(seconds)).history;
    expect(past.recommendations.length).toBeLessThanOrEqual(22);
    const behavior = rules({ policies: [pods(1, 60)] });
    for (let seconds = 10_000; seconds >= 0; seconds -= 15) past = withChange(past, behavior, 1, 2, at(seconds));
    expect(past.ups.length).toBeLessThanOrEqual(6);
  });

  test("has changes only where rules ask for them", () => {
    const past = history({});
    expect(withChange(past, undefined, 1, 3, NOW_MS)).toBe(past);
    expect(withChange(past, rules({}), 1, 3, NOW_MS).ups).toEqual([{ by: 2, at_ms: NOW_MS }]);
    expect(withChange(past, rules({}), 3, 1, NOW_MS).downs).toEqual([{ by: 2, at_ms: NOW_MS }]);
  });
});
