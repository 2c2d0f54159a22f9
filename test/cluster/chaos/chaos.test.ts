import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Node, Pod } from "../../../actors/kinds/generated/types.ts";
import { parseChaosFlags } from "../../../cluster/chaos/flags.ts";
import { overcommitted } from "../../../cluster/chaos/overcommit.ts";
import { drawPlan, FAULTS, readPlan } from "../../../cluster/chaos/plan.ts";
import { PodBook } from "../../../cluster/chaos/pod-book.ts";
import { reportLines } from "../../../cluster/chaos/report.ts";
import { GUARDED, GUARDED_MIN } from "../../../cluster/chaos/workload.ts";
import { WrongUsage } from "../../../cluster/command-line/wrong-usage.ts";
import { seededRandom } from "../../../runtime/mod.ts";

describe("the book of pods", () => {
  const pod = (name: string, uid: string, { ready = true, going = false } = {}): object => ({
    metadata: { name, uid, labels: { app: GUARDED }, ...(going ? { deletionTimestamp: "t" } : {}) },
    spec: {},
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });

  test("one pod after another of a name is right, two at a time are not", () => {
    const book = new PodBook();
    book.seen("ADDED", pod("a", "1"));
    book.seen("DELETED", pod("a", "1"));
    book.seen("ADDED", pod("a", "2"));
    expect(book.faults).toEqual([]);
    book.seen("ADDED", pod("a", "3"));
    expect(book.faults).toEqual(["a was there twice: as 2, and as 3 before that one was gone"]);
  });

  test("an eviction that leaves less than the budget is a fault", () => {
    const book = new PodBook();
    for (let number = 0; number <= GUARDED_MIN; number++) book.seen("ADDED", pod(`p${number}`, `u${number}`));
    book.seen("MODIFIED", pod("p0", "u0", { going: true }));
    expect(book.leftAt("u0")).toBe(GUARDED_MIN);
    book.evicted("p0", book.leftAt("u0") ?? 0);
    expect(book.faults).toEqual([]);
    book.seen("DELETED", pod("p1", "u1"));
    expect(book.leftAt("u1")).toBe(GUARDED_MIN - 1);
    book.evicted("p1", book.leftAt("u1") ?? 0);
    expect(book.faults).toEqual([`p1 was evicted, and ${GUARDED_MIN - 1} were left available where the budget is ${GUARDED_MIN}`]);
    expect(book.leftAt("u2")).toBeUndefined();
  });
});

test("a node that has given more than it has is named; pods that have ended take nothing", () => {
  const node = { metadata: { name: "n" }, status: { allocatable: { cpu: "1", memory: "1Gi", pods: "2" } } } as unknown as Node;
  const pod = (cpu: string, phase = "Running"): Pod =>
    ({
      metadata: { name: "p" },
      spec: { nodeName: "n", containers: [{ name: "c", resources: { requests: { cpu } } }] },
      status: { phase },
    }) as unknown as Pod;
  expect(overcommitted([node], [pod("500m"), pod("500m"), pod("4", "Succeeded")])).toEqual([]);
  expect(overcommitted([node], [pod("500m"), pod("501m")])).toEqual(["n has given 1001 of cpu, and has 1000"]);
  expect(overcommitted([node], [pod("1m"), pod("1m"), pod("1m")])).toEqual(["n has given 3 of pods, and has 2"]);
});

test("a plan that is drawn repeats with its seed, and has every fault before any comes again", () => {
  const plan = drawPlan(seededRandom(5), FAULTS, FAULTS.length * 2);
  expect(plan).toEqual(drawPlan(seededRandom(5), FAULTS, FAULTS.length * 2));
  expect(plan).not.toEqual(drawPlan(seededRandom(6), FAULTS, FAULTS.length * 2));
  for (const half of [plan.slice(0, FAULTS.length), plan.slice(FAULTS.length)])
    expect(half.map(({ fault }) => fault).sort()).toEqual([...FAULTS].sort());
});

describe("a plan in a file", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "troupe-chaos-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const read = (text: string): ReturnType<typeof readPlan> => {
    const file = join(directory, "plan.yaml");
    writeFileSync(file, text);
    return readPlan(file);
  };

  test("names its steps", async () => {
    expect(
      await read("steps:\n- {fault: silence-nodes, count: 2, forSeconds: 60, afterSeconds: 1}\n- {fault: kill-nats-server}\n"),
    ).toEqual([
      { fault: "silence-nodes", after_ms: 1_000, for_ms: 60_000, count: 2 },
      { fault: "kill-nats-server", after_ms: 0, for_ms: 1_000, count: 1 },
    ]);
  });

  test.each([
    ["steps: []", /steps should have at least one step/],
    ["steps: [{fault: flood}]", /steps\[0\].fault is "flood", and should be one of kill-nats-server/],
    ["steps: [{}]", /steps\[0\].fault is missing/],
    ["steps: [{fault: kill-pods, fore: 1}]", /steps\[0\].fore is unknown; known are fault, afterSeconds, forSeconds, count/],
    ["steps: [{fault: kill-pods, count: -1}]", /steps\[0\].count should be a whole number from 0/],
    ["{", /is no YAML/],
  ])("%s is refused", async (text, why) => {
    await expect(read(text)).rejects.toThrow(why);
  });
});

test("flags are read, and wrong ones refused", () => {
  expect(parseChaosFlags(["--rounds", "3", "--faults", "kill-pods", "-o", "json"], 42)).toEqual({
    data: ".troupe",
    format: "json",
    plan: undefined,
    seed: 42,
    rounds: 3,
    faults: ["kill-pods"],
    deadline_ms: 600_000,
    keep: false,
  });
  expect(() => parseChaosFlags(["--faults", "flood"], 0)).toThrow(WrongUsage);
  expect(() => parseChaosFlags(["-o", "xml"], 0)).toThrow("-o xml is none of table, json, yaml");
});

test("the report says what broke", () => {
  const verdicts = [
    { promise: "writes", held: true, seen: ["5 acknowledged"] },
    { promise: "budgets kept", held: false, seen: ["one", "two"] },
  ];
  expect(reportLines({ seed: 3, took_ms: 1_500, done: [], verdicts })).toEqual([
    "  writes        held   5 acknowledged",
    "  budgets kept  BROKE  one",
    "                       two",
    "1 of 2 promises broke: seed 3, 1.5 s",
  ]);
});
