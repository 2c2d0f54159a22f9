import { afterEach, describe, expect, test } from "vitest";
import { IndexSet } from "../../../../actors/controllers/job/job-indexes.ts";
import { JobKind } from "../../../../actors/kinds/batch/job.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Job, Pod } from "../../../../actors/kinds/generated/types.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

let cluster: TestCluster;

function job(spec: object, podSpec: object = {}): Job {
  return named<Job>("work", "d", {
    spec: {
      template: { metadata: { labels: { j: "1" } }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }], ...podSpec } },
      ...spec,
    },
  });
}

const now = (): Job | undefined => cluster.view.get<Job>("jobs.batch/d/work");
const pods = (): Pod[] => cluster.all<Pod>("pods", "d");
const holds = (type: string): string | undefined =>
  now()?.status?.conditions?.find((condition) => condition.type === type && condition.status === "True")?.reason;
const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.["batch.kubernetes.io/job-completion-index"]);

describe("a job", () => {
  afterEach(() => cluster.stop());

  test("runs as many pods at a time as it may until enough have ended well, and counts each once", async () => {
    cluster = await startCluster();
    cluster.kubelet.exitCode = () => 0;
    let most = 0;
    cluster.view.watch("pods", cluster.view.revision, () => {
      most = Math.max(most, pods().filter(({ status }) => status?.phase !== "Succeeded").length);
    });
    await cluster.registry.create(JobKind, job({ completions: 20, parallelism: 4 }));
    await cluster.until("complete", () => holds("Complete") === "CompletionsReached");
    expect(most).toBeLessThanOrEqual(4);
    expect(now()?.status).toMatchObject({ succeeded: 20, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    expect(now()?.status?.completionTime).toBeDefined();
    expect(pods()).toHaveLength(20);
    expect(pods().every(({ metadata }) => metadata.finalizers === undefined)).toBe(true);
    expect(cluster.events).toContain("Normal Completed Job/work: Job completed");
  });

  test("a pod that is deleted before it was counted counts all the same", async () => {
    cluster = await startCluster({ controllers: ["garbage-collector", "service-account", "pod-garbage-collector"] });
    cluster.kubelet.exitCode = () => 0;
    await cluster.registry.create(JobKind, job({}));
    // Plays the controller's first round, which is all that it gets to do.
    cluster.store.host.messenger.tell("controller/job", { type: "start" });
    await cluster.until("a pod", () => pods().length === 1);
    await cluster.registry.delete(PodKind, "d", pods()[0]?.metadata.name ?? "", { gracePeriodSeconds: 0 });
    await cluster.until("complete or failed and tried again", () => holds("Complete") !== undefined, 120_000);
    expect(now()?.status?.succeeded).toBe(1);
  });

  test("failures wait twice as long each time, and end it beyond the limit", async () => {
    cluster = await startCluster();
    cluster.kubelet.exitCode = () => 1;
    await cluster.registry.create(JobKind, job({ backoffLimit: 3 }));
    const start_ms = cluster.clock.now_ms();
    await cluster.until("failed", () => holds("Failed") === "BackoffLimitExceeded", 200_000);
    expect(now()?.status).toMatchObject({ failed: 4 });
    // 10 + 20 + 40 seconds.
    expect(cluster.clock.now_ms() - start_ms).toBeGreaterThan(66_000);
    expect(cluster.clock.now_ms() - start_ms).toBeLessThan(80_000);
  });

  test("each index is done once, and its pods know it", async () => {
    cluster = await startCluster();
    const failing = new Set([1]);
    cluster.kubelet.exitCode = (pod) => (failing.delete(indexOf(pod)) ? 1 : 0);
    await cluster.registry.create(JobKind, job({ completions: 5, parallelism: 5, completionMode: "Indexed" }));
    await cluster.until("complete", () => holds("Complete") !== undefined, 60_000);
    expect(now()?.status).toMatchObject({ completedIndexes: "0-4", succeeded: 5, failed: 1 });
    const [pod] = pods().filter((one) => indexOf(one) === 3);
    expect(pod?.spec.hostname).toBe("work-3");
    expect(pod?.spec.containers[0]?.env?.[0]?.name).toBe("JOB_COMPLETION_INDEX");
  });

  test("limits for each index: one that fails for good leaves the others to go on", async () => {
    cluster = await startCluster();
    cluster.kubelet.exitCode = (pod) => (indexOf(pod) === 1 ? 1 : 0);
    await cluster.registry.create(JobKind, job({ completions: 3, parallelism: 3, completionMode: "Indexed", backoffLimitPerIndex: 1 }));
    await cluster.until("failed", () => holds("Failed") === "FailedIndexes", 120_000);
    expect(now()?.status).toMatchObject({ completedIndexes: "0,2", failedIndexes: "1", succeeded: 2, failed: 2 });
    expect(pods().every(({ metadata }) => metadata.finalizers === undefined)).toBe(true);
  });

  test("a success policy ends it early", async () => {
    cluster = await startCluster();
    cluster.kubelet.exitCode = (pod) => (indexOf(pod) === 0 ? 0 : undefined);
    const successPolicy = { rules: [{ succeededIndexes: "0" }] };
    await cluster.registry.create(JobKind, job({ completions: 3, parallelism: 3, completionMode: "Indexed", successPolicy }));
    await cluster.until("complete", () => holds("Complete") === "SuccessPolicy");
    expect(pods().filter(({ status }) => status?.phase === "Running")).toHaveLength(0);
    expect(now()?.status).toMatchObject({ succeeded: 1, completedIndexes: "0" });
  });

  test("a failure policy: what is ignored does not count, what ends the job says why", async () => {
    cluster = await startCluster();
    let code = 7;
    cluster.kubelet.exitCode = () => code;
    const rules = [
      { action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
      { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
    ];
    await cluster.registry.create(JobKind, job({ backoffLimit: 0, podFailurePolicy: { rules } }));
    await cluster.until("tried twice", () => pods().length === 2, 60_000);
    expect(holds("Failed")).toBeUndefined();
    code = 42;
    await cluster.until("failed", () => holds("Failed") === "PodFailurePolicy", 60_000);
    const { message } = now()?.status?.conditions?.find(({ type }) => type === "Failed") ?? {};
    expect(message).toMatch(/^Container c for pod d\/work-\w+ failed with exit code 42 matching FailJob rule at index 1$/);
  });

  test("suspended it has no pods, and its time does not run", async () => {
    cluster = await startCluster();
    await cluster.registry.create(JobKind, job({ parallelism: 3, completions: 3, activeDeadlineSeconds: 30 }));
    await cluster.until("three", () => now()?.status?.ready === 3);
    const suspend = (value: boolean): Promise<unknown> =>
      cluster.registry.modify(JobKind, "d", "work", (current) => ({ ...current, spec: { ...current.spec, suspend: value } }));
    await suspend(true);
    await cluster.until("none", () => pods().length === 0 && holds("Suspended") === "JobSuspended");
    await cluster.clock.run(20_000);
    expect(holds("Failed")).toBeUndefined();
    expect(now()?.status?.failed).toBeUndefined();
    await suspend(false);
    await cluster.until("three again", () => now()?.status?.ready === 3, 5_000);
    await cluster.clock.run(20_000);
    expect(holds("Failed")).toBeUndefined();
    await cluster.until("over", () => holds("Failed") === "DeadlineExceeded", 40_000);
    await cluster.until("none left", () => pods().length === 0);
  });

  test("its pods go with it, and later by its time to live", async () => {
    cluster = await startCluster();
    await cluster.registry.create(JobKind, job({}));
    await cluster.until("runs", () => now()?.status?.ready === 1);
    await cluster.registry.delete(JobKind, "d", "work", { propagationPolicy: "Background" });
    await cluster.until("gone", () => now() === undefined && pods().length === 0);
    cluster.kubelet.exitCode = () => 0;
    await cluster.registry.create(JobKind, job({ ttlSecondsAfterFinished: 20 }));
    await cluster.until("complete", () => holds("Complete") !== undefined);
    await cluster.clock.run(15_000);
    expect(now()).toBeDefined();
    await cluster.until("gone", () => now() === undefined && pods().length === 0, 20_000);
  });

  test("one that another controller manages is left alone", async () => {
    cluster = await startCluster();
    await cluster.registry.create(JobKind, job({ managedBy: "example.com/own" }));
    await cluster.clock.run(5_000);
    expect(pods()).toHaveLength(0);
    expect(now()?.status).toEqual({});
  });
});

test.each([
  ["", 10, [], ""],
  ["0-2,4,6-9", 10, [0, 2, 4, 9], "0-2,4,6-9"],
  ["3,1,2", 10, [1, 2, 3], "1-3"],
  ["1,2", 10, [1, 2], "1,2"],
  ["5-20", 8, [5, 7], "5-7"],
  ["x,-1,2-y,3", 10, [3], "3"],
])("indexes %j below %i", (text, limit, members, printed) => {
  const set = IndexSet.parse(text, limit);
  expect(members.every((number) => set.has(number))).toBe(true);
  expect(set.toString()).toBe(printed);
});

test("the first indexes that are missing, and what two sets have in common", () => {
  const set = IndexSet.parse("0-2,5", 10);
  expect(set.firstMissing(10, 3)).toEqual([3, 4, 6]);
  expect(set.firstMissing(4, 9)).toEqual([3]);
  expect(set.common(IndexSet.parse("2-5", 10))).toBe(2);
  expect(IndexSet.parse("0-99999", 100_000).size).toBe(100_000);
});
