import { afterEach, expect, test } from "vitest";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Pod, PodDisruptionBudget, ReplicaSet } from "../../../actors/kinds/generated/types.ts";
import { PodDisruptionBudgetKind } from "../../../actors/kinds/policy/pod-disruption-budget.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "./harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

const budget = (): PodDisruptionBudget | undefined => cluster?.view.get<PodDisruptionBudget>("poddisruptionbudgets.policy/d/pdb");

/** desired, current, allowed, expected */
function counts(): unknown[] {
  const status = budget()?.status;
  return [status?.desiredHealthy, status?.currentHealthy, status?.disruptionsAllowed, status?.expectedPods];
}

async function startBudget(pods: number, spec: object): Promise<TestCluster> {
  cluster = await startCluster();
  const set = { replicas: pods, selector: { matchLabels: { app: "x" } }, template: template("i") };
  await cluster.registry.create(ReplicaSetKind, named<ReplicaSet>("rs", "d", { spec: set }));
  await cluster.until("ready", () => readyPods(cluster as TestCluster) === pods);
  const selector = { matchLabels: { app: "x" } };
  await cluster.registry.create(PodDisruptionBudgetKind, named<PodDisruptionBudget>("pdb", "d", { spec: { selector, ...spec } }));
  await cluster.until("status", () => budget()?.status?.observedGeneration === 1);
  return cluster;
}

const CASES: readonly [object, number, readonly number[], string][] = [
  [{ minAvailable: 1 }, 1, [1, 1, 0, 1], "InsufficientPods"],
  [{ minAvailable: 2 }, 3, [2, 3, 1, 3], "SufficientPods"],
  [{ minAvailable: "50%" }, 3, [2, 3, 1, 3], "SufficientPods"],
  [{ maxUnavailable: 1 }, 3, [2, 3, 1, 3], "SufficientPods"],
  [{ maxUnavailable: "30%" }, 3, [2, 3, 1, 3], "SufficientPods"],
  [{ maxUnavailable: 0 }, 2, [2, 2, 0, 2], "InsufficientPods"],
  [{ minAvailable: 5 }, 2, [5, 2, 0, 2], "InsufficientPods"],
];

test.each(CASES)("%j of %i pods", async (spec, pods, expected, reason) => {
  await startBudget(pods, spec);
  expect(counts()).toEqual(expected);
  expect(budget()?.status?.conditions?.map((condition) => [condition.type, condition.status, condition.reason, condition.message])).toEqual(
    [["DisruptionAllowed", reason === "SufficientPods" ? "True" : "False", reason, ""]],
  );
});

test("evictions spend the budget, and it is there again when the pod is replaced", async () => {
  const { registry, until, all, kubelet } = await startBudget(3, { maxUnavailable: 1 });
  kubelet.start_ms = 5_000;
  const [first, second] = all<Pod>("pods", "d").map(({ metadata }) => metadata.name);
  await registry.evict("d", first ?? "");
  const refused = await registry.evict("d", second ?? "").catch((error: unknown) => error);
  expect(refused instanceof StatusError && refused.status.message).toBe(
    "Cannot evict pod as it would violate the pod's disruption budget.",
  );
  await until("spent", () => counts().join() === "2,2,0,3");
  await until("allowed again", () => counts().join() === "2,3,1,3");
  await registry.evict("d", second ?? "");
});

test("a share of pods that nobody manages cannot be worked out, and allows what is counted; no pods is an Event", async () => {
  cluster = await startCluster();
  const { registry, until, events } = cluster;
  const spec = { selector: { matchLabels: { app: "x" } }, maxUnavailable: 1 };
  await registry.create(PodDisruptionBudgetKind, named<PodDisruptionBudget>("pdb", "d", { spec }));
  await until("status", () => counts().join() === "0,0,0,0");
  expect(events).toContain("Normal NoPods PodDisruptionBudget/pdb: No matching pods found");
  await registry.create(
    PodKind,
    named<Pod>("lonely", "d", { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } }),
  );
  await until("ready", () => counts().join() === "0,1,0,0");
});
