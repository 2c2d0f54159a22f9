import { afterEach, expect, test } from "vitest";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { EndpointSlice, Endpoints, ReplicaSet, Service } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { named, startCluster, type TestCluster, template } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const SLICES = "endpointslices.discovery.k8s.io";
const TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time";
const slices = (): EndpointSlice[] => cluster?.all<EndpointSlice>(SLICES, "d") ?? [];
const endpoints = (name = "sva"): Endpoints | undefined => cluster?.view.get<Endpoints>(`endpoints/d/${name}`);
const addresses = (): number => slices().reduce((sum, slice) => sum + (slice.endpoints ?? []).length, 0);

async function replicas(count: number): Promise<void> {
  const set = named<ReplicaSet>("rs", "d", { spec: { replicas: count, selector: { matchLabels: { app: "x" } }, template: template("i") } });
  const { registry } = cluster as TestCluster;
  if (cluster?.view.entry("replicasets.apps/d/rs") === undefined) await registry.create(ReplicaSetKind, set);
  else await registry.modify(ReplicaSetKind, "d", "rs", (current) => ({ ...current, spec: { ...current.spec, replicas: count } }));
}

async function service(name: string, spec: object = {}): Promise<void> {
  const ports = [{ port: 80, targetPort: 8080 }];
  await cluster?.registry.create(ServiceKind, named<Service>(name, "d", { spec: { selector: { app: "x" }, ports, ...spec } }));
}

test("a service's endpoints follow its pods", async () => {
  cluster = await startCluster();
  const { until } = cluster;
  await service("sva");
  await until("an empty slice", () => slices().length === 1 && endpoints() !== undefined);
  expect(slices()[0]?.endpoints).toBeNull();
  await replicas(2);
  await until("two", () => addresses() === 2 && endpoints()?.subsets?.[0]?.addresses?.length === 2);
  const [slice] = slices();
  expect(slices()).toHaveLength(1);
  expect(slice?.metadata.name).toMatch(/^sva-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect(slice?.metadata.labels).toEqual({
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    "kubernetes.io/service-name": "sva",
  });
  expect(slice?.metadata.ownerReferences?.map(({ kind, name, controller }) => [kind, name, controller])).toEqual([
    ["Service", "sva", true],
  ]);
  expect(slice?.ports).toEqual([{ name: "", port: 8080, protocol: "TCP" }]);
  expect(slice?.endpoints[0]).toMatchObject({
    conditions: { ready: true, serving: true, terminating: false },
    zone: "z0",
    targetRef: { kind: "Pod" },
  });
  expect(Object.keys(slice?.metadata.annotations ?? {})).toEqual([TRIGGER]);
  expect(endpoints()?.subsets?.[0]?.ports).toEqual([{ port: 8080, protocol: "TCP" }]);
  expect(endpoints()?.metadata.labels).toEqual({ "endpoints.kubernetes.io/managed-by": "endpoint-controller" });
  await replicas(0);
  await until("none", () => addresses() === 0 && endpoints()?.subsets === undefined);
  expect(endpoints()?.metadata.annotations).toBeUndefined();
  expect(slices().map(({ endpoints, ports, metadata }) => [endpoints, ports, metadata.annotations])).toEqual([[null, null, undefined]]);
  await cluster.registry.delete(ServiceKind as unknown as Kind, "d", "sva");
  await until("all gone", () => slices().length === 0 && endpoints() === undefined);
});

test("pods that are not ready are listed apart, unless the service publishes them", async () => {
  cluster = await startCluster();
  const { until, kubelet } = cluster;
  kubelet.becomesReady = () => false;
  await replicas(2);
  await service("sva");
  await service("svb", { publishNotReadyAddresses: true, clusterIP: "None" });
  await until("listed", () => addresses() === 4 && endpoints()?.subsets !== undefined && endpoints("svb")?.subsets !== undefined);
  expect(endpoints()?.subsets?.map((subset) => [subset.addresses?.length, subset.notReadyAddresses?.length])).toEqual([[undefined, 2]]);
  expect(endpoints("svb")?.subsets?.map((subset) => [subset.addresses?.length, subset.notReadyAddresses?.length])).toEqual([
    [2, undefined],
  ]);
  const conditions = slices().map(({ metadata, endpoints }) => [metadata.labels?.["kubernetes.io/service-name"], endpoints[0]?.conditions]);
  expect(conditions).toContainEqual(["sva", { ready: false, serving: false, terminating: false }]);
  expect(conditions).toContainEqual(["svb", { ready: true, serving: false, terminating: false }]);
  expect(endpoints("svb")?.metadata.labels).toHaveProperty("service.kubernetes.io/headless", "");
});

test("a slice holds a hundred; few of them change when pods do", async () => {
  cluster = await startCluster({ nodes: 5 });
  const { until, view } = cluster;
  await service("sva");
  await replicas(250);
  await until("all", () => addresses() === 250, 120_000);
  expect(slices().every((slice) => slice.endpoints.length <= 100)).toBe(true);
  const revisions = new Map(slices().map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  await replicas(251);
  await until("one more", () => addresses() === 251);
  const changed = slices().filter(({ metadata }) => revisions.get(metadata.name) !== metadata.resourceVersion);
  expect(changed.length).toBe(1);
  expect(view.list(SLICES, "d").length).toBeLessThanOrEqual(4);
});
