import { describe, expect, test } from "vitest";
import { cronJobController } from "../../../../actors/controllers/job/cronjob.ts";
import { ttlAfterFinishedController } from "../../../../actors/controllers/job/ttl-after-finished.ts";
import { CronJobKind } from "../../../../actors/kinds/batch/cron-job.ts";
import { JobKind } from "../../../../actors/kinds/batch/job.ts";
import { START_MS, Transcript } from "../transcript.ts";

const MINUTE_MS = 60_000;
const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "c", uid: "uid-c", controller: true, blockOwnerDeletion: true };
const at = (passed_ms: number): string => new Date(START_MS + passed_ms).toISOString().replace(".000", "");
const minute = Math.floor(START_MS / MINUTE_MS);
const jobTemplate = { metadata: { labels: { l: "1" } }, spec: { template: { spec: { restartPolicy: "Never", containers: [] } } } };
const reference = (name: string) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  name,
  namespace: "d",
  uid: `uid-${name}`,
  resourceVersion: "1",
});
const MADE = `create Job/c-${minute}`;

/** Every hour, and it is twelve o'clock. */
function cron(spec: object = {}, status: object = { lastScheduleTime: at(-60 * MINUTE_MS) }, metadata: object = {}): object {
  const wanted = {
    schedule: "0 * * * *",
    concurrencyPolicy: "Allow",
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate,
  };
  return { metadata: { name: "c", creationTimestamp: at(-24 * 60 * MINUTE_MS), ...metadata }, spec: { ...wanted, ...spec }, status };
}

function job(name: string, ended?: "Complete" | "Failed", startTime = at(-60 * MINUTE_MS)): object {
  const conditions = ended === undefined ? [] : [{ type: ended, status: "True", lastTransitionTime: startTime }];
  return { metadata: { name, ownerReferences: [owner] }, spec: jobTemplate.spec, status: { startTime, conditions } };
}

function decide(object: object, ...jobs: readonly object[]): readonly string[] {
  const transcript = new Transcript(cronJobController());
  for (const one of jobs) transcript.put(JobKind, one);
  return transcript.put(CronJobKind, object).decide();
}

const made = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.includes("create Job/") || line.includes("delete Job/"));

describe("when a job is made", () => {
  test.each([
    ["its time has come", cron(), [`1: ${MADE}`]],
    ["its time was seen to", cron({}, { lastScheduleTime: at(0) }), []],
    ["its time is not yet", cron({ schedule: "30 * * * *" }, { lastScheduleTime: at(-30 * MINUTE_MS) }), []],
    ["it is suspended", cron({ suspend: true }), []],
    ["it is going", cron({}, undefined, { deletionTimestamp: at(0), finalizers: ["x"] }), []],
    [
      "it was missed, but not for too long",
      cron({ schedule: "59 11 * * *", startingDeadlineSeconds: 120 }, {}),
      [`1: create Job/c-${minute - 1}`],
    ],
    ["it was missed for too long", cron({ schedule: "59 11 * * *", startingDeadlineSeconds: 30 }, {}), []],
    ["many were missed: the last of them", cron({ schedule: "* * * * *" }, { lastScheduleTime: at(-10 * MINUTE_MS) }), [`1: ${MADE}`]],
    ["a zone's noon is not this one", cron({ schedule: "0 12 * * *", timeZone: "Asia/Tokyo" }), []],
    ["a zone's time has come", cron({ schedule: "0 21 * * *", timeZone: "Asia/Tokyo" }), [`1: ${MADE}`]],
  ])("%s", (_what, object, expected) => {
    expect(made(decide(object))).toEqual(expected);
  });

  test.each([
    ["Allow", [`1: ${MADE}`]],
    ["Forbid", []],
    ["Replace", ['1: delete Job/before {"propagationPolicy":"Background"}', `2: ${MADE}`]],
  ])("while another one runs: %s", (concurrencyPolicy, expected) => {
    const status = { lastScheduleTime: at(-60 * MINUTE_MS), active: [reference("before")] };
    const lines = decide(cron({ concurrencyPolicy }, status), job("before"));
    expect(made(lines)).toEqual(expected);
    expect(lines.some((line) => line.includes("event Normal JobAlreadyActive"))).toBe(concurrencyPolicy === "Forbid");
    expect(lines.some((line) => line === 'status CronJob/c {"active":null}')).toBe(concurrencyPolicy === "Replace");
    expect(lines.some((line) => line.includes("UnexpectedJob"))).toBe(false);
  });

  test("two times of one minute have the same job: while it runs it is active once", () => {
    const status = { lastScheduleTime: at(-2_000), active: [reference(`c-${minute}`)] };
    expect(decide(cron({ schedule: "@every 2s" }, status), job(`c-${minute}`))).toEqual(["requeue 2000"]);
  });

  test("none where somebody else has a job of its name", () => {
    expect(decide(cron(), { ...job(`c-${minute}`), metadata: { name: `c-${minute}` } })).toEqual([`requeue ${60 * MINUTE_MS}`]);
  });

  test("one that was made before its status was written is taken up, not made twice", () => {
    const lines = decide(cron(), job(`c-${minute}`));
    expect(made(lines)).toEqual([]);
    expect(lines.find((line) => line.startsWith("status"))).toContain(`"lastScheduleTime":"<now>"`);
  });

  test("a changed schedule makes up for nothing that it would have started before it came to be", () => {
    const transcript = new Transcript(cronJobController()).put(CronJobKind, cron({ schedule: "0 0 1 1 *" }, { lastScheduleTime: at(0) }));
    transcript.decide();
    const status = { lastScheduleTime: at(-10 * MINUTE_MS) };
    const lines = transcript.put(CronJobKind, cron({ schedule: "*/2 * * * *" }, status)).decide();
    expect(lines).toEqual([`requeue ${2 * MINUTE_MS}`]);
    expect(made(transcript.after(2 * MINUTE_MS).look("cronjobs.batch/d/c"))).toEqual([`1: create Job/c-${minute + 2}`]);
  });

  test("it has the template's labels, its time in words, and its owner", () => {
    const transcript = new Transcript(cronJobController()).put(CronJobKind, cron({ timeZone: "America/New_York" }));
    const creation = transcript
      .actions("cronjobs.batch/d/c")
      .flatMap((action) => (action.do === "inOrder" ? action.steps : []))
      .at(-1);
    expect(creation).toMatchObject({
      object: {
        metadata: {
          labels: { l: "1" },
          annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T07:00:00-05:00" },
          ownerReferences: [owner],
        },
      },
    });
  });

  test("the next time is looked at again, to the millisecond", () => {
    expect(decide(cron({}, { lastScheduleTime: at(0) }))).toContain(`requeue ${60 * MINUTE_MS}`);
  });

  test("a schedule that never comes round is told, and makes none", () => {
    expect(decide(cron({ schedule: "0 0 31 2 *" }))).toEqual([
      "event Warning InvalidSchedule CronJob/c: invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second",
    ]);
  });

  test("a schedule that nobody can read is told, and makes none", () => {
    const lines = decide(cron({ schedule: "nonsense" }));
    expect(lines).toEqual([expect.stringContaining('event Warning UnparseableSchedule CronJob/c: unparseable schedule: "nonsense"')]);
  });
});

describe("the jobs that there are", () => {
  const idle = (status: object = {}) => cron({}, { lastScheduleTime: at(0), ...status });

  test("those that have ended are active no more, and are told", () => {
    const lines = decide(idle({ active: [reference("a"), reference("b")] }), job("a", "Complete"), job("b"));
    expect(lines).toContain("event Normal SawCompletedJob CronJob/c: Saw completed job: a, condition: Complete");
    expect(lines.find((line) => line.startsWith("status"))).toContain('"active":[{"apiVersion":"batch/v1","kind":"Job","name":"b"');
  });

  test("those that run and that it has not started are told, and stay", () => {
    expect(decide(idle(), job("by-hand"), job("over", "Complete"))).toEqual([
      "event Warning UnexpectedJob CronJob/c: Saw a job that the controller did not create or forgot: by-hand",
      `requeue ${60 * MINUTE_MS}`,
    ]);
    expect(decide(cron(), job(`c-${minute}`)).some((line) => line.includes("UnexpectedJob"))).toBe(false);
  });

  test("those that are gone are told", () => {
    expect(decide(idle({ active: [reference("a")] }))).toContain("event Normal MissingJob CronJob/c: Active job went missing: a");
  });

  test("those that belong to somebody else by now are active while they are there", () => {
    const others = { ...job("a"), metadata: { name: "a" } };
    expect(decide(idle({ active: [reference("a")] }), others)).toEqual([`requeue ${60 * MINUTE_MS}`]);
  });

  test("of one that goes as soon as it has ended nothing is told but that it goes", () => {
    const object = cron({ successfulJobsHistoryLimit: 0 }, { lastScheduleTime: at(0), active: [reference("a")] });
    expect(decide(object, job("a", "Complete"))).toEqual([
      'delete Job/a {"propagationPolicy":"Background"}',
      'status CronJob/c {"active":null}',
      `requeue ${60 * MINUTE_MS}`,
    ]);
  });

  test("of those that began at the same time the first by name go", () => {
    const lines = decide(
      cron({ failedJobsHistoryLimit: 1 }, { lastScheduleTime: at(0) }),
      job("c", "Failed"),
      job("a", "Failed"),
      job("b", "Failed"),
    );
    expect(made(lines)).toEqual(["a", "b"].map((name) => `delete Job/${name} {"propagationPolicy":"Background"}`));
  });

  test("of those that have ended the oldest go, those that succeeded apart from those that failed", () => {
    const succeeded = [1, 2, 3, 4, 5].map((hour) => job(`s${hour}`, "Complete", at(-hour * 60 * MINUTE_MS)));
    const failed = [1, 2].map((hour) => job(`f${hour}`, "Failed", at(-hour * 60 * MINUTE_MS)));
    expect(made(decide(idle(), ...succeeded, ...failed, job("runs")))).toEqual(
      ["s5", "s4", "f2"].map((name) => `delete Job/${name} {"propagationPolicy":"Background"}`),
    );
  });
});

describe("jobs after they were finished", () => {
  const finished = (seconds: number | undefined, ended: "Complete" | "Failed" | undefined, metadata: object = {}): object => ({
    metadata: { name: "j", ...metadata },
    spec: seconds === undefined ? {} : { ttlSecondsAfterFinished: seconds },
    status: { conditions: ended === undefined ? [] : [{ type: ended, status: "True", lastTransitionTime: at(-60_000) }] },
  });
  const deleted = 'delete Job/j {"propagationPolicy":"Foreground","preconditions":{"resourceVersion":"1"}}';

  test.each([
    ["long enough ago", finished(60, "Complete"), [deleted]],
    ["not long enough ago", finished(90, "Complete"), ["requeue 30000"]],
    ["at once", finished(0, "Failed"), [deleted]],
    ["those that run stay", finished(0, undefined), []],
    ["those without a time stay", finished(undefined, "Complete"), []],
    ["those that are going are left", finished(0, "Complete", { deletionTimestamp: at(0), finalizers: ["x"] }), []],
  ])("%s", (_what, object, expected) => {
    expect(new Transcript(ttlAfterFinishedController).put(JobKind, object).decide()).toEqual(expected);
  });
});
