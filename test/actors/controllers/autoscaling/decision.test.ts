import { describe, expect, test } from "vitest";
import { type Decision, decide, type Situation } from "../../../../actors/controllers/autoscaling/decision.ts";
import type { Reading } from "../../../../actors/controllers/autoscaling/readings.ts";
import type { V2MetricSpec, V2MetricTarget } from "../../../../actors/kinds/generated/types.ts";
import { ago, autoscaler, cpu, each, NOW_MS, pod, situation, usage } from "./situations.ts";

const NOW = "2026-01-01T12:00:00Z";

/** A decision as one reads it: what is scaled to, what is said, and the conditions. */
function told({ status, said, rescale }: Decision): { to: number | undefined; said: string[]; conditions: string[] } {
  return {
    to: rescale?.replicas,
    said: said.map((words) => words.join(" ")),
    conditions: (status.conditions ?? []).map(({ type, status: is, reason, message }) => `${type} ${is} ${reason}: ${message}`),
  };
}

const average = (averageValue: string): V2MetricTarget => ({ type: "AverageValue", averageValue });
const value = (text: string): V2MetricTarget => ({ type: "Value", value: text });
const memory = (target: V2MetricTarget): V2MetricSpec => ({ type: "Resource", resource: { name: "memory", target } });
const inContainer = (container: string): V2MetricSpec => ({
  type: "ContainerResource",
  containerResource: { name: "cpu", container, target: { type: "Utilization", averageUtilization: 50 } },
});
const qps = (target: V2MetricTarget): V2MetricSpec => ({ type: "Pods", pods: { metric: { name: "qps" }, target } });
const hits = (target: V2MetricTarget): V2MetricSpec => ({
  type: "Object",
  object: { metric: { name: "hits" }, describedObject: { apiVersion: "v1", kind: "Service", name: "front" }, target },
});
const queue = (target: V2MetricTarget): V2MetricSpec => ({
  type: "External",
  external: { metric: { name: "queue", selector: { matchLabels: { of: "mail" } } }, target },
});
const PODS: Reading = { of: "pods", pods: [1, 2, 3].map((n) => ({ name: `p${n - 1}`, value_milli: n * 10_000 })) };
const nothing = (why: string): Reading => ({ of: "nothing", why });

test("of metrics that all want nothing the last is named", () => {
  const none = { of: "pods", pods: [1, 2, 3].map((n) => ({ name: `p${n - 1}`, value_milli: 0 })) } as const;
  const { conditions } = told(decide(situation([qps(average("10")), cpu(50)], [none, usage(each(3, 0))], 3)));
  const why = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
  expect(conditions).toContain(`ScalingActive True ValidMetricFound: ${why}`);
});

describe("each kind of metric, three pods", () => {
  test.each<[string, V2MetricSpec, Reading, number, string, object]>([
    // what, metric, reading, replicas, what the pods are scaled by, status
    [
      "utilization of a resource",
      cpu(50),
      usage(each(3, 800)),
      5,
      "cpu resource utilization (percentage of request)",
      { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 80, averageValue: "800m" } } },
    ],
    [
      "usage of a resource",
      memory(average("100")),
      usage(each(3, 180_000), "memory"),
      6,
      "memory resource",
      { type: "Resource", resource: { name: "memory", current: { averageValue: "180" } } },
    ],
    [
      "usage of memory, as people know it",
      memory(average("1Mi")),
      usage(each(3, 2_097_152_000), "memory"),
      6,
      "memory resource",
      { type: "Resource", resource: { name: "memory", current: { averageValue: "2Mi" } } },
    ],
    [
      "utilization of a container",
      inContainer("c"),
      usage(each(3, 800)),
      5,
      "cpu container resource utilization (percentage of request)",
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", container: "c", current: { averageUtilization: 80, averageValue: "800m" } },
      },
    ],
    [
      "a metric of pods",
      qps(average("10")),
      PODS,
      6,
      "pods metric qps",
      { type: "Pods", pods: { metric: { name: "qps" }, current: { averageValue: "20" } } },
    ],
    [
      "a value of an object",
      hits(value("10")),
      { of: "object", value_milli: 20_000 },
      6,
      "Service metric hits",
      {
        type: "Object",
        object: {
          describedObject: { apiVersion: "v1", kind: "Service", name: "front" },
          metric: { name: "hits" },
          current: { value: "20" },
        },
      },
    ],
    [
      "a value of an object that is shared",
      hits(average("10")),
      { of: "object", value_milli: 40_000 },
      4,
      "external metric hits(nil)",
      { type: "Object", object: { metric: { name: "hits" }, current: { averageValue: "13334m" } } },
    ],
    [
      "an external value",
      queue(value("10")),
      { of: "external", values_milli: [15_000, 5_000] },
      6,
      "external metric queue(&LabelSelector{MatchLabels:map[string]string{of: mail,},MatchExpressions:[]LabelSelectorRequirement{},})",
      { type: "External", external: { metric: { name: "queue", selector: { matchLabels: { of: "mail" } } }, current: { value: "20" } } },
    ],
    [
      "an external value that is shared",
      queue(average("10")),
      { of: "external", values_milli: [25_000, 20_000] },
      5,
      "external metric queue(&LabelSelector{MatchLabels:map[string]string{of: mail,},MatchExpressions:[]LabelSelectorRequirement{},})",
      {
        type: "External",
        external: { metric: { name: "queue", selector: { matchLabels: { of: "mail" } } }, current: { averageValue: "15" } },
      },
    ],
  ])("%s", (_what, metric, reading, replicas, by, status) => {
    const decision = decide(situation([metric], [reading], 3));
    expect(decision.rescale).toMatchObject({ replicas, why: `${by} above target` });
    expect(decision.status).toMatchObject({ currentReplicas: 3, desiredReplicas: replicas, lastScaleTime: NOW });
    expect(decision.status.currentMetrics).toMatchObject([status]);
    expect(told(decision).conditions).toEqual([
      `AbleToScale True SucceededRescale: the HPA controller was able to update the target scale to ${replicas}`,
      `ScalingActive True ValidMetricFound: the HPA was able to successfully calculate a replica count from ${by}`,
      "ScalingLimited False DesiredWithinRange: the desired count is within the acceptable range",
    ]);
  });
});

describe("a metric that cannot be had", () => {
  test.each<[string, V2MetricSpec, Reading, string, string, string]>([
    // what, metric, reading, reason, what is said of it, what is said of the whole
    [
      "usage",
      cpu(50),
      nothing("unable to fetch metrics from resource metrics API: away"),
      "FailedGetResourceMetric",
      "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: away",
      "failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: away",
    ],
    [
      "usage as an amount",
      memory(average("1Gi")),
      nothing("no metrics returned from resource metrics API"),
      "FailedGetResourceMetric",
      "failed to get memory usage: unable to get metrics for resource memory: no metrics returned from resource metrics API",
      "failed to get memory resource metric value: failed to get memory usage: unable to get metrics for resource memory: no metrics returned from resource metrics API",
    ],
    [
      "a container that is not there",
      inContainer("side"),
      usage(each(3, 1)),
      "FailedGetContainerResourceMetric",
      "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
      "failed to get side container metric value: failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
    ],
    [
      "pods",
      qps(average("10")),
      nothing("no metrics returned from custom metrics API"),
      "FailedGetPodsMetric",
      "unable to get metric qps: no metrics returned from custom metrics API",
      "failed to get pods metric value: unable to get metric qps: no metrics returned from custom metrics API",
    ],
    [
      "an object",
      hits(value("10")),
      nothing("unable to fetch metrics from custom metrics API: away"),
      "FailedGetObjectMetric",
      "unable to get metric hits: Service on d front/unable to fetch metrics from custom metrics API: away",
      "failed to get object metric value: unable to get metric hits: Service on d front/unable to fetch metrics from custom metrics API: away",
    ],
    [
      "an object, shared",
      hits(average("10")),
      nothing("away"),
      "FailedGetObjectMetric",
      "unable to get metric hits: Service on d front/away",
      "failed to get object metric value: failed to get hits object metric: unable to get metric hits: Service on d front/away",
    ],
    [
      "something external",
      queue(average("10")),
      nothing("away"),
      "FailedGetExternalMetric",
      "unable to get external metric d/queue/&LabelSelector{MatchLabels:map[string]string{of: mail,},MatchExpressions:[]LabelSelectorRequirement{},}: away",
      "failed to get queue external metric value: failed to get queue external metric: unable to get external metric d/queue/&LabelSelector{MatchLabels:map[string]string{of: mail,},MatchExpressions:[]LabelSelectorRequirement{},}: away",
    ],
  ])("%s", (_what, metric, reading, reason, why, whole) => {
    const decision = decide(situation([metric], [reading], 3));
    expect(told(decision)).toEqual({
      to: undefined,
      said: [
        `Warning ${reason} ${why}`,
        `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: ${whole}`,
      ],
      conditions: [
        "AbleToScale True SucceededGetScale: the HPA controller was able to get the target's current scale",
        `ScalingActive False ${reason}: the HPA was unable to compute the replica count: ${why}`,
      ],
    });
    expect(decision.status).toMatchObject({ currentReplicas: 3, desiredReplicas: 0, currentMetrics: [{ type: "" }] });
  });

  const away = nothing("away");
  test("the others may scale up", () => {
    const decision = decide(situation([cpu(50), qps(average("10"))], [usage(each(3, 800)), away], 3));
    expect(told(decision)).toMatchObject({ to: 5, said: ["Warning FailedGetPodsMetric unable to get metric qps: away"] });
    expect(decision.status.currentMetrics?.map(({ type }) => type)).toEqual(["Resource", ""]);
  });

  test("the others may not scale down", () => {
    const decision = decide(situation([qps(average("10")), cpu(50)], [away, usage(each(3, 100))], 3));
    expect(told(decision)).toMatchObject({
      to: undefined,
      said: [
        "Warning FailedGetPodsMetric unable to get metric qps: away",
        "Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 2), first error is: failed to get pods metric value: unable to get metric qps: away",
      ],
    });
  });
});

test("of several metrics the one that asks for most is followed", () => {
  const readings = [usage(each(3, 800)), PODS];
  const decision = decide(situation([cpu(50), qps(average("10"))], readings, 3));
  expect(decision.rescale).toMatchObject({ replicas: 6, why: "pods metric qps above target" });
  expect(decision.status.currentMetrics?.map(({ type }) => type)).toEqual(["Resource", "Pods"]);
});

test("all below their targets", () => {
  const decision = decide(
    situation([cpu(50), qps(average("40"))], [usage(each(4, 200)), PODS], 4, { pods: [0, 1, 2].map((n) => pod(`p${n}`)) }),
  );
  expect(decision.rescale).toMatchObject({ replicas: 2, why: "All metrics below target" });
});

describe("without asking metrics", () => {
  const sized = (replicas: number, more: Partial<Situation> = {}): Decision =>
    decide(
      situation([cpu(50)], [], 3, { ...more, target: { specReplicas: replicas, statusReplicas: replicas, selecting: { clear: true } } }),
    );
  const bounds = { autoscaler: autoscaler([cpu(50)], { minReplicas: 2, maxReplicas: 5 }) };

  test("what has no replicas is switched off", () => {
    expect(told(sized(0))).toEqual({
      to: undefined,
      said: [],
      conditions: [
        "AbleToScale True SucceededGetScale: the HPA controller was able to get the target's current scale",
        "ScalingActive False ScalingDisabled: scaling is disabled since the replica count of the target is zero",
      ],
    });
  });

  test.each([
    [9, 5, "Current number of replicas above Spec.MaxReplicas"],
    [1, 2, "Current number of replicas below Spec.MinReplicas"],
  ])("%i becomes %i", (from, to, why) => {
    const decision = sized(from, bounds);
    expect(decision.rescale).toMatchObject({ replicas: to, why });
    expect(decision.status).toMatchObject({ currentReplicas: from, desiredReplicas: to, lastScaleTime: NOW, currentMetrics: null });
    expect(told(decision).conditions).toEqual([
      `AbleToScale True SucceededRescale: the HPA controller was able to update the target scale to ${to}`,
    ]);
  });
});

describe("a target", () => {
  test("that cannot be scaled", () => {
    const before = { desiredReplicas: 4, currentReplicas: 3, currentMetrics: [], conditions: [] };
    const decision = decide(situation([cpu(50)], [], 3, { target: { unknown: "gone" }, autoscaler: autoscaler([cpu(50)], {}, before) }));
    expect(told(decision)).toEqual({
      to: undefined,
      said: ["Warning FailedGetScale gone"],
      conditions: ["AbleToScale False FailedGetScale: the HPA controller was unable to get the target's current scale: gone"],
    });
    expect(decision.status).toMatchObject({ desiredReplicas: 4, currentReplicas: 3 });
  });

  test("whose pods are not clear", () => {
    const selecting = {
      clear: false,
      event: ["SelectorRequired", "selector is required"],
      condition: ["InvalidSelector", "none"],
    } as const;
    const decision = decide(situation([cpu(50)], [], 3, { target: { specReplicas: 3, statusReplicas: 3, selecting } }));
    expect(told(decision)).toMatchObject({
      to: undefined,
      said: ["Warning SelectorRequired selector is required", "Warning FailedComputeMetricsReplicas selector is required"],
      conditions: [expect.stringContaining("SucceededGetScale"), "ScalingActive False InvalidSelector: none"],
    });
  });

  test("that is refused its new size keeps its place, and what was tried counts for nothing", () => {
    const behavior = { scaleUp: { policies: [{ type: "Pods", value: 4, periodSeconds: 60 }] } };
    const { rescale, history } = decide(
      situation([cpu(50)], [usage(each(3, 800))], 3, { autoscaler: autoscaler([cpu(50)], { behavior }) }),
    );
    expect(history?.ups).toEqual([{ by: 2, at_ms: NOW_MS }]);
    expect(rescale?.historyIfFailed).toMatchObject({ ups: [], recommendations: [{ replicas: 5, at_ms: NOW_MS }] });
    const failed = rescale?.failed("no");
    expect(failed).toMatchObject({ currentReplicas: 3, desiredReplicas: 0, currentMetrics: [{ type: "Resource" }] });
    expect(failed?.lastScaleTime).toBeUndefined();
    expect(failed?.conditions?.[0]).toMatchObject({
      type: "AbleToScale",
      status: "False",
      reason: "FailedUpdateScale",
      message: "the HPA controller was unable to update the target scale: no",
    });
  });
});

test("a new controller takes nothing away for five minutes", () => {
  const { history: _none, ...fresh } = situation([cpu(50)], [usage(each(4, 100))], 4);
  const first = decide({ ...fresh, history: undefined });
  expect(told(first)).toMatchObject({
    to: undefined,
    conditions: [expect.stringContaining("ScaleDownStabilized"), expect.anything(), expect.anything()],
  });
  const later = (seconds: number) => {
    const now_ms = NOW_MS + seconds * 1_000;
    const reading = usage(each(4, 100), "cpu", -seconds);
    return told(decide({ ...fresh, readings: [reading], history: first.history, now_ms })).to;
  };
  expect([later(300), later(301)]).toEqual([undefined, 1]);
});

test("conditions stay where they are, with their times as long as they hold", () => {
  const conditions = [
    { type: "ScalingLimited", status: "False", reason: "x", message: "y", lastTransitionTime: ago(500) },
    { type: "ScalingActive", status: "False", reason: "x", message: "y", lastTransitionTime: ago(400) },
    { type: "Foreign", status: "True", lastTransitionTime: ago(300) },
  ];
  const before = { desiredReplicas: 3, currentReplicas: 3, currentMetrics: [], conditions };
  const { status } = decide(situation([cpu(50)], [usage(each(3, 500))], 3, { autoscaler: autoscaler([cpu(50)], {}, before) }));
  expect(status.conditions?.map(({ type, status: is, lastTransitionTime }) => [type, is, lastTransitionTime])).toEqual([
    ["ScalingLimited", "False", ago(500)],
    ["ScalingActive", "True", NOW],
    ["Foreign", "True", ago(300)],
    ["AbleToScale", "True", NOW],
  ]);
});
