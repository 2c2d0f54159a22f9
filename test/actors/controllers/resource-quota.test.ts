import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { EventKind } from "../../../actors/kinds/core/event.ts";
import { PersistentVolumeClaimKind } from "../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ReplicationControllerKind } from "../../../actors/kinds/core/replication-controller.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import { SecretKind } from "../../../actors/kinds/core/secret.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { ConfigMap, PersistentVolumeClaim, Pod, ResourceQuota, Service } from "../../../actors/kinds/generated/types.ts";
import { type Kind, resourceOf } from "../../../actors/kinds/kind.ts";
import { named, refusalOf } from "../registry/harness.ts";
import { startCluster, type TestCluster } from "./harness.ts";

const NAMESPACE = "d";
let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster({ nodes: 0, controllers: ["resource-quota", "service-account"] });
  await cluster.until("an account", () => cluster.all("serviceaccounts", NAMESPACE).length > 0);
});
afterEach(() => cluster.stop());

const quota = (name: string, spec: object): Promise<unknown> =>
  cluster.registry.create(ResourceQuotaKind, named<ResourceQuota>(name, NAMESPACE, { spec }));

const pod = (name: string, cpu: string, spec: object = {}): Promise<unknown> =>
  cluster.registry.create(
    PodKind,
    named<Pod>(name, NAMESPACE, {
      spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu }, limits: { cpu: "4" } } }], ...spec },
    }),
  );

const statusOf = (name: string): ResourceQuota["status"] => cluster.view.get<ResourceQuota>(`resourcequotas/${NAMESPACE}/${name}`)?.status;

async function uses(name: string, used: Record<string, string>): Promise<void> {
  await cluster
    .until(`${name} uses ${JSON.stringify(used)}`, () => JSON.stringify(statusOf(name)?.used) === JSON.stringify(used))
    .catch((error) => {
      expect(statusOf(name)?.used).toEqual(used);
      throw error;
    });
}

describe("a quota", () => {
  test("takes up its spec, and what there is already", async () => {
    await pod("p", "250m");
    await quota("q", {
      hard: {
        pods: "2",
        "requests.cpu": "1",
        "limits.cpu": "8",
        configmaps: "10",
        "count/deployments.apps": "1",
        "count/widgets.example.com": "3",
      },
    });
    await uses("q", {
      pods: "1",
      "requests.cpu": "250m",
      "limits.cpu": "4",
      configmaps: "0",
      "count/deployments.apps": "0",
    });
    expect(statusOf("q")?.hard).toMatchObject({ pods: "2", "requests.cpu": "1" });
  });

  test("holds, and gives back what is gone", async () => {
    await quota("q", { hard: { pods: "1" } });
    await uses("q", { pods: "0" });
    await pod("a", "1");
    expect(await refusalOf(pod("b", "1"))).toMatchObject({
      message: 'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    });
    await cluster.registry.delete(PodKind as never, NAMESPACE, "a", { gracePeriodSeconds: 0 });
    await uses("q", { pods: "0" });
    await pod("b", "1");
    await uses("q", { pods: "1" });
  });

  test("is charged in the transaction that stores what it is charged for, or not at all", async () => {
    await quota("q", { hard: { pods: "5" } });
    await uses("q", { pods: "0" });
    await pod("a", "1");
    const revision = (resource: string, name: string): number =>
      Number(cluster.all(resource, NAMESPACE).find(({ metadata }) => metadata.name === name)?.metadata.resourceVersion);
    const charged = revision("resourcequotas", "q");
    expect(charged).toBe(revision("pods", "a") + 1);
    expect(await refusalOf(pod("a", "1"))).toMatchObject({ reason: "AlreadyExists" });
    expect(revision("resourcequotas", "q")).toBe(charged);
    // Whoever is charged with others at the same time tries again.
    await Promise.all(["b", "c", "d", "e"].map((name) => pod(name, "1")));
    await uses("q", { pods: "5" });
  });

  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const LIVES: readonly (readonly [string, Kind, object])[] = [
    ["configmaps", ConfigMapKind as never, { data: {} }],
    ["secrets", SecretKind as never, { data: {} }],
    ["services", ServiceKind as never, { spec: { ports: [{ port: 80 }] } }],
    ["replicationcontrollers", ReplicationControllerKind as never, { spec: { replicas: 0, selector: { a: "b" }, template } }],
    ["count/replicasets.apps", ReplicaSetKind as never, { spec: { replicas: 0, selector: { matchLabels: { a: "b" } }, template } }],
  ];

  test.each(LIVES)("follows the life of an object: %s", async (resource, kind, body) => {
    const before = cluster.all(resourceOf(kind), NAMESPACE).length;
    await quota("q", { hard: { [resource]: String(before + 1) } });
    await uses("q", { [resource]: String(before) });
    await cluster.registry.create(kind, named("one", NAMESPACE, body));
    await uses("q", { [resource]: String(before + 1) });
    expect(await refusalOf(cluster.registry.create(kind, named("two", NAMESPACE, body)))).toMatchObject({
      message: expect.stringContaining(
        `exceeded quota: q, requested: ${resource}=1, used: ${resource}=${before + 1}, limited: ${resource}=${before + 1}`,
      ),
    });
    await cluster.registry.delete(kind, NAMESPACE, "one");
    await uses("q", { [resource]: String(before) });
  });

  test("does not count what is over, but as an object", async () => {
    await quota("q", { hard: { pods: "5", cpu: "5", "count/pods": "5" } });
    await uses("q", { pods: "0", cpu: "0", "count/pods": "0" });
    await pod("a", "1");
    await pod("b", "500m");
    await uses("q", { pods: "2", cpu: "1500m", "count/pods": "2" });
    await cluster.registry.modify<Pod>(PodKind, NAMESPACE, "a", (one) => ({ ...one, status: { ...one.status, phase: "Succeeded" } }), {
      subresource: "status",
    });
    await uses("q", { pods: "1", cpu: "500m", "count/pods": "2" });
  });

  test("with scopes counts what is in them", async () => {
    await quota("short", { hard: { pods: "5" }, scopes: ["Terminating"] });
    await quota("none", { hard: { pods: "5" }, scopes: ["BestEffort"] });
    await quota("gold", {
      hard: { "requests.storage": "10Gi" },
      scopeSelector: { matchExpressions: [{ scopeName: "VolumeAttributesClass", operator: "In", values: ["gold"] }] },
    });
    await uses("short", { pods: "0" });
    await pod("a", "1", { activeDeadlineSeconds: 5 });
    await pod("b", "1");
    const claim = (name: string, more: object) =>
      named<PersistentVolumeClaim>(name, NAMESPACE, {
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...more },
      });
    await cluster.registry.create(PersistentVolumeClaimKind, claim("plain", {}));
    await cluster.registry.create(PersistentVolumeClaimKind, claim("rich", { volumeAttributesClassName: "gold" }));
    await uses("short", { pods: "1" });
    await uses("none", { pods: "0" });
    await uses("gold", { "requests.storage": "1Gi" });
  });

  test("is charged for a pod that comes into its scope", async () => {
    await quota("short", { hard: { pods: "1" }, scopes: ["Terminating"] });
    await uses("short", { pods: "0" });
    await Promise.all([pod("a", "1"), pod("b", "1")]);
    const limit = (name: string): Promise<unknown> =>
      cluster.registry.modify<Pod>(PodKind, NAMESPACE, name, (one) => ({ ...one, spec: { ...one.spec, activeDeadlineSeconds: 5 } }));
    await limit("a");
    await uses("short", { pods: "1" });
    expect(await refusalOf(limit("b"))).toMatchObject({
      message: 'pods "b" is forbidden: exceeded quota: short, requested: pods=1, used: pods=1, limited: pods=1',
    });
  });

  test("that does not say how much of something is used holds back all that it counts of that kind, and no Events", async () => {
    await quota("q", { hard: { pods: "5", "requests.cpu": "5", "count/events": "0" } });
    await uses("q", { pods: "0", "requests.cpu": "0" });
    await cluster.registry.modify<ResourceQuota>(
      ResourceQuotaKind,
      NAMESPACE,
      "q",
      (one) => ({ ...one, status: { ...one.status, used: { pods: "0" } } }),
      { subresource: "status" },
    );
    expect(await refusalOf(pod("a", "1"))).toMatchObject({
      message: 'pods "a" is forbidden: status unknown for quota: q, resources: pods,requests.cpu',
    });
    const event = { involvedObject: { kind: "Pod", name: "a", namespace: NAMESPACE }, reason: "R", message: "m", type: "Normal" };
    await cluster.registry.create(EventKind as never, named("e", NAMESPACE, event));
  });

  test("follows its spec, and services that change", async () => {
    await quota("q", { hard: { services: "5", "services.nodeports": "5" } });
    await uses("q", { services: "0", "services.nodeports": "0" });
    const service = named<Service>("s", NAMESPACE, { spec: { type: "NodePort", ports: [{ port: 80 }] } });
    await cluster.registry.create(ServiceKind, service);
    await uses("q", { services: "1", "services.nodeports": "1" });
    await cluster.registry.modify<Service>(ServiceKind, NAMESPACE, "s", (one) => ({ ...one, spec: { ports: [{ port: 80 }] } }));
    await uses("q", { services: "1", "services.nodeports": "0" });
    await cluster.registry.modify<ResourceQuota>(ResourceQuotaKind, NAMESPACE, "q", (one) => ({
      ...one,
      spec: { hard: { configmaps: "3" } },
    }));
    await cluster.registry.create(ConfigMapKind, named<ConfigMap>("m", NAMESPACE, {}));
    await uses("q", { configmaps: "1" });
  });
});
