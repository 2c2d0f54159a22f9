import { describe, expect, test } from "vitest";
import { resourceQuotaController } from "../../../actors/controllers/resource-quota.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ResourceQuotaKind } from "../../../actors/kinds/core/resource-quota.ts";
import { ServiceKind } from "../../../actors/kinds/core/service.ts";
import { type Kind, resourceOf } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
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
  ["what nobody knows is not counted", { "x.y/z": "1", "count/widgets.example.com": "1", pods: "9" }, [pod("a")], { pods: "1" }],
  ["neither are Events", { "count/events": "1", "count/configmaps": "9" }, [], { "count/configmaps": "0" }],
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

describe("a quota is counted anew", () => {
  const running = (resources: object | undefined): object =>
    pod("a", { status: { containerStatuses: [{ name: "c", ...(resources === undefined ? {} : { resources }) }] } });
  const service = (type: string, ...ports: readonly number[]): object => ({
    metadata: { name: "s" },
    spec: { type, ports: ports.map((port) => ({ port })) },
  });

  /** Whether it is looked at after the change of an object; without a next state the object goes. */
  function isLookedAt<T extends KubeObject>(hard: object, kind: Kind<T>, before: object, now?: object): boolean {
    const controller = resourceQuotaController(BUILT_IN_KINDS);
    const transcript = new Transcript(controller).put(ResourceQuotaKind, quota(hard, hard)).put(kind, before);
    const keys: string[] = [];
    const watch = controller.watches.find(({ resource }) => resource === resourceOf(kind));
    transcript.view.watch(
      resourceOf(kind),
      transcript.view.revision,
      (change) => void keys.push(...(watch?.keys(change, transcript.view) ?? [])),
    );
    if (now === undefined) transcript.remove(kind, (before as KubeObject).metadata.name);
    else transcript.put(kind, now);
    return keys.includes("resourcequotas/d/q");
  }

  test.each<[string, object, object, boolean]>([
    ["is said how long it may run", pod("a"), pod("a", { spec: { activeDeadlineSeconds: 5 } }), true],
    ["is resized", running({ requests: { cpu: "1" } }), running({ requests: { cpu: "2" } }), true],
    ["starts", pod("a", { status: { phase: "Pending" } }), running({ requests: { cpu: "1" } }), false],
    ["is labelled", pod("a"), pod("a", { metadata: { labels: { x: "y" } } }), false],
  ])("when a pod %s: %s", (_what, before, now, expected) => {
    expect(isLookedAt({ pods: "9" }, PodKind, before, now)).toBe(expected);
  });

  test("when a service becomes one of another type, not when it has fewer ports", () => {
    const hard = { "services.nodeports": "9" };
    expect(isLookedAt(hard, ServiceKind, service("NodePort", 1, 2), service("NodePort", 1))).toBe(false);
    expect(isLookedAt(hard, ServiceKind, service("NodePort", 1, 2), service("ClusterIP", 1, 2))).toBe(true);
  });

  test("when what it counts is gone, and not when something else is", () => {
    expect(isLookedAt({ pods: "9" }, PodKind, pod("a"))).toBe(true);
    expect(isLookedAt({ "count/configmaps": "9" }, PodKind, pod("a"))).toBe(false);
  });
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
