import { afterEach, describe, expect, test } from "vitest";
import { missedStart } from "../../../../actors/controllers/job/cronjob-starts.ts";
import { CronJobKind } from "../../../../actors/kinds/batch/cron-job.ts";
import type { CronJob, Job } from "../../../../actors/kinds/generated/types.ts";
import { parseCron } from "../../../../actors/kinds/machinery/cron.ts";
import { named, startCluster, type TestCluster } from "../harness.ts";

const MINUTE_MS = 60_000;

let cluster: TestCluster;

function cronJob(spec: object): CronJob {
  const pod = { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] };
  return named<CronJob>("tick", "d", { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: { spec: pod } } }, ...spec } });
}

const now = (): CronJob | undefined => cluster.view.get<CronJob>("cronjobs.batch/d/tick");
const jobs = (): Job[] => cluster.all<Job>("jobs.batch", "d");

describe("a cron job", () => {
  afterEach(() => cluster.stop());

  test("makes one job at each time, named after it, and keeps the last ones", async () => {
    cluster = await startCluster();
    cluster.kubelet.exitCode = () => 0;
    await cluster.registry.create(CronJobKind, cronJob({}));
    await cluster.clock.run(6 * MINUTE_MS);
    const made = cluster.events.filter((event) => event.startsWith("Normal SuccessfulCreate CronJob/tick: Created job tick-"));
    expect(made).toHaveLength(6);
    await cluster.clock.run(1_000);
    expect(jobs()).toHaveLength(3);
    const at_ms = Date.parse(now()?.status?.lastScheduleTime ?? "");
    expect(jobs().map(({ metadata }) => metadata.name)).toContain(`tick-${at_ms / MINUTE_MS}`);
    expect(now()?.status?.active).toBeUndefined();
    expect(now()?.status?.lastSuccessfulTime).toBeDefined();
    expect(jobs()[0]?.metadata.annotations).toHaveProperty(["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
  });

  test.each([
    ["Allow", 4, 4],
    ["Forbid", 1, 1],
    ["Replace", 1, 4],
  ])("while others run: %s", async (concurrencyPolicy, running, made) => {
    cluster = await startCluster();
    await cluster.registry.create(CronJobKind, cronJob({ concurrencyPolicy }));
    await cluster.clock.run(4 * MINUTE_MS + 5_000);
    expect(jobs()).toHaveLength(running);
    expect(now()?.status?.active).toHaveLength(running);
    expect(cluster.events.filter((event) => event.startsWith("Normal SuccessfulCreate CronJob/tick"))).toHaveLength(made);
  });

  test("suspended it makes none; a job that is gone is told", async () => {
    cluster = await startCluster();
    await cluster.registry.create(CronJobKind, cronJob({ suspend: true }));
    await cluster.clock.run(3 * MINUTE_MS);
    expect(jobs()).toHaveLength(0);
    await cluster.registry.modify(CronJobKind, "d", "tick", (current) => ({ ...current, spec: { ...current.spec, suspend: false } }));
    await cluster.until("one active", () => now()?.status?.active?.length === 1, 2 * MINUTE_MS);
    const [job] = jobs();
    const { JobKind } = await import("../../../../actors/kinds/batch/job.ts");
    await cluster.registry.delete(JobKind, "d", job?.metadata.name ?? "", { propagationPolicy: "Background" });
    await cluster.until("none active", () => now()?.status?.active === undefined);
    expect(cluster.events).toContain(`Normal MissingJob CronJob/tick: Active job went missing: ${job?.metadata.name}`);
  });
});

describe("missed starts", () => {
  const at = (text: string): number => Date.parse(text);
  function missed(
    schedule: string,
    last: string,
    nowText: string,
    startingDeadlineSeconds?: number,
  ): { at: string | undefined; tooMany: boolean } {
    const job = named<CronJob>("x", "d", {
      metadata: { creationTimestamp: last },
      spec: { schedule, ...(startingDeadlineSeconds === undefined ? {} : { startingDeadlineSeconds }) },
    });
    const { at_ms, tooMany } = missedStart(job, parseCron(schedule), "UTC", at(nowText)) ?? { at_ms: undefined, tooMany: false };
    return { at: at_ms === undefined ? undefined : new Date(at_ms).toISOString(), tooMany };
  }

  test("none yet, one, and of several the last", () => {
    expect(missed("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T10:59:59Z").at).toBeUndefined();
    expect(missed("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z").at).toBe("2026-01-01T11:00:00.000Z");
    expect(missed("0 * * * *", "2026-01-01T10:00:00Z", "2026-01-01T20:30:00Z")).toEqual({ at: "2026-01-01T20:00:00.000Z", tooMany: false });
  });

  test("ten years of missed minutes are found at once, and told", () => {
    expect(missed("* * * * *", "2016-01-01T00:00:00Z", "2026-01-01T00:00:30Z")).toEqual({ at: "2026-01-01T00:00:00.000Z", tooMany: true });
    expect(missed("0 3 1 1 *", "2016-01-01T04:00:00Z", "2026-06-01T00:00:00Z")).toEqual({ at: "2026-01-01T03:00:00.000Z", tooMany: false });
    expect(missed("@every 1s", "2016-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z").at).toBe("2026-01-01T00:00:00.000Z");
  });

  test("starts before the deadline do not count", () => {
    expect(missed("* * * * *", "2016-01-01T00:00:00Z", "2026-01-01T00:00:30Z", 20).at).toBeUndefined();
    expect(missed("* * * * *", "2016-01-01T00:00:00Z", "2026-01-01T00:00:30Z", 40)).toEqual({
      at: "2026-01-01T00:00:00.000Z",
      tooMany: false,
    });
    expect(missed("* * * * *", "2016-01-01T00:00:00Z", "2026-01-01T00:00:30Z", 86_400).tooMany).toBe(true);
  });

  test("the last is looked for where it would be if all were as far apart as the first two", () => {
    expect(missed("0 0 1 1,2 *", "2025-12-01T00:00:00Z", "2026-11-27T00:00:00Z").at).toBeUndefined();
    expect(missed("30 6-16/4 * * 1-5", "2026-01-05T06:30:00Z", "2026-01-09T15:00:00Z").at).toBe("2026-01-09T14:30:00.000Z");
  });
});
