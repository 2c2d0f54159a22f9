import { afterEach, expect, test } from "vitest";
import type { MeasuredPod, MetricsSource } from "../../../../actors/controllers/autoscaling/metrics-source.ts";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import { HorizontalPodAutoscalerKind } from "../../../../actors/kinds/autoscaling/horizontal-pod-autoscaler.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { customKinds } from "../../../../actors/kinds/custom/custom-kind.ts";
import type {
  CustomResourceDefinition,
  Deployment,
  Pod,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
} from "../../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { named, readyPods, startCluster, type TestCluster } from "../harness.ts";

const PERIOD_MS = 15_000;
const MINUTE_MS = 60_000;
/** So long after their start pods' CPU counts at once. */
const WARM_MS = 6 * MINUTE_MS;

let cluster: TestCluster | undefined;
/** Thousandths of a core of each pod, as metrics.k8s.io says it. */
let load = 500;
/** Questions that were asked. */
let asked: string[] = [];
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  load = 500;
  asked = [];
});

const refuse = (): Promise<never> => Promise.reject(new Error("nobody"));

/** Measures what runs, like a metrics-server. */
const METRICS: MetricsSource = {
  usage: async (namespace, selector) => {
    asked.push(`${namespace} ${selector}`);
    const { view, clock } = cluster as TestCluster;
    return view
      .list("pods", namespace)
      .map((entry) => view.decode<Pod>(entry))
      .filter(({ status, metadata }) => status?.phase === "Running" && `app=${metadata.labels?.app}` === selector)
      .map(
        ({ metadata }): MeasuredPod => ({
          name: metadata.name,
          at_ms: clock.now_ms(),
          window_ms: 15_000,
          containers: [{ name: "c", usage_milli: { cpu: load } }],
        }),
      );
  },
  ofPods: refuse,
  ofObject: refuse,
  external: async () => [70_000],
};

async function start(): Promise<TestCluster> {
  cluster = await startCluster({
    controllers: ["horizontal-pod-autoscaler", "deployment", "replicaset", "service-account"],
    metrics: METRICS,
  });
  return cluster;
}

const CPU: V2MetricSpec = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };

async function deploy(name: string, replicas: number, app = name): Promise<void> {
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }];
  const template = { metadata: { labels: { app } }, spec: { containers } };
  const spec = { replicas, selector: { matchLabels: { app } }, template };
  await cluster?.registry.create(DeploymentKind, named<Deployment>(name, "d", { spec }));
}

async function autoscale(name: string, more: object = {}): Promise<void> {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name };
  const spec = { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [CPU], ...more };
  await cluster?.registry.create(HorizontalPodAutoscalerKind, named<V2HorizontalPodAutoscaler>(name, "d", { spec }));
}

const status = (name: string) => cluster?.view.get<V2HorizontalPodAutoscaler>(`horizontalpodautoscalers.autoscaling/d/${name}`)?.status;
const condition = (name: string, type: string) => status(name)?.conditions?.find((one) => one.type === type);
const replicas = (name: string) => cluster?.view.get<Deployment>(`deployments.apps/d/${name}`)?.spec.replicas;
const ofAutoscaler = (): string[] => (cluster?.events ?? []).filter((event) => event.includes("HorizontalPodAutoscaler/"));

test("the load decides how many pods there are, up in a period and down when five minutes have passed", async () => {
  const { clock, until } = await start();
  await deploy("web", 2);
  await until("two pods", () => readyPods(cluster as TestCluster) === 2);
  await clock.run(WARM_MS);
  await autoscale("web");
  await clock.run(PERIOD_MS - 1_000);
  expect([status("web")?.conditions, asked]).toEqual([undefined, []]);
  load = 900;
  await until("four", () => replicas("web") === 4, 2_000);
  expect(asked).toEqual(["d app=web"]);
  expect(status("web")).toMatchObject({ currentReplicas: 2, desiredReplicas: 4 });
  expect(ofAutoscaler()).toEqual([
    "Normal SuccessfulRescale HorizontalPodAutoscaler/web: New size: 4; reason: cpu resource utilization (percentage of request) above target",
  ]);
  // New pods burn CPU that says nothing, so that only those of before count until they are warm.
  load = 100;
  await clock.run(PERIOD_MS);
  expect(condition("web", "AbleToScale")).toMatchObject({ reason: "ScaleDownStabilized" });
  await clock.run(4 * MINUTE_MS);
  expect(replicas("web")).toBe(4);
  await until("one", () => replicas("web") === 1, 2 * MINUTE_MS);
  expect(ofAutoscaler().at(-1)).toBe("Normal SuccessfulRescale HorizontalPodAutoscaler/web: New size: 1; reason: All metrics below target");
  await clock.run(PERIOD_MS);
  expect(status("web")).toMatchObject({ currentReplicas: 1, desiredReplicas: 1 });
});

test("nothing is written as long as nothing changes, whatever is asked", async () => {
  const { clock, until, counters } = await start();
  await deploy("web", 3);
  await until("three pods", () => readyPods(cluster as TestCluster) === 3);
  await clock.run(WARM_MS);
  await autoscale("web");
  await clock.run(3 * PERIOD_MS);
  const before = await counters("horizontal-pod-autoscaler");
  const questions = asked.length;
  await clock.run(10 * PERIOD_MS);
  const after = await counters("horizontal-pod-autoscaler");
  expect(asked.length - questions).toBe(10);
  expect([after.writes - before.writes, after.rounds - before.rounds]).toEqual([0, 10]);
});

test("rules hold what was done within their periods", async () => {
  const { clock, until } = await start();
  await deploy("web", 1);
  await until("a pod", () => readyPods(cluster as TestCluster) === 1);
  await clock.run(WARM_MS);
  load = 5_000;
  const slowly = { policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] };
  await autoscale("web", { behavior: { scaleUp: slowly } });
  await until("three", () => replicas("web") === 3, PERIOD_MS + 1_000);
  await clock.run(3 * PERIOD_MS);
  expect(replicas("web")).toBe(3);
  expect(condition("web", "ScalingLimited")).toMatchObject({ status: "True", reason: "ScaleUpLimit" });
  await until("five", () => replicas("web") === 5, PERIOD_MS + 1_000);
});

test("autoscalers that want the same pods leave them alone, until one goes", async () => {
  const { clock, until, registry } = await start();
  await deploy("web", 2);
  await deploy("twin", 2, "web");
  await until("four pods", () => readyPods(cluster as TestCluster) === 4);
  await clock.run(WARM_MS);
  load = 900;
  await autoscale("web");
  await autoscale("twin");
  const message = "pods by selector app=web are controlled by multiple HPAs: [{twin d} {web d}]";
  const unclear = (name: string) => condition(name, "ScalingActive")?.reason === "AmbiguousSelector";
  await until("both know", () => unclear("web") && unclear("twin"), 3 * PERIOD_MS);
  expect(condition("web", "ScalingActive")).toMatchObject({ status: "False", message });
  expect(ofAutoscaler()).toContain(`Warning AmbiguousSelector HorizontalPodAutoscaler/twin: ${message}`);
  await registry.delete(HorizontalPodAutoscalerKind as never, "d", "twin");
  await until("web goes on", () => condition("web", "ScalingActive")?.status === "True", 2 * PERIOD_MS);
});

test("a target that is not there, that is of no kind, or that has no scale", async () => {
  const { until, registry } = await start();
  await registry.create(PodKind, named<Pod>("p", "d", { spec: { containers: [{ name: "c", image: "i" }] } }));
  await autoscale("gone");
  await autoscale("foreign", { scaleTargetRef: { apiVersion: "x.io/v1", kind: "Thing", name: "t" } });
  await autoscale("pod", { scaleTargetRef: { apiVersion: "batch/v1", kind: "Job", name: "p" } });
  await until("all know", () => ["gone", "foreign", "pod"].every((name) => condition(name, "AbleToScale") !== undefined), 2 * PERIOD_MS);
  const words = "the HPA controller was unable to get the target's current scale";
  expect(["gone", "foreign", "pod"].map((name) => condition(name, "AbleToScale")?.message)).toEqual([
    `${words}: deployments.apps "gone" not found`,
    `${words}: no matches for kind "Thing" in group "x.io"`,
    `${words}: the server could not find the requested resource`,
  ]);
  expect(ofAutoscaler()).toContain('Warning FailedGetScale HorizontalPodAutoscaler/gone: deployments.apps "gone" not found');
  // It comes, and is scaled.
  await deploy("gone", 12);
  await until("its size", () => replicas("gone") === 10, 2 * PERIOD_MS);
});

const DEFINITION = {
  metadata: { name: "fleets.x.io", uid: "f" },
  spec: {
    group: "x.io",
    scope: "Namespaced",
    names: { kind: "Fleet", plural: "fleets", listKind: "FleetList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.ships", statusReplicasPath: ".status.ships", labelSelectorPath: ".status.those" },
        },
      },
    ],
  },
} as unknown as CustomResourceDefinition;

test("custom resources are scaled by whatever field their definition names, by metrics of elsewhere", async () => {
  const { until, registry, kinds, view } = await start();
  const [kind] = customKinds(DEFINITION);
  if (kind === undefined) return expect.fail("no kind");
  kinds.add(kind);
  await registry.create(kind, named<KubeObject>("f", "d", { spec: { ships: 2 } }));
  const afloat = (current: KubeObject) => ({ ...current, status: { ships: 2, those: "app=ship" } }) as KubeObject;
  await registry.modify(kind, "d", "f", afloat, { subresource: "status" });
  const external = { metric: { name: "freight" }, target: { type: "AverageValue", averageValue: "10" } };
  const scaleTargetRef = { apiVersion: "x.io/v1alpha1", kind: "Fleet", name: "f" };
  await autoscale("f", { scaleTargetRef, metrics: [{ type: "External", external }] });
  const ships = () => view.get<KubeObject & { spec: { ships: number } }>("fleets.x.io/d/f")?.spec.ships;
  await until("four ships", () => ships() === 4, 2 * PERIOD_MS);
  await until("as many as the freight wants, twice as many at a time", () => ships() === 7, 3 * PERIOD_MS);
});

test("a size that is refused is told, and tried again a period later", async () => {
  const { until, registry, clock, kinds } = await start();
  const [kind] = customKinds(DEFINITION);
  if (kind === undefined) return expect.fail("no kind");
  let refused = 0;
  kinds.add({
    ...kind,
    validateUpdate: () => {
      refused++;
      return [{ reason: "FieldValueForbidden", field: "spec.ships", message: "Forbidden: no more" }];
    },
  });
  await registry.create(kind, named<KubeObject>("f", "d", { spec: { ships: 1 } }));
  const scaleTargetRef = { apiVersion: "x.io/v1", kind: "Fleet", name: "f" };
  await autoscale("f", { scaleTargetRef, minReplicas: 3 });
  await until("it is told", () => condition("f", "AbleToScale")?.status === "False", 2 * PERIOD_MS);
  const why = 'Fleet.x.io "f" is invalid: spec.ships: Forbidden: no more';
  expect(condition("f", "AbleToScale")).toMatchObject({
    reason: "FailedUpdateScale",
    message: `the HPA controller was unable to update the target scale: ${why}`,
  });
  expect(status("f")).toMatchObject({ currentReplicas: 1, desiredReplicas: 0 });
  expect(ofAutoscaler()).toEqual([
    `Warning FailedRescale HorizontalPodAutoscaler/f: New size: 3; reason: Current number of replicas below Spec.MinReplicas; error: ${why}`,
  ]);
  const before = refused;
  await clock.run(4 * PERIOD_MS);
  expect(refused - before).toBe(4);
});
