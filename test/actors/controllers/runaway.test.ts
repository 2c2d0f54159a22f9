import { afterEach, describe, expect, test } from "vitest";
import { jobController } from "../../../actors/controllers/job/job.ts";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { CronJobKind } from "../../../actors/kinds/batch/cron-job.ts";
import { JobKind } from "../../../actors/kinds/batch/job.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import type { ConfigMap, CronJob, Deployment, Job, Pod, ReplicaSet, Service } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import { named, readyPods, startCluster, type TestCluster, template } from "./harness.ts";
import { Transcript } from "./transcript.ts";

// Input that could keep a controller busy for ever, or all at once: as in Kubernetes, nothing runs away.

const HOUR_MS = 3_600_000;
const TEN_YEARS_MS = 10 * 365 * 24 * HOUR_MS;

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

describe("selectors that overlap", () => {
  test("two Deployments with one selector keep to the pods that each has made, and come to rest", async () => {
    cluster = await startCluster();
    const { registry, until, all, clock, view } = cluster;
    const spec = { replicas: 3, selector: { matchLabels: { app: "x" } } };
    await registry.create(DeploymentKind, named<Deployment>("a", "d", { spec: { ...spec, template: template("img:1") } }));
    await registry.create(DeploymentKind, named<Deployment>("b", "d", { spec: { ...spec, template: template("img:2") } }));
    await until("all ready", () => readyPods(cluster as TestCluster) === 6);
    await clock.run(5_000);
    const [before, revision] = [all<Pod>("pods", "d").map(({ metadata }) => metadata.uid), view.revision];
    await clock.run(30_000);
    expect(all<Pod>("pods", "d").map(({ metadata }) => metadata.uid)).toEqual(before);
    expect(view.changesAfter("replicasets.apps", revision, 9)).toEqual([]);
    expect(view.changesAfter("deployments.apps", revision, 9)).toEqual([]);
  });

  test("of two ReplicaSets that want the same orphans each pod has one owner, and what is too many goes once", async () => {
    cluster = await startCluster();
    const { registry, until, all, clock } = cluster;
    for (let i = 0; i < 6; i++) {
      const orphan = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
      await registry.create(PodKind, named<Pod>(`orphan-${i}`, "d", orphan));
    }
    await until("orphans run", () => readyPods(cluster as TestCluster) === 6);
    const spec = { replicas: 2, selector: { matchLabels: { app: "x" } }, template: template("i") };
    await Promise.all(["a", "b"].map((name) => registry.create(ReplicaSetKind, named<ReplicaSet>(name, "d", { spec }))));
    await until("two each", () => all("pods", "d").length === 4);
    await clock.run(30_000);
    const owners = all<Pod>("pods", "d").map(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name));
    expect(owners.sort()).toEqual([["a"], ["a"], ["b"], ["b"]]);
  });
});

describe("a job of 100,000 indexes", () => {
  const COUNT = 100_000;
  const job = (status: object = {}): object => ({
    metadata: { name: "work" },
    spec: {
      completionMode: "Indexed",
      completions: COUNT,
      parallelism: COUNT,
      backoffLimit: 6,
      selector: { matchLabels: { j: "1" } },
      template: { metadata: { labels: { j: "1" } }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
    },
    status,
  });
  const started = (status: object): readonly number[] =>
    new Transcript(jobController())
      .put(JobKind, job(status))
      .actions("jobs.batch/d/work")
      .flatMap((action) => (action.do === "inOrder" ? action.steps : [action]))
      .flatMap((action) => (action.do === "slowStart" ? action.writes : []))
      .flatMap((write) => (write.do === "create" ? [write.object.metadata.annotations?.["batch.kubernetes.io/job-completion-index"]] : []))
      .map(Number);

  test("starts 500 pods a round, the lowest indexes first", () => {
    expect(started({})).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test("knows the only one that is missing", () => {
    const status = { startTime: timestamp(0), succeeded: COUNT - 1, completedIndexes: `0-49999,50001-${COUNT - 1}` };
    expect(started(status)).toEqual([50_000]);
  });

  test("is complete when all are, though nobody has a pod of it any more", () => {
    const status = { startTime: timestamp(0), succeeded: COUNT, completedIndexes: `0-${COUNT - 1}` };
    const transcript = new Transcript(jobController()).put<Job>(JobKind, job(status));
    expect(transcript.decide().join("\n")).toContain('"type":"SuccessCriteriaMet"');
  });
});

test("a cron job that was not looked at for ten years makes one job, and says that it has missed many", async () => {
  cluster = await startCluster();
  const { registry, clock, all, events } = cluster;
  const podSpec = { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] };
  const spec = { schedule: "* * * * *", suspend: true, jobTemplate: { spec: { template: { spec: podSpec } } } };
  await registry.create(CronJobKind, named<CronJob>("tick", "d", { spec }));
  const lastScheduleTime = timestamp(clock.now_ms() - TEN_YEARS_MS);
  await registry.modify(CronJobKind, "d", "tick", (current) => ({ ...current, status: { lastScheduleTime } }), { subresource: "status" });
  await registry.modify(CronJobKind, "d", "tick", (current) => ({ ...current, spec: { ...current.spec, suspend: false } }));
  await clock.run(5_000);
  expect(all<Job>("jobs.batch", "d")).toHaveLength(1);
  expect(events.filter((event) => event.startsWith("Warning TooManyMissedTimes CronJob/tick"))).toHaveLength(1);
});

describe("owners in a circle", () => {
  const ANY = ConfigMapKind as unknown as Kind;
  const names = (): string[] =>
    (cluster?.all<ConfigMap>("configmaps", "d") ?? []).map(({ metadata }) => metadata.name).filter((name) => name !== "kube-root-ca.crt");

  /** Each of the three is owned by the one before it, the first by the last. */
  async function circle(): Promise<TestCluster> {
    cluster = await startCluster({ controllers: ["garbage-collector"] });
    const { registry, view } = cluster;
    const uids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const entry = await registry.create(ConfigMapKind, named<ConfigMap>(name, "d"));
      uids.push(view.decode(entry).metadata.uid);
    }
    for (const [i, name] of ["a", "b", "c"].entries()) {
      const before = (i + 2) % 3;
      const owner = { apiVersion: "v1", kind: "ConfigMap", name: ["a", "b", "c"][before] ?? "", uid: uids[before] ?? "" };
      const ownerReferences = [{ ...owner, blockOwnerDeletion: true }];
      await registry.modify(ConfigMapKind, "d", name, (current) => ({ ...current, metadata: { ...current.metadata, ownerReferences } }));
    }
    return cluster;
  }

  test("are left alone while they are there", async () => {
    const { clock, counters } = await circle();
    await clock.run(1_000);
    const { writes, rounds } = await counters("garbage-collector");
    await clock.run(HOUR_MS);
    expect(await counters("garbage-collector")).toMatchObject({ writes, rounds });
    expect(names()).toEqual(["a", "b", "c"]);
  });

  test.each(["Background", "Foreground"] as const)("all go with one of them: %s", async (propagationPolicy) => {
    const { registry, until, clock, counters } = await circle();
    await registry.delete(ANY, "d", "b", { propagationPolicy });
    await until("all gone", () => names().length === 0);
    await clock.run(HOUR_MS);
    expect((await counters("garbage-collector")).writes).toBeLessThan(20);
  });
});

test("a service of a thousand pods is brought up to date once for many of their changes", async () => {
  cluster = await startCluster({ nodes: 10 });
  const { registry, until, clock, counters } = cluster;
  const spec = { selector: { app: "x" }, ports: [{ port: 80 }] };
  await registry.create(ServiceKind, named<Service>("web", "d", { spec }));
  const pods = { replicas: 1_000, selector: { matchLabels: { app: "x" } }, template: template("img:1") };
  await registry.create(ReplicaSetKind, named<ReplicaSet>("web", "d", { spec: pods }));
  await until("ready", () => readyPods(cluster as TestCluster) === 1_000);
  await clock.run(5_000);
  const { changes, rounds } = await counters("endpointslice");
  expect(changes).toBeGreaterThan(3_000);
  expect(rounds).toBeLessThan(200);
});
