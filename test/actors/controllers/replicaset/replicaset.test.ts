import { afterEach, expect, test } from "vitest";
import { ReplicaSetKind } from "../../../../actors/kinds/apps/replica-set.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { tooManyRequests } from "../../../../actors/kinds/errors.ts";
import type { Pod, ReplicaSet } from "../../../../actors/kinds/generated/types.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "../harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

function replicaSet(name: string, replicas: number, spec: object = {}): ReplicaSet {
  return named<ReplicaSet>(name, "d", {
    spec: { replicas, selector: { matchLabels: { app: "x" } }, template: template("img:1"), ...spec },
  });
}

function pod(name: string, labels: Record<string, string>): Pod {
  return named<Pod>(name, "d", { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } });
}

function owners(name: string): string[] | undefined {
  return cluster?.view.get<Pod>(`pods/d/${name}`)?.metadata.ownerReferences?.map((owner) => owner.name);
}

test("a pod without a controller is adopted when it matches, and released when it no longer does", async () => {
  cluster = await startCluster();
  const { registry, until, all } = cluster;
  await registry.create(PodKind, pod("orphan", { app: "x" }));
  await registry.create(PodKind, pod("stranger", { app: "y" }));
  await registry.create(ReplicaSetKind, replicaSet("rs", 2));
  await until("two ready", () => cluster?.view.get<ReplicaSet>("replicasets.apps/d/rs")?.status?.readyReplicas === 2);
  expect(owners("orphan")).toEqual(["rs"]);
  expect(owners("stranger")).toBeUndefined();
  expect(all("pods", "d")).toHaveLength(3);
  await registry.modify(PodKind, "d", "orphan", (current) => ({ ...current, metadata: { ...current.metadata, labels: { app: "free" } } }));
  await until("replaced", () => all("pods", "d").length === 4);
  await until("released", () => owners("orphan") === undefined);
  await registry.modify(PodKind, "d", "stranger", (current) => ({ ...current, metadata: { ...current.metadata, labels: { app: "x" } } }));
  await until(
    "one too many goes",
    () => cluster?.view.get<ReplicaSet>("replicasets.apps/d/rs")?.status?.replicas === 2 && all("pods", "d").length === 3,
  );
});

test("a thousand pods come with few status writes", async () => {
  cluster = await startCluster({ nodes: 20 });
  const { registry, until, clock, counters } = cluster;
  await registry.create(ReplicaSetKind, replicaSet("rs", 1_000));
  const start_ms = clock.now_ms();
  await until("all ready", () => cluster?.view.get<ReplicaSet>("replicasets.apps/d/rs")?.status?.readyReplicas === 1_000);
  expect(clock.now_ms() - start_ms).toBeLessThan(500);
  const { writes, refusals } = await counters("replicaset");
  expect(refusals).toBe(0);
  expect(writes - 1_000).toBeLessThan(30);
});

test("refused creations: one request a try, growing delays, the condition, and all is well when the reason is gone", async () => {
  cluster = await startCluster({ controllers: [] });
  const { registry, store, until, all, events } = cluster;
  let full = true;
  let asked = 0;
  const limited: typeof registry = {
    ...registry,
    create: (kind, object, options) => {
      if (kind.kind === "Pod") asked++;
      return kind.kind === "Pod" && full ? Promise.reject(tooManyRequests("no room", 1)) : registry.create(kind, object, options);
    },
  };
  const { controllerKind } = await import("../../../../actors/controllers/controller-actor.ts");
  const { replicaSetController } = await import("../../../../actors/controllers/replicaset/replicaset.ts");
  const recorder = {
    event: (_about: unknown, type: string, reason: string, message: string) => void events.push(`${type} ${reason} ${message}`),
  };
  const { ServiceAccountKind } = await import("../../../../actors/kinds/core/service-account.ts");
  await registry.create(ServiceAccountKind, named("default", "d"));
  const dependencies = { view: cluster.view, registry: limited, recorderFor: () => recorder };
  store.host.register({ ...controllerKind(() => [replicaSetController], dependencies), kind: "limited" });
  store.host.messenger.tell("limited/replicaset", { type: "start" });
  await registry.create(ReplicaSetKind, replicaSet("rs", 10));
  const set = (): ReplicaSet | undefined => cluster?.view.get<ReplicaSet>("replicasets.apps/d/rs");
  await until("the condition", () => set()?.status?.conditions !== undefined);
  expect(set()?.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
    ["ReplicaFailure", "True", "FailedCreate", "no room"],
  ]);
  expect(events).toContain("Warning FailedCreate Error creating: no room");
  await cluster.clock.run(10_000);
  // 5 ms, 10 ms, 20 ms, ... : about a dozen tries in ten seconds, each with one pod.
  expect(asked).toBeLessThan(16);
  expect(asked).toBeGreaterThan(8);
  full = false;
  await until("all ready", () => readyPods(cluster as TestCluster) === 10 && set()?.status?.conditions === undefined);
  expect(all("pods", "d")).toHaveLength(10);
});

test("minReadySeconds: ready is not yet available", async () => {
  cluster = await startCluster();
  const { registry, until, clock } = cluster;
  await registry.create(ReplicaSetKind, replicaSet("rs", 1, { minReadySeconds: 30 }));
  const status = (): ReplicaSet["status"] => cluster?.view.get<ReplicaSet>("replicasets.apps/d/rs")?.status;
  await until("ready", () => status()?.readyReplicas === 1);
  expect(status()?.availableReplicas).toBeUndefined();
  await clock.run(28_000);
  expect(status()?.availableReplicas).toBeUndefined();
  await until("available", () => status()?.availableReplicas === 1, 5_000);
});
