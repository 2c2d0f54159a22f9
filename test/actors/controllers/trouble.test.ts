import { afterEach, expect, test } from "vitest";
import { CONTROLLER_NAMES } from "../../../actors/controllers/controllers.ts";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ReplicationControllerKind } from "../../../actors/kinds/core/replication-controller.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import type { Deployment, ReplicationController, ResourceQuota } from "../../../actors/kinds/generated/types.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "./harness.ts";

/** The played nodes send no heartbeats, and time passes here. */
const CONTROLLERS = CONTROLLER_NAMES.filter((name) => name !== "node-lifecycle");

let cluster: TestCluster;
afterEach(() => cluster.stop());

async function quota(pods: string): Promise<void> {
  await cluster.registry.create(ResourceQuotaKind, named<ResourceQuota>("q", "d", { spec: { hard: { pods } } }));
  await cluster.until("taken up", () => cluster.view.get<ResourceQuota>("resourcequotas/d/q")?.status?.hard !== undefined);
}

test("a quota that is full: the condition comes, and goes when fewer are wanted", async () => {
  cluster = await startCluster({ controllers: CONTROLLERS });
  await quota("2");
  const spec = { replicas: 3, selector: { app: "x" }, template: template("i") };
  await cluster.registry.create(ReplicationControllerKind, named<ReplicationController>("rc", "d", { spec }));
  const status = () => cluster.view.get<ReplicationController>("replicationcontrollers/d/rc")?.status;
  await cluster.until("the condition", () => status()?.conditions?.[0]?.type === "ReplicaFailure" && status()?.readyReplicas === 2);
  expect(status()?.conditions?.[0]).toMatchObject({
    status: "True",
    reason: "FailedCreate",
    message: expect.stringContaining("exceeded quota: q"),
  });
  expect(
    cluster.events.some((event) => /^Warning FailedCreate ReplicationController\/rc: Error creating: .*exceeded quota/.test(event)),
  ).toBe(true);
  await cluster.registry.modify(ReplicationControllerKind, "d", "rc", (current) => ({
    ...current,
    spec: { ...current.spec, replicas: 2 },
  }));
  await cluster.until("no condition", () => status()?.conditions === undefined);
});

test("a Deployment whose pods are refused says so, tries ever more rarely, and is done when there is room", async () => {
  cluster = await startCluster({ controllers: CONTROLLERS });
  await quota("1");
  const spec = { replicas: 3, selector: { matchLabels: { app: "x" } }, template: template("i") };
  await cluster.registry.create(DeploymentKind, named<Deployment>("web", "d", { spec }));
  const conditions = () => cluster.view.get<Deployment>("deployments.apps/d/web")?.status?.conditions ?? [];
  const failure = () => conditions().find(({ type }) => type === "ReplicaFailure");
  await cluster.until("it says so", () => failure() !== undefined);
  expect(failure()).toMatchObject({ status: "True", reason: "FailedCreate", message: expect.stringContaining("exceeded quota") });
  await cluster.clock.run(10_000);
  const before = await cluster.counters("replicaset");
  await cluster.clock.run(60_000);
  const { refusals } = await cluster.counters("replicaset");
  // 5 ms, 10 ms, 20 ms, ...: after ten seconds a try is ten seconds and more apart.
  expect(refusals - before.refusals).toBeLessThan(8);
  await cluster.registry.modify(ResourceQuotaKind, "d", "q", (current) => ({ ...current, spec: { hard: { pods: "5" } } }));
  await cluster.until("all ready", () => readyPods(cluster) === 3 && failure() === undefined, 120_000);
});
