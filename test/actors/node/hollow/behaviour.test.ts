import { describe, expect, test } from "vitest";
import type { Pod } from "../../../../actors/kinds/generated/types.ts";
import { fates } from "../../../../actors/node/hollow/fate.ts";
import { nodeBehaviour } from "../../../../actors/node/hollow/node-behaviour.ts";
import { podBehaviour } from "../../../../actors/node/hollow/pod-behaviour.ts";

const fate = fates(1);
function behaviourOf(annotations: Record<string, string>, name = "web"): ReturnType<typeof podBehaviour> {
  const told = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`troupe.dev/hollow-${key}`, value]));
  return podBehaviour({ metadata: { name, namespace: "d", annotations: told }, spec: { containers: [] } } as unknown as Pod, fate);
}

test("a pod without the annotations has no behaviour of its own", () => {
  const metadata = { name: "web", namespace: "d", annotations: { "troupe.dev/usage-cpu": "1" } };
  expect(podBehaviour({ metadata, spec: { containers: [] } } as unknown as Pod, fate)).toBeUndefined();
});

test("spans, counts and codes are read", () => {
  const behaviour = behaviourOf({
    "start-seconds": "2",
    "pull-failures": "always",
    "ready-seconds": "never",
    "exit-code": "3",
    crashes: "2",
  });
  expect(behaviour).toMatchObject({
    start_ms: 2_000,
    pullFailures: Number.POSITIVE_INFINITY,
    ready_ms: Number.POSITIVE_INFINITY,
    run_ms: undefined,
    fails: true,
    complaints: [],
  });
  expect([0, 1, 2, 3].map((restarts) => behaviour?.exitCode(restarts))).toEqual([3, 3, undefined, undefined]);
});

test("a span is drawn from by the pod's name: the same pod has the same fate, others have others", () => {
  const starts = ["a", "b", "c", "d"].map((name) => behaviourOf({ "start-seconds": "1-5" }, name)?.start_ms ?? 0);
  for (const ms of starts) expect(ms).toBeGreaterThanOrEqual(1_000);
  for (const ms of starts) expect(ms).toBeLessThan(5_000);
  expect(new Set(starts).size).toBe(4);
  expect(behaviourOf({ "start-seconds": "1-5" }, "a")?.start_ms).toBe(starts[0]);
  expect(fates(2)("pods/d/a", "start-seconds")).not.toBe(fate("pods/d/a", "start-seconds"));
});

test("a probability is the share of the pods that it befalls", () => {
  const pods = Array.from({ length: 1_000 }, (_, number) =>
    behaviourOf({ "pull-failures": "1", "pull-failures-probability": "0.25" }, `p-${number}`),
  );
  const befallen = pods.filter((each) => each?.pullFailures === 1).length;
  expect(befallen).toBeGreaterThan(200);
  expect(befallen).toBeLessThan(300);
});

describe("what is not understood is said, and the rest holds", () => {
  test.each([
    [{ "start-seconds": "soon" }, 'troupe.dev/hollow-start-seconds: "soon" is left out; it should be seconds such as 5 or 0.5-10'],
    [{ "start-seconds": "5-1" }, 'troupe.dev/hollow-start-seconds: "5-1" is left out; it should be seconds such as 5 or 0.5-10'],
    [{ "ready-seconds": "no" }, 'troupe.dev/hollow-ready-seconds: "no" is left out; it should be seconds such as 5 or 0.5-10, or never'],
    [{ "exit-code": "256" }, 'troupe.dev/hollow-exit-code: "256" is left out; it should be a whole number from 0 to 255'],
    [{ crashes: "-1" }, 'troupe.dev/hollow-crashes: "-1" is left out; it should be a whole number from 0 to 1000000, or always'],
    [{ "crashes-probability": "2" }, 'troupe.dev/hollow-crashes-probability: "2" is left out; it should be a number from 0 to 1'],
  ])("%o", (annotations, complaint) => {
    expect(behaviourOf(annotations as unknown as Record<string, string>)?.complaints).toEqual([complaint]);
  });

  test("a name that means nothing", () => {
    expect(behaviourOf({ "exit-kode": "1" })?.complaints[0]).toMatch(
      /^troupe.dev\/hollow-exit-kode means nothing here; what does is troupe.dev\/hollow-start-seconds, /,
    );
  });
});

test("what befalls a node", () => {
  const told = {
    "troupe.dev/hollow-silent": "true",
    "troupe.dev/hollow-silent-for-seconds": "60",
    "troupe.dev/hollow-conditions": "DiskPressure, Ready",
  };
  expect(nodeBehaviour("n", told, fate)).toEqual({
    silence: { after_ms: 0, for_ms: 60_000 },
    pressure: {
      after_ms: 0,
      for_ms: Number.POSITIVE_INFINITY,
      conditions: [
        { type: "DiskPressure", status: "True" },
        { type: "Ready", status: "False" },
      ],
    },
    complaints: [],
  });
  expect(nodeBehaviour("n", { "troupe.dev/hollow-conditions": "Ready=Maybe" }, fate)).toMatchObject({
    pressure: undefined,
    complaints: ['troupe.dev/hollow-conditions: "Ready=Maybe" is left out; it should be conditions such as DiskPressure,Ready=False'],
  });
  expect(nodeBehaviour("n", { "troupe.dev/class": "a" }, fate)).toBeUndefined();
});
