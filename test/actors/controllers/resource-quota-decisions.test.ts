import { expect, test } from "vitest";
import { resourceQuotaController } from "../../../actors/controllers/resource-quota.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { START_MS, Transcript } from "./transcript.ts";

const quota = (hard: object, used?: object, more: object = {}): object => ({
  metadata: { name: "q" },
  spec: { hard, ...more },
  ...(used === undefined ? {} : { status: { hard, used } }),
});
const pod = (
  name: string,
  { cpu = "100m", ...more }: { cpu?: string; metadata?: object; status?: object; spec?: object } = {},
): object => ({
  metadata: { name, ...more.metadata },
  spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...more.spec },
  status: { phase: "Running", ...more.status },
});
const ofNode = (seconds: number): object => ({
  deletionTimestamp: new Date(START_MS - seconds * 1_000).toISOString(),
  deletionGracePeriodSeconds: 30,
});

const decided = (what: object, ...pods: readonly object[]): readonly string[] => {
  const transcript = new Transcript(resourceQuotaController(BUILT_IN_KINDS)).put(ResourceQuotaKind, what);
  for (const one of pods) transcript.put(PodKind, one);
  return transcript.decide();
};

test.each<[string, object, readonly object[], object | undefined]>([
  ["nothing", { pods: "2" }, [], { pods: "0" }],
  [
    "pods and what they ask for",
    { pods: "9", "requests.cpu": "1" },
    [pod("a"), pod("b", { cpu: "1" })],
    { pods: "2", "requests.cpu": "1100m" },
  ],
  [
    "those that are over count as objects only",
    { pods: "9", "count/pods": "9" },
    [pod("a", { status: { phase: "Failed" } })],
    { pods: "0", "count/pods": "1" },
  ],
  ["one that its node does not let go, after its time", { pods: "9" }, [pod("a", { metadata: ofNode(31) })], { pods: "0" }],
  ["one that is going, in its time", { pods: "9" }, [pod("a", { metadata: ofNode(29) })], { pods: "1" }],
  ["others' namespaces", { pods: "9" }, [pod("a", { metadata: { namespace: "e" } })], { pods: "0" }],
  ["what nobody knows is not counted", { "x.y/z": "1", pods: "9" }, [pod("a")], { pods: "1" }],
])("what a new quota says is used: %s", (_what, hard, pods, used) => {
  expect(decided(quota(hard), ...pods)).toEqual([`status ResourceQuota/q ${JSON.stringify({ hard, used })}`, "requeue 1000"]);
});

test.each<[string, object, readonly object[], readonly string[]]>([
  ["as it says", quota({ pods: "9" }, { pods: "1" }), [pod("a")], []],
  [
    "more than it says: admission has not charged it yet, or never will",
    quota({ pods: "9" }, { pods: "0" }),
    [pod("a")],
    ['status ResourceQuota/q {"used":{"pods":"1"}}'],
  ],
  [
    "less than it says: something has gone",
    quota({ pods: "9" }, { pods: "5" }),
    [pod("a")],
    ['status ResourceQuota/q {"used":{"pods":"1"}}'],
  ],
])("a quota that has been counted, and there is %s", (_what, what, pods, lines) => {
  expect(decided(what, ...pods)).toEqual(lines);
});

test.each<[string, object, string]>([
  ["Terminating", { activeDeadlineSeconds: 9 }, "1"],
  ["Terminating", {}, "0"],
  ["NotTerminating", {}, "1"],
  ["BestEffort", { containers: [{ name: "c" }] }, "1"],
  ["BestEffort", {}, "0"],
])("with the scope %s a pod of %j counts %s", (scope, spec, count) => {
  const what = quota({ pods: "9" }, undefined, { scopes: [scope] });
  expect(decided(what, pod("a", { spec }))[0]).toBe(
    `status ResourceQuota/q ${JSON.stringify({ hard: { pods: "9" }, used: { pods: count } })}`,
  );
});

test("it is looked at again when a pod has ended or gone, and not for each that comes", () => {
  const transcript = new Transcript(resourceQuotaController(BUILT_IN_KINDS))
    .put(ResourceQuotaKind, quota({ pods: "9", configmaps: "9" }, { pods: "1", configmaps: "1" }))
    .put(PodKind, pod("a"))
    .put(ConfigMapKind, { metadata: { name: "c" } });
  expect(transcript.decide()).toEqual([]);
  expect(transcript.put(PodKind, pod("a", { status: { phase: "Succeeded" } })).decide()).toEqual([
    'status ResourceQuota/q {"used":{"pods":"0"}}',
  ]);
  expect(transcript.remove(ConfigMapKind, "c").decide()[0]).toBe('status ResourceQuota/q {"used":{"pods":"0","configmaps":"0"}}');
});
