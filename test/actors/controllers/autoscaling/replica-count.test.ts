import { describe, expect, test } from "vitest";
import {
  countForAverage,
  countForShare,
  countForUtilization,
  countForValue,
} from "../../../../actors/controllers/autoscaling/replica-count.ts";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { each, NOW_MS, type PodState, pod } from "./situations.ts";

const WINDOW_MS = 60_000;

function metricsOf(used: Readonly<Record<string, number>>, age_s = 0) {
  const measured = { at_ms: NOW_MS - age_s * 1_000, window_ms: WINDOW_MS };
  return new Map(Object.entries(used).map(([name, value]) => [name, { value, measured }]));
}

function podsOf(states: readonly PodState[]): Pod[] {
  return states.map((state, index) => pod(`p${index}`, state));
}

const WELL: PodState = {};
const PENDING: PodState = { phase: "Pending", ready: "False", ready_s: 1, started_s: undefined };
/** Started a moment ago, and not ready yet. */
const STARTING: PodState = { ready: "False", ready_s: 5, started_s: 5 };
/** Ready for less than a window. */
const FRESH: PodState = { ready_s: 10, started_s: 30 };
const FAILED: PodState = { phase: "Failed", ready: "False" };
const GOING: PodState = { deleting: true };
/** It was ready once. */
const SICK: PodState = { ready: "False", ready_s: 60 };
/** It never was: unready since right after its start. */
const NEVER_READY: PodState = { ready: "False", ready_s: 3_590 };

describe("a utilization, target 50%, of pods that request a core each", () => {
  const well = (count: number): readonly PodState[] => Array.from({ length: count }, () => WELL);
  test.each<[string, readonly PodState[], Record<string, number>, number, number, number]>([
    // what, pods, thousandths used, current, replicas, utilization
    ["more than the target asks for more", well(3), each(3, 800), 3, 5, 80],
    ["less than the target asks for less", well(4), each(4, 200), 4, 2, 20],
    ["a tenth more is no reason", well(10), each(10, 550), 10, 10, 55],
    ["a little more than that is", well(10), each(10, 560), 10, 12, 56],
    ["a tenth less is no reason", well(10), each(10, 450), 10, 10, 45],
    ["a little less than that is", well(10), each(10, 440), 10, 9, 44],
    ["a part of a percent does not count", well(10), each(10, 559), 10, 10, 55],
    ["what is ready counts, not what is asked for", well(3), each(3, 800), 7, 5, 80],
    // Of those that are not known.
    ["scaling up: what is missing uses nothing", well(4), each(3, 900), 4, 6, 90],
    ["scaling up: what is missing may leave things as they are", well(4), each(2, 550), 4, 4, 55],
    ["scaling up: what is missing does not turn it round", well(4), each(1, 900), 4, 4, 90],
    ["scaling down: what is missing uses all that it requests", well(4), each(3, 100), 4, 3, 10],
    ["scaling down: what is missing does not turn it round", well(4), each(2, 300), 4, 4, 30],
    // Of those that are not ready.
    ["scaling up: what is not ready uses nothing", [WELL, WELL, STARTING], { p0: 900, p1: 900, p2: 900 }, 3, 4, 90],
    ["scaling down: what is not ready has no say", [WELL, WELL, STARTING], { p0: 200, p1: 200, p2: 900 }, 3, 1, 20],
    ["what is pending is not ready", [WELL, WELL, PENDING], { p0: 900, p1: 900 }, 3, 4, 90],
    ["scaling up: unready and missing", [WELL, WELL, PENDING, WELL], { p0: 900, p1: 900 }, 4, 4, 90],
    ["what is not ready for a window yet does not count", [WELL, FRESH], { p0: 900, p1: 100 }, 2, 2, 90],
    ["what was ready once counts, ready or not", [WELL, SICK], { p0: 900, p1: 900 }, 2, 4, 90],
    ["what never was ready does not", [WELL, NEVER_READY], { p0: 900, p1: 900 }, 2, 2, 90],
    // Of those that go.
    ["what failed is not there", [WELL, WELL, FAILED], { p0: 900, p1: 900, p2: 900 }, 2, 4, 90],
    ["what is being deleted is not there", [WELL, WELL, GOING], { p0: 900, p1: 900, p2: 0 }, 2, 4, 90],
    // Of metrics that nobody has.
    ["metrics of others mean nothing", well(2), { ...each(2, 900), other: 9_000 }, 2, 4, 90],
    // More than there are is not asked for because there are few of them.
    ["fewer known than there should be does not scale up by scaling down", well(2), each(2, 420), 1, 2, 42],
  ])("%s", (_what, states, used, current, replicas, utilization) => {
    const calculation = { current, pods: podsOf(states), metrics: metricsOf(used), resource: "cpu", now_ms: NOW_MS };
    expect(countForUtilization(calculation, 50, "")).toMatchObject({ replicas, utilization });
  });

  test("a target above 100% takes what is missing for that much", () => {
    const calculation = { current: 4, pods: podsOf(well(4)), metrics: metricsOf(each(3, 300)), resource: "cpu", now_ms: NOW_MS };
    expect(countForUtilization(calculation, 200, "").replicas).toBe(2);
  });

  test("memory counts from the first moment on", () => {
    const states = [WELL, STARTING].map((state) => ({ ...state, requests: { memory: "1Gi" } }));
    const Gi = 1_073_741_824_000;
    const calculation = { current: 2, pods: podsOf(states), metrics: metricsOf(each(2, Gi)), resource: "memory", now_ms: NOW_MS };
    expect(countForUtilization(calculation, 50, "")).toEqual({ replicas: 4, utilization: 100, usage: Gi });
  });

  test("a measurement that is older than the last change of readiness does not count, until the first five minutes are over", () => {
    const at = (started_s: number, age_s: number) => {
      const pods = podsOf([WELL, { started_s, ready_s: 100 }]);
      const metrics = metricsOf(each(2, 900), age_s);
      return countForUtilization({ current: 2, pods, metrics, resource: "cpu", now_ms: NOW_MS }, 50, "").replicas;
    };
    expect([at(299, 0), at(299, 40), at(299, 41), at(301, 41)]).toEqual([4, 4, 2, 4]);
  });

  const whole = { current: 1, metrics: metricsOf({ p0: 1 }), resource: "cpu", now_ms: NOW_MS };
  test.each([
    ["no pods", [], "no pods returned by selector while calculating replica count"],
    ["no pod that counts", [PENDING], "did not receive metrics for targeted pods (pods might be unready)"],
    ["no request", [{ requests: {} }], "missing request for cpu in container c of Pod p0"],
    ["requests of nothing", [{ requests: { cpu: "0" } }], "no metrics returned matched known pods"],
  ])("%s: there is no number", (_what, states, message) => {
    expect(() => countForUtilization({ ...whole, pods: podsOf(states) }, 50, "")).toThrow(message);
  });

  test("one container alone is compared with what it requests, and sidecars count like containers", () => {
    const [one] = podsOf([WELL]) as [Pod];
    const side = { name: "side", restartPolicy: "Always", resources: { requests: { cpu: "3" } } };
    const once = { name: "once", resources: {} };
    const pods = [{ ...one, spec: { ...one.spec, initContainers: [side, once] } }] as Pod[];
    expect(countForUtilization({ ...whole, pods, metrics: metricsOf({ p0: 2_000 }) }, 50, "").utilization).toBe(50);
    expect(countForUtilization({ ...whole, pods, metrics: metricsOf({ p0: 2_000 }) }, 50, "c").utilization).toBe(200);
    expect(() => countForUtilization({ ...whole, pods }, 50, "other")).toThrow("no metrics returned matched known pods");
  });

  test("what a pod requests as a whole goes before what its containers do", () => {
    const [one] = podsOf([WELL]) as [Pod];
    const wholes = (requests: Record<string, string>) => [{ ...one, spec: { ...one.spec, resources: { requests } } }] as Pod[];
    const metrics = metricsOf({ p0: 2_000 });
    expect(countForUtilization({ ...whole, pods: wholes({ cpu: "4" }), metrics }, 50, "").utilization).toBe(50);
    expect(countForUtilization({ ...whole, pods: wholes({ memory: "1Gi" }), metrics }, 50, "").utilization).toBe(200);
    const none = wholes({ cpu: "1" }).map((pod) => ({ ...pod, spec: { ...pod.spec, containers: [{ name: "c" }] } })) as Pod[];
    const memory = { ...whole, pods: none, metrics, resource: "memory" };
    expect(() => countForUtilization(memory, 50, "")).toThrow("missing pod-level request for memory in Pod p0");
  });
});

describe("an average value, target 20", () => {
  test.each<[string, readonly PodState[], Record<string, number>, number, number, number]>([
    ["more asks for more", [WELL, WELL], each(2, 30_000), 2, 3, 30_000],
    ["less asks for less", [WELL, WELL, WELL], each(3, 10_000), 3, 2, 10_000],
    ["about as much is enough", [WELL, WELL], each(2, 22_000), 2, 2, 22_000],
    ["the average is cut to a thousandth", [WELL, WELL, WELL], { p0: 1, p1: 1, p2: 0 }, 3, 0, 0],
    ["scaling up: what is missing uses nothing", [WELL, WELL, WELL], each(2, 60_000), 3, 6, 60_000],
    ["scaling down: what is missing uses the target", [WELL, WELL, WELL], each(2, 5_000), 3, 2, 5_000],
    ["scaling up: what is pending uses nothing", [WELL, PENDING], { p0: 50_000 }, 2, 3, 50_000],
    ["readiness is asked of nobody but for CPU", [WELL, STARTING], each(2, 30_000), 2, 3, 30_000],
  ])("%s", (_what, states, used, current, replicas, usage) => {
    const calculation = { current, pods: podsOf(states), metrics: metricsOf(used), resource: undefined, now_ms: NOW_MS };
    expect(countForAverage(calculation, 20_000)).toEqual({ replicas, usage });
  });
});

describe("a value of something else, target 20", () => {
  test.each<[string, number, number, readonly PodState[], number]>([
    ["more asks for as many times the ready pods", 3, 40_000, [WELL, WELL, WELL], 6],
    ["what is not ready does not multiply", 3, 40_000, [WELL, WELL, STARTING], 4],
    ["about as much is enough", 3, 21_000, [WELL, WELL, WELL], 3],
    ["from nothing on it is the ratio", 0, 50_000, [], 3],
    ["no number is larger than an int32", 1, 1e18, Array.from({ length: 1_000 }, () => WELL), 2_147_483_647],
  ])("%s", (_what, current, usage, states, replicas) => {
    expect(countForValue(current, usage, 20_000, podsOf(states))).toBe(replicas);
  });

  test("without pods there is no number", () => {
    expect(() => countForValue(3, 40_000, 20_000, [])).toThrow(
      "unable to calculate ready pods: no pods returned by selector while calculating replica count",
    );
  });
});

test.each([
  // current, usage, replicas, usage of each
  [4, 120_000, 6, 30_000],
  [4, 30_000, 2, 7_500],
  [4, 84_000, 4, 21_000],
  [3, 100_000, 5, 33_334],
  [0, 100_000, 5, 0],
])("%i pods that share %i thousandths, 20 each: %i", (current, usage, replicas, average) => {
  expect(countForShare(current, usage, 20_000)).toEqual({ replicas, usage: average });
});
