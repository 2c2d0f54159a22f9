import { afterEach, expect, test } from "vitest";
import { DeploymentKind } from "../../../../actors/kinds/apps/deployment.ts";
import type { Deployment, Pod, ReplicaSet } from "../../../../actors/kinds/generated/types.ts";
import { isReady, named, readyPods, startCluster, type TestCluster, template } from "../harness.ts";

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

async function startDeployment(replicas: number, spec: object = {}): Promise<TestCluster> {
  cluster = await startCluster();
  await cluster.registry.create(
    DeploymentKind,
    named<Deployment>("web", "d", { spec: { replicas, selector: { matchLabels: { app: "x" } }, template: template("img:1"), ...spec } }),
  );
  await cluster.until("first rollout", () => isDone(web()));
  return cluster;
}

function web(): Deployment {
  const found = cluster?.view.get<Deployment>("deployments.apps/d/web");
  if (found === undefined) throw new Error("no deployment web");
  return found;
}

function isDone({ metadata, spec, status }: Deployment): boolean {
  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  return (
    status?.observedGeneration === metadata.generation &&
    (status?.updatedReplicas ?? 0) === spec.replicas &&
    (status?.availableReplicas ?? 0) === spec.replicas &&
    (status?.replicas ?? 0) === spec.replicas &&
    progress?.reason === "NewReplicaSetAvailable"
  );
}

async function change(spec: (current: Deployment["spec"]) => Partial<Deployment["spec"]>): Promise<void> {
  await cluster?.registry.modify(DeploymentKind, "d", "web", (current) => ({
    ...current,
    spec: { ...current.spec, ...spec(current.spec) },
  }));
}

test("a Deployment creates its ReplicaSet, and says what Kubernetes says", async () => {
  const { all, events } = await startDeployment(3);
  const [set] = all<ReplicaSet>("replicasets.apps", "d");
  expect(set?.metadata.name).toMatch(/^web-[bcdf-hj-np-tv-z2-9]{10}$/);
  expect(set?.metadata.annotations).toEqual({
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
    "deployment.kubernetes.io/revision": "1",
  });
  expect(set?.status).toEqual({ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  expect(web().metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1" });
  expect(web().metadata.generation).toBe(1);
  const { conditions, ...counts } = web().status ?? {};
  expect(counts).toEqual({ replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
  expect(conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
    ["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."],
    ["Progressing", "True", "NewReplicaSetAvailable", `ReplicaSet "${set?.metadata.name}" has successfully progressed.`],
  ]);
  expect(events.filter((event) => event.includes("Deployment/"))).toEqual([
    `Normal ScalingReplicaSet Deployment/web: Scaled up replica set ${set?.metadata.name} from 0 to 3`,
  ]);
  const pods = all<Pod>("pods", "d")
    .map(({ metadata }) => metadata.name)
    .sort();
  expect(events.filter((event) => event.includes("ReplicaSet/")).sort()).toEqual(
    pods.map((pod) => `Normal SuccessfulCreate ReplicaSet/${set?.metadata.name}: Created pod: ${pod}`),
  );
});

test("a rolling update never has fewer ready pods than it may, nor more pods", async () => {
  const { view, until, all, kubelet } = await startDeployment(10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
  // Slow enough that the old pods go down before the new ones are ready.
  kubelet.start_ms = 500;
  let fewest = 10;
  let most = 10;
  const watching = view.afterBatch(() => {
    const pods = view.list("pods", "d").map((entry) => view.decode<Pod>(entry));
    fewest = Math.min(fewest, pods.filter(isReady).length);
    most = Math.max(most, pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length);
  });
  await change(() => ({ template: template("img:2") as Deployment["spec"]["template"] }));
  await until("second rollout", () => isDone(web()) && web().metadata.annotations?.["deployment.kubernetes.io/revision"] === "2");
  watching.cancel();
  expect(fewest).toBe(8);
  expect(most).toBe(13);
  expect(
    all<ReplicaSet>("replicasets.apps", "d")
      .map(({ spec }) => spec.replicas)
      .sort(),
  ).toEqual([0, 10]);
});

test("a rollback brings the old ReplicaSet back under a new revision, and it remembers the old one", async () => {
  const { until, all } = await startDeployment(2);
  for (const [image, revision] of [
    ["img:2", "2"],
    ["img:1", "3"],
  ] as const) {
    await change(() => ({ template: template(image) as Deployment["spec"]["template"] }));
    await until(
      `rollout of ${image}`,
      () => isDone(web()) && web().metadata.annotations?.["deployment.kubernetes.io/revision"] === revision,
    );
  }
  const sets = all<ReplicaSet>("replicasets.apps", "d").map(({ metadata, spec }) => [spec.replicas, metadata.annotations]);
  expect(sets).toHaveLength(2);
  expect(sets).toContainEqual([
    2,
    {
      "deployment.kubernetes.io/desired-replicas": "2",
      "deployment.kubernetes.io/max-replicas": "3",
      "deployment.kubernetes.io/revision": "3",
      "deployment.kubernetes.io/revision-history": "1",
    },
  ]);
});

test("Recreate waits until the last old pod is gone", async () => {
  const { until, view, kubelet } = await startDeployment(3, { strategy: { type: "Recreate" } });
  kubelet.stop_ms = 5_000;
  let mixed = false;
  const watching = view.afterBatch(() => {
    const images = view.list("pods", "d").map((entry) => view.decode<Pod>(entry).spec.containers[0]?.image);
    mixed ||= new Set(images).size > 1;
  });
  await change(() => ({ template: template("img:2") as Deployment["spec"]["template"] }));
  await until("second rollout", () => isDone(web()) && web().metadata.generation === 2);
  watching.cancel();
  expect(mixed).toBe(false);
});

test("a size change during a rollout that is stuck is shared out in proportion", async () => {
  const { until, all, kubelet } = await startDeployment(10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } });
  kubelet.becomesReady = () => false;
  await change(() => ({ template: template("img:2") as Deployment["spec"]["template"] }));
  const sizes = (): (number | undefined)[] =>
    all<ReplicaSet>("replicasets.apps", "d")
      .map(({ spec }) => spec.replicas)
      .sort();
  await until("stuck", () => sizes().join() === "5,8");
  kubelet.becomesReady = (pod) => pod.spec.containers[0]?.image === "img:1";
  await change(() => ({ replicas: 15 }));
  await until("scaled", () => sizes().join() === "11,7");
  await until("status", () => web().status?.replicas === 18 && web().status?.availableReplicas === 11);
  expect(web().status?.unavailableReplicas).toBe(7);
  expect(web().status?.conditions?.map(({ type, reason }) => [type, reason])).toContainEqual(["Available", "MinimumReplicasUnavailable"]);
});

test("a rollout without progress is declared stuck after its deadline, and goes on when pods become ready", async () => {
  const { until, kubelet } = await startDeployment(3, { progressDeadlineSeconds: 600 });
  kubelet.becomesReady = () => false;
  await change(() => ({ progressDeadlineSeconds: 2, template: template("img:2") as Deployment["spec"]["template"] }));
  const progressing = (): unknown[] => {
    const condition = web().status?.conditions?.find(({ type }) => type === "Progressing");
    return [condition?.status, condition?.reason];
  };
  await until("stuck", () => progressing()[1] === "ProgressDeadlineExceeded");
  expect(progressing()).toEqual(["False", "ProgressDeadlineExceeded"]);
  expect(readyPods(cluster as TestCluster)).toBe(3);
});

test("a paused Deployment rolls nothing out, but can be scaled; resumed, it goes on", async () => {
  const { until, all } = await startDeployment(2);
  await change(() => ({ paused: true, template: template("img:2") as Deployment["spec"]["template"] }));
  await until("paused", () => web().status?.conditions?.some(({ reason }) => reason === "DeploymentPaused") === true);
  await change(() => ({ replicas: 4 }));
  await until("scaled", () => readyPods(cluster as TestCluster) === 4);
  expect(all<ReplicaSet>("replicasets.apps", "d")).toHaveLength(1);
  await change(() => ({ paused: false }));
  await until("rolled out", () => isDone(web()) && all<ReplicaSet>("replicasets.apps", "d").length === 2);
});

test("old ReplicaSets beyond the history limit go, oldest first", async () => {
  const { until, all } = await startDeployment(1, { revisionHistoryLimit: 1 });
  for (const image of ["img:2", "img:3", "img:4"]) {
    await change(() => ({ template: template(image) as Deployment["spec"]["template"] }));
    await until(image, () => isDone(web()) && all<Pod>("pods", "d").every(({ spec }) => spec.containers[0]?.image === image));
  }
  await until("cleaned up", () => all<ReplicaSet>("replicasets.apps", "d").length === 2);
  const revisions = all<ReplicaSet>("replicasets.apps", "d").map(
    ({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"],
  );
  expect(revisions.sort()).toEqual(["3", "4"]);
});
