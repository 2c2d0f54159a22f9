import { describe, expect, test } from "vitest";
import { jobController } from "../../../../actors/controllers/job/job.ts";
import { JobKind } from "../../../../actors/kinds/batch/job.ts";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { START_MS, Transcript } from "../transcript.ts";

const KEY = "jobs.batch/d/j";
const owner = { apiVersion: "batch/v1", kind: "Job", name: "j", uid: "uid-j", controller: true, blockOwnerDeletion: true };
const FINALIZER = "batch.kubernetes.io/job-tracking";
const INDEX = "batch.kubernetes.io/job-completion-index";
const STARTED = { startTime: "2026-01-01T11:59:00Z" };

function job(spec: object, status: object = STARTED, podSpec: object = {}): object {
  const { parallelism = 1, backoffLimit = 6 } = spec as { parallelism?: number; backoffLimit?: number };
  return {
    metadata: { name: "j" },
    spec: {
      selector: { matchLabels: { job: "j" } },
      template: {
        metadata: { labels: { job: "j" } },
        spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }], ...podSpec },
      },
      ...spec,
      parallelism,
      backoffLimit,
    },
    status,
  };
}

interface PodFacts {
  readonly index?: number;
  readonly exitCode?: number;
  /** Seconds ago. */
  readonly ended?: number;
  readonly restarts?: number;
  readonly failures?: number;
  readonly condition?: string;
}

function pod(
  name: string,
  phase: string,
  { index, exitCode, ended = 600, restarts = 0, failures, condition }: PodFacts = {},
  metadata: object = {},
): object {
  const annotations = {
    ...(index === undefined ? {} : { [INDEX]: String(index) }),
    ...(failures === undefined ? {} : { "batch.kubernetes.io/job-index-failure-count": String(failures) }),
  };
  const finishedAt = new Date(START_MS - ended * 1_000).toISOString();
  const state = exitCode === undefined ? { running: {} } : { terminated: { exitCode, finishedAt } };
  return {
    metadata: { name, labels: { job: "j" }, annotations, finalizers: [FINALIZER], ownerReferences: [owner], ...metadata },
    spec: { nodeName: "n", containers: [] },
    status: {
      phase,
      containerStatuses: [{ name: "c", restartCount: restarts, state }],
      conditions: condition === undefined ? [] : [{ type: condition, status: "True" }],
    },
  };
}

const failed = (name: string, facts: PodFacts = {}) => pod(name, "Failed", { exitCode: 1, ...facts });
const succeeded = (name: string, facts: PodFacts = {}) => pod(name, "Succeeded", { exitCode: 0, ...facts });

function started(object: object, ...pods: readonly object[]): Transcript {
  const transcript = new Transcript(jobController()).put(JobKind, object);
  for (const one of pods) transcript.put(PodKind, one);
  return transcript;
}

const created = (lines: readonly string[]): number => lines.filter((line) => line.includes("create Pod/")).length;

/** What is decided, at once or when a verdict that stops pods has waited. */
function decided(transcript: Transcript): readonly string[] {
  const lines = transcript.decide();
  return lines.includes("requeue 1000") ? transcript.after(1_000).look(KEY) : lines;
}

/** The condition that the job gets, as `type reason`. */
function verdict(transcript: Transcript): string | undefined {
  const status = decided(transcript).find((line) => line.includes("status Job/j"));
  const { conditions = [] } = JSON.parse((status ?? "{}").replace(/^.*?Job\/j /, "")) as { conditions?: Record<string, string>[] };
  const last = conditions.at(-1);
  return last === undefined ? undefined : `${last.type} ${last.reason}`;
}

describe("how many pods are made", () => {
  test.each([
    ["as many as may run at a time", { parallelism: 3, completions: 5 }, [], 3],
    ["no more than are still wanted", { parallelism: 3, completions: 4 }, [pod("a", "Running"), succeeded("b"), succeeded("c")], 1],
    ["no more when all that are wanted run", { parallelism: 3, completions: 2 }, [pod("a", "Running"), pod("b", "Running")], 0],
    ["of a queue: as many as may run, until one has succeeded", { parallelism: 2 }, [pod("a", "Running")], 1],
    ["of a queue: none after that", { parallelism: 2 }, [pod("a", "Running"), succeeded("b")], 0],
    ["none while it is suspended", { parallelism: 2, suspend: true }, [], 0],
    ["none when it may run none at a time", { parallelism: 0 }, [], 0],
    ["one in place of one that failed long ago", { parallelism: 1, completions: 1 }, [failed("a")], 1],
    [
      "one in place of one that is going",
      { parallelism: 1, completions: 1 },
      [pod("a", "Running", {}, { deletionTimestamp: "2026-01-01T11:00:00Z" })],
      1,
    ],
    [
      "none in place of one that is going, where only failed ones are replaced",
      { parallelism: 1, completions: 1, podReplacementPolicy: "Failed" },
      [pod("a", "Running", {}, { deletionTimestamp: "2026-01-01T12:00:00Z" })],
      0,
    ],
    ["not what another controller manages", { parallelism: 2, managedBy: "example.com/other" }, [], 0],
    [
      "one in place of one that the job itself has given up: it has not failed",
      { parallelism: 1, completions: 1 },
      [pod("a", "Running", {}, { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: [] })],
      1,
    ],
    [
      "none while an index waits that holds the only place",
      { completionMode: "Indexed", parallelism: 1, completions: 3, backoffLimitPerIndex: 3 },
      [failed("a", { index: 0, ended: 1 })],
      0,
    ],
    [
      "those that an index that waits leaves room for",
      { completionMode: "Indexed", parallelism: 2, completions: 3, backoffLimitPerIndex: 3 },
      [failed("a", { index: 0, ended: 1 })],
      1,
    ],
  ])("%s", (_what, spec, pods, expected) => {
    expect(created(started(job(spec), ...pods).decide())).toBe(expected);
  });

  test.each([
    [1, 0, "requeue 10000"],
    [1, 4, "requeue 6000"],
    [2, 4, "requeue 16000"],
    [3, 0, "requeue 40000"],
  ])("after %i failures, the last %i s ago, it waits", (count, ended, expected) => {
    const pods = Array.from({ length: count }, (_, i) => failed(`p${i}`, { ended: ended + i }));
    const lines = started(job({ completions: 1 }), ...pods).decide();
    expect(created(lines)).toBe(0);
    expect(lines).toContain(expected);
  });

  test("a failed pod that somebody deletes is waited for all the same, until its job succeeds or is gone", () => {
    const transcript = started(job({ parallelism: 2, completions: 3 }), failed("a", { ended: 4 }), pod("b", "Running"));
    const look = (): readonly string[] => transcript.look(KEY);
    expect(created(look())).toBe(0);
    transcript.remove(PodKind, "a");
    expect(look()).toContain("requeue 6000");
    expect(created(look())).toBe(0);
    expect(created(transcript.put(PodKind, succeeded("b", { ended: 1 })).look(KEY))).toBe(2);
    transcript.put(PodKind, failed("c", { ended: 0 })).decide();
    transcript.remove(JobKind, "j").remove(PodKind, "c").decide();
    expect(created(transcript.put(JobKind, job({ parallelism: 2, completions: 3 })).look(KEY))).toBe(2);
  });

  test("while it waits none counts as active", () => {
    const transcript = started(job({ parallelism: 2, completions: 2 }), failed("a", { ended: 1 }), pod("b", "Running"));
    const status = transcript.decide().find((line) => line.includes("status Job/j"));
    expect(status).not.toContain('"active"');
  });

  test.each([
    ["the last failure is still there", [FINALIZER], "2"],
    ["the job has forgotten it", [], "0"],
  ])("and know how often their index has failed: %s", (_what, finalizers, expected) => {
    const spec = { completionMode: "Indexed", completions: 1, backoffLimitPerIndex: 3 };
    const labels = { job: "j" };
    const annotations = { [INDEX]: "0", "batch.kubernetes.io/job-index-failure-count": "1" };
    const transcript = started(
      job(spec),
      pod("a", "Failed", { exitCode: 1 }, { labels, annotations, finalizers, ownerReferences: [owner] }),
    );
    const [first] = transcript.actions(KEY);
    const births = first?.do === "inOrder" ? first.steps[0] : undefined;
    expect(births).toMatchObject({
      writes: [{ object: { metadata: { annotations: { "batch.kubernetes.io/job-index-failure-count": expected } } } }],
    });
  });

  test("that are refused do not count", () => {
    const transcript = started(job({ parallelism: 2 }), pod("a", "Running"));
    const [first] = transcript.actions(KEY);
    const births = first?.do === "inOrder" ? first.steps[0] : undefined;
    const [write] = births?.do === "slowStart" ? births.writes : [];
    if (write === undefined) throw new Error("no creation");
    const told = transcript.afterRefusal(KEY, [{ write, error: new Error("exceeded quota") }]);
    expect(told.filter((line) => line.includes("Pod/"))).toEqual([]);
    expect(told.find((line) => line.includes("status Job/j"))).toContain('"active":1');
  });

  test("a success in between ends the waiting", () => {
    const transcript = started(job({ parallelism: 1, completions: 3 }), failed("a", { ended: 3 }), succeeded("b", { ended: 1 }));
    expect(created(transcript.decide())).toBe(1);
  });
});

describe("pods that are too many", () => {
  test("go when fewer may run, uncounted", () => {
    const lines = started(job({ parallelism: 1, completions: 5 }), pod("a", "Running"), pod("b", "Pending")).decide();
    expect(lines.filter((line) => line.includes("Pod/"))).toEqual(['1: modify Pod/b {"metadata":{"finalizers":null}}', "2: delete Pod/b"]);
  });

  test("go by what they are: the younger first, whatever they cost, and of those that are alike the first index", () => {
    const of = (object: object): readonly string[] => {
      const lines = started(object, ...pods).decide();
      return lines.filter((line) => line.includes("delete Pod/")).map((line) => line.replace(/^2: delete Pod./, ""));
    };
    const old = { creationTimestamp: "2026-01-01T11:00:00Z" };
    let pods = [
      pod("young", "Running", {}, { annotations: { "controller.kubernetes.io/pod-deletion-cost": "10" } }),
      pod("old", "Running", {}, old),
    ];
    expect(of(job({ parallelism: 1, completions: 5 }))).toEqual(["young"]);
    pods = [2, 1, 0].map((index) => pod(`p${index}`, "Running", { index }));
    expect(of(job({ completionMode: "Indexed", parallelism: 1, completions: 3 }))).toEqual(["p0", "p1"]);
    pods = [pod("p1", "Running", { index: 1 }), pod("p0", "Pending", { index: 0 }), pod("q0", "Running", { index: 0 })];
    expect(of(job({ completionMode: "Indexed", parallelism: 3, completions: 3 }))).toEqual(["p0"]);
  });

  test("go when it is suspended", () => {
    const lines = started(job({ suspend: true }), pod("a", "Running")).decide();
    expect(lines).toContain("2: delete Pod/a");
    expect(lines.some((line) => line.includes("event Normal Suspended Job/j: Job suspended"))).toBe(true);
  });
});

describe("the verdict", () => {
  const indexed = { completionMode: "Indexed", completions: 3, parallelism: 3 };
  const policy = (...rules: readonly object[]) => ({ podFailurePolicy: { rules } });
  const onCode = (action: string, ...values: readonly number[]) => ({ action, onExitCodes: { operator: "In", values } });
  const onDisruption = { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] };
  const rule = (one: object) => ({ successPolicy: { rules: [one] } });

  test.each([
    ["all have succeeded", { completions: 2 }, [succeeded("a"), succeeded("b")], "SuccessCriteriaMet CompletionsReached"],
    ["not all have", { completions: 2 }, [succeeded("a")], undefined],
    ["one of a queue has, and the others have ended", {}, [succeeded("a")], "SuccessCriteriaMet CompletionsReached"],
    ["one of a queue has, others run", { parallelism: 2 }, [succeeded("a"), pod("b", "Running")], undefined],
    ["failures up to the limit", { completions: 1, backoffLimit: 1 }, [failed("a")], undefined],
    ["failures beyond it", { completions: 1, backoffLimit: 1 }, [failed("a"), failed("b")], "FailureTarget BackoffLimitExceeded"],
    ["a failure where none may be", { completions: 1, backoffLimit: 0 }, [failed("a")], "FailureTarget BackoffLimitExceeded"],
    ["its time is over", { activeDeadlineSeconds: 60 }, [pod("a", "Running")], "FailureTarget DeadlineExceeded"],
    ["its time is not over", { activeDeadlineSeconds: 62 }, [pod("a", "Running")], undefined],
    ["its time is over, and it is suspended", { activeDeadlineSeconds: 60, suspend: true }, [], "Suspended JobSuspended"],
    [
      "one of a queue has succeeded, and it is suspended",
      { parallelism: 2, suspend: true },
      [succeeded("a"), pod("b", "Running")],
      "SuccessCriteriaMet CompletionsReached",
    ],
    [
      "a code that ends it",
      { ...policy(onCode("FailJob", 42)), backoffLimit: 6 },
      [failed("a", { exitCode: 42 })],
      "FailureTarget PodFailurePolicy",
    ],
    ["another code", { ...policy(onCode("FailJob", 42)), backoffLimit: 6 }, [failed("a")], undefined],
    ["a code that is ignored", { ...policy(onCode("Ignore", 1)), backoffLimit: 0 }, [failed("a")], undefined],
    [
      "a disruption that is ignored",
      { ...policy(onDisruption), backoffLimit: 0 },
      [failed("a", { condition: "DisruptionTarget" })],
      undefined,
    ],
    ["a failure that is none", { ...policy(onDisruption), backoffLimit: 0 }, [failed("a")], "FailureTarget BackoffLimitExceeded"],
    [
      "all indexes have succeeded",
      indexed,
      [0, 1, 2].map((index) => succeeded(`p${index}`, { index })),
      "SuccessCriteriaMet CompletionsReached",
    ],
    ["one index twice is one", indexed, [0, 1, 1].map((index, i) => succeeded(`p${i}`, { index })), undefined],
    [
      "an index has failed for good, others go on",
      { ...indexed, backoffLimitPerIndex: 0 },
      [failed("a", { index: 0 }), pod("b", "Running", { index: 1 })],
      undefined,
    ],
    [
      "an index has failed for good, the others have succeeded",
      { ...indexed, backoffLimitPerIndex: 0 },
      [failed("a", { index: 0 }), succeeded("b", { index: 1 }), succeeded("c", { index: 2 })],
      "FailureTarget FailedIndexes",
    ],
    [
      "an index may fail again",
      { ...indexed, backoffLimitPerIndex: 1 },
      [failed("a", { index: 0 }), succeeded("b", { index: 1 }), succeeded("c", { index: 2 })],
      undefined,
    ],
    [
      "more indexes have failed than may",
      { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 1 },
      [failed("a", { index: 0 }), failed("b", { index: 1 }), pod("c", "Running", { index: 2 })],
      "FailureTarget MaxFailedIndexesExceeded",
    ],
    [
      "a code that ends an index",
      { ...indexed, backoffLimitPerIndex: 5, maxFailedIndexes: 0, ...policy(onCode("FailIndex", 42)) },
      [failed("a", { index: 0, exitCode: 42 }), pod("b", "Running", { index: 1 })],
      "FailureTarget MaxFailedIndexesExceeded",
    ],
    [
      "those indexes have succeeded that are enough",
      { ...indexed, ...rule({ succeededIndexes: "0,2" }) },
      [succeeded("a", { index: 0 }), pod("b", "Running", { index: 1 }), succeeded("c", { index: 2 })],
      "SuccessCriteriaMet SuccessPolicy",
    ],
    [
      "only one of them has",
      { ...indexed, ...rule({ succeededIndexes: "0,2" }) },
      [succeeded("a", { index: 0 }), pod("b", "Running", { index: 1 })],
      undefined,
    ],
    [
      "so many have that it is enough",
      { ...indexed, ...rule({ succeededCount: 1 }) },
      [succeeded("a", { index: 1 }), pod("b", "Running", { index: 0 })],
      "SuccessCriteriaMet SuccessPolicy",
    ],
    [
      "none has, where a policy asks for none",
      { ...indexed, ...rule({ succeededCount: 0 }) },
      [pod("a", "Running", { index: 0 })],
      undefined,
    ],
    [
      "so many of those",
      { ...indexed, ...rule({ succeededIndexes: "0-1", succeededCount: 1 }) },
      [succeeded("a", { index: 2 }), pod("b", "Running", { index: 0 })],
      undefined,
    ],
    [
      "all have that a policy asks for",
      { ...indexed, ...rule({ succeededIndexes: "0-2" }) },
      [0, 1, 2].map((index) => succeeded(`p${index}`, { index })),
      "SuccessCriteriaMet SuccessPolicy",
    ],
  ])("%s", (_what, spec, pods, expected) => {
    expect(verdict(started(job(spec), ...pods))).toBe(expected);
  });

  test("on a job that is resumed when its time is over already stays", () => {
    const suspended = { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" };
    const object = job({ activeDeadlineSeconds: 60 }, { ...STARTED, conditions: [suspended] });
    expect(verdict(started(object))).toBe("FailureTarget DeadlineExceeded");
  });

  test.each([
    ["fewer restarts in place than may be", 2, undefined],
    ["as many", 3, "FailureTarget BackoffLimitExceeded"],
  ])("%s", (_what, restarts, expected) => {
    const object = job({ completions: 1, backoffLimit: 3 }, STARTED, { restartPolicy: "OnFailure" });
    expect(verdict(started(object, pod("a", "Running", { restarts })))).toBe(expected);
  });

  test("a pod that ends well after restarts in place is a success", () => {
    const object = job({ completions: 1, backoffLimit: 3 }, STARTED, { restartPolicy: "OnFailure" });
    expect(verdict(started(object, succeeded("a", { restarts: 2 })))).toBe("SuccessCriteriaMet CompletionsReached");
  });

  test("that stands is not changed by what comes later", () => {
    const target = {
      type: "FailureTarget",
      status: "True",
      reason: "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit",
    };
    const transcript = started(job({ completions: 1, backoffLimit: 0 }, { ...STARTED, conditions: [target], failed: 1 }), succeeded("a"));
    const lines = transcript.look(KEY);
    expect(lines.some((line) => line.includes('"uncountedTerminatedPods":{"succeeded":["uid-a"]}'))).toBe(true);
    expect(lines.some((line) => line.includes("SuccessCriteriaMet"))).toBe(false);
  });

  test("comes true when the last pod is gone from the books", () => {
    const met = {
      type: "SuccessCriteriaMet",
      status: "True",
      reason: "CompletionsReached",
      message: "Reached expected number of succeeded pods",
    };
    const done = job(
      { completions: 1 },
      { ...STARTED, conditions: [met], succeeded: 1, uncountedTerminatedPods: {}, ready: 0, terminating: 0 },
    );
    const transcript = started(done);
    expect(verdict(transcript)).toBe("Complete CompletionsReached");
    expect(transcript.look(KEY)).toContain("2: event Normal Completed Job/j: Job completed");
  });
});

describe("pods that still run when it is over", () => {
  const indexed = { completionMode: "Indexed", completions: 2, parallelism: 2 };
  const running = pod("b", "Running", { index: 1 });

  test("are stopped and let go, and have not failed, when it has succeeded", () => {
    const spec = { ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } };
    const lines = decided(started(job(spec), succeeded("a", { index: 0 }), running));
    expect(lines).toContain("1: delete Pod/b");
    expect(lines).toContain('3: modify Pod/b {"metadata":{"finalizers":null}}');
    expect(lines.some((line) => line.includes('"failed"'))).toBe(false);
  });

  test("have a second to end by themselves", () => {
    const transcript = started(job({ ...indexed, backoffLimit: 0 }), failed("a", { index: 0 }), running);
    expect(transcript.decide()).toEqual(["requeue 1000"]);
    expect(transcript.after(400).look(KEY)).toEqual(["requeue 600"]);
    const lines = transcript.put(PodKind, failed("b", { index: 1 })).decide();
    expect(lines.some((line) => line.includes('"uncountedTerminatedPods":{"failed":["uid-a","uid-b"]}'))).toBe(true);
    expect(lines.some((line) => line.includes("delete"))).toBe(false);
    // The next index may not be wanted then.
    const policy = { successPolicy: { rules: [{ succeededCount: 2 }] } };
    const early = started(job({ ...indexed, completions: 4, ...policy }), succeeded("a", { index: 0 }), running);
    expect(early.decide()).toEqual(["requeue 1000"]);
    expect(created(early.after(1_000).look(KEY))).toBe(1);
    expect(created(early.look(KEY))).toBe(1);
    const late = started(job({ ...indexed, activeDeadlineSeconds: 60 }), running);
    expect(late.decide()).toContain("1: delete Pod/b");
  });

  test("have failed when it has failed", () => {
    const lines = decided(started(job({ ...indexed, backoffLimit: 0 }), failed("a", { index: 0 }), running));
    expect(lines.some((line) => line.includes('"uncountedTerminatedPods":{"failed":["uid-a","uid-b"]}'))).toBe(true);
  });

  test("have not failed where its policy ignores such failures", () => {
    const rules = [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }];
    const lines = started(
      job({ activeDeadlineSeconds: 60, podFailurePolicy: { rules } }),
      pod("a", "Running", { condition: "DisruptionTarget" }),
      pod("b", "Running"),
    ).decide();
    expect(lines.some((line) => line.includes('"uncountedTerminatedPods":{"failed":["uid-b"]}'))).toBe(true);
  });

  test("are let go uncounted when it is deleted", () => {
    const going = { ...job({}), metadata: { name: "j", deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"] } };
    const lines = started(going, pod("a", "Running")).decide();
    expect(lines).toContain('2: modify Pod/a {"metadata":{"finalizers":null}}');
    expect(lines.some((line) => line.includes('"failed"'))).toBe(false);
  });

  test("of one that is deleted and suspended say nothing of that", () => {
    const metadata = { name: "j", deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"] };
    expect(
      started({ ...job({ suspend: true }), metadata })
        .decide()
        .join("\n"),
    ).not.toContain("Suspended");
  });
});

test("more successes than were asked for are told", () => {
  const met = { type: "SuccessCriteriaMet", status: "True", reason: "CompletionsReached", message: "m" };
  const status = { ...STARTED, conditions: [met], succeeded: 3, uncountedTerminatedPods: {}, ready: 0, terminating: 0 };
  expect(started(job({ completions: 2 }, status)).decide()).toContain(
    "2: event Warning TooManySucceededPods Job/j: Too many succeeded pods running after completion count reached",
  );
});

describe("the books", () => {
  test("a pod that has ended is written down before it is let go, and counted when it is", () => {
    const transcript = started(job({ completions: 2 }), succeeded("a"));
    const lines = transcript.decide().filter((line) => /^\d: /.test(line));
    expect(lines[0]).toBe("1: create Pod/j-*");
    expect(lines[1]).toContain('"uncountedTerminatedPods":{"succeeded":["uid-a"]}');
    expect(lines[2]).toBe('3: modify Pod/a {"metadata":{"finalizers":null}}');
    transcript.put(JobKind, job({ completions: 2 }, { ...STARTED, uncountedTerminatedPods: { succeeded: ["uid-a"] } }));
    transcript.put(PodKind, { ...succeeded("a"), metadata: { name: "a", labels: { job: "j" }, ownerReferences: [owner] } });
    const next = transcript.decide().find((line) => line.includes("status Job/j"));
    expect(next).toContain('"succeeded":1');
    expect(next).toContain('"uncountedTerminatedPods":{"succeeded":null}');
  });

  test("a pod that nobody has is adopted with the finalizer, one that no longer matches is let go without it", () => {
    const transcript = started(
      job({ parallelism: 2 }),
      pod("orphan", "Running", {}, { ownerReferences: [], finalizers: [] }),
      pod("left", "Running", {}, { labels: { job: "other" } }),
    );
    const lines = transcript.decide();
    expect(lines).toContain('modify Pod/left {"metadata":{"finalizers":null,"ownerReferences":null}}');
    expect(lines).toContain(`modify Pod/orphan ${JSON.stringify({ metadata: { finalizers: [FINALIZER], ownerReferences: [owner] } })}`);
  });

  test("a failed pod that is kept until another one of its index is there is let go when its namespace goes", () => {
    const spec = { completionMode: "Indexed", completions: 1, backoffLimitPerIndex: 1 };
    const transcript = started(job(spec), failed("a", { index: 0, ended: 1 }));
    const isLetGo = (): boolean => transcript.look(KEY).some((line) => line.endsWith('modify Pod/a {"metadata":{"finalizers":null}}'));
    expect(isLetGo()).toBe(false);
    transcript.put(NamespaceKind, {
      metadata: { name: "d", deletionTimestamp: "2026-01-01T12:00:00Z" },
      spec: { finalizers: ["kubernetes"] },
    });
    expect(isLetGo()).toBe(true);
  });

  test("a job that is finished adopts no pods and lets go of none but for its finalizer", () => {
    const complete = { type: "Complete", status: "True", reason: "CompletionsReached", message: "m" };
    const transcript = started(
      job({}, { ...STARTED, conditions: [complete] }),
      pod("orphan", "Running", {}, { ownerReferences: [], finalizers: [] }),
      pod("left", "Running", {}, { labels: { job: "other" } }),
    );
    expect(transcript.decide()).toEqual(['modify Pod/left {"metadata":{"finalizers":null}}']);
  });

  test("another kind's pod keeps the finalizer", () => {
    const others = { ...owner, apiVersion: "apps/v1", kind: "ReplicaSet" };
    const transcript = new Transcript(jobController()).put(PodKind, pod("a", "Running", {}, { ownerReferences: [others] }));
    expect(transcript.decide()).toEqual([]);
  });

  test("a pod whose job is gone is let go", () => {
    const transcript = started(job({}), pod("a", "Running"));
    transcript.decide();
    transcript.remove(JobKind, "j");
    expect(transcript.decide()).toEqual(['modify Pod/a {"metadata":{"finalizers":null}}']);
  });

  test("a hundred thousand indexes are one range", () => {
    const status = { ...STARTED, completedIndexes: "0-99998", succeeded: 99_999 };
    const spec = { completionMode: "Indexed", completions: 100_000, parallelism: 10 };
    const lines = started(job(spec, status), succeeded("last", { index: 99_999 })).decide();
    expect(lines.some((line) => line.includes('"completedIndexes":"0-99999"'))).toBe(true);
    expect(created(lines)).toBe(0);
  });
});
