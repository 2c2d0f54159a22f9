import { describe, expect, test } from "vitest";
import { disruptionController } from "../../../actors/controllers/disruption.ts";
import { DeploymentKind } from "../../../actors/kinds/apps/deployment.ts";
import { ReplicaSetKind } from "../../../actors/kinds/apps/replica-set.ts";
import { StatefulSetKind } from "../../../actors/kinds/apps/stateful-set.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { PodDisruptionBudgetKind } from "../../../actors/kinds/policy/pod-disruption-budget.ts";
import { START_MS, Transcript } from "./transcript.ts";

const KEY = "poddisruptionbudgets.policy/d/b";
const owner = (kind: string, name: string) => ({ apiVersion: "apps/v1", kind, name, uid: `uid-${name}`, controller: true });
const READY = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const at = (passed_ms: number): string => new Date(START_MS + passed_ms).toISOString();

function pod(name: string, ownedBy: object | undefined, status: object = READY, metadata: object = {}): object {
  return {
    metadata: { name, labels: { app: "x" }, ...(ownedBy === undefined ? {} : { ownerReferences: [ownedBy] }), ...metadata },
    spec: {},
    status,
  };
}

const budget = (spec: object, status?: object): object => ({
  metadata: { name: "b", generation: 1 },
  spec: { selector: { matchLabels: { app: "x" } }, ...spec },
  ...(status === undefined ? {} : { status }),
});

/** desired, healthy, allowed, expected */
function counts(transcript: Transcript): readonly (number | undefined)[] {
  const write = transcript.actions(KEY).find((action) => action.do === "updateStatus");
  if (write?.do !== "updateStatus") throw new Error("no status");
  const status = write.status as Record<string, number | undefined>;
  return [status.desiredHealthy, status.currentHealthy, status.disruptionsAllowed, status.expectedPods];
}

describe("how many pods may go", () => {
  const rs = owner("ReplicaSet", "rs");
  const started = (spec: object, replicas: number, ...pods: readonly object[]): Transcript => {
    const transcript = new Transcript(disruptionController(BUILT_IN_KINDS)).put(ReplicaSetKind, {
      metadata: { name: "rs" },
      spec: { replicas },
    });
    for (const one of pods) transcript.put(PodKind, one);
    return transcript.put(PodDisruptionBudgetKind, budget(spec));
  };
  const many = (count: number): readonly object[] => Array.from({ length: count }, (_, i) => pod(`p${i}`, rs));

  test.each([
    ["a number that must be left", { minAvailable: 2 }, 3, many(3), [2, 3, 1, 3]],
    ["a share that must be left, rounded up", { minAvailable: "34%" }, 3, many(3), [2, 3, 1, 3]],
    ["all must be left", { minAvailable: "100%" }, 3, many(3), [3, 3, 0, 3]],
    ["none must be left", { minAvailable: 0 }, 3, many(3), [0, 3, 3, 3]],
    ["a number that may go, of those that are wanted", { maxUnavailable: 1 }, 5, many(3), [4, 3, 0, 5]],
    ["a share that may go, rounded up", { maxUnavailable: "34%" }, 3, many(3), [1, 3, 2, 3]],
    ["more may go than there are", { maxUnavailable: 10 }, 3, many(3), [0, 3, 3, 3]],
    ["pods that are not ready are not healthy", { minAvailable: 1 }, 3, [...many(2), pod("u", rs, { phase: "Running" })], [1, 2, 1, 3]],
    ["pods that are going are not", { minAvailable: 1 }, 3, [...many(2), pod("g", rs, READY, { deletionTimestamp: at(0) })], [1, 2, 1, 3]],
    ["no pods: none may go", { minAvailable: 0 }, 0, [], [0, 0, 0, 0]],
    ["neither is said: none", {}, 3, many(3), [0, 3, 0, 0]],
  ])("%s", (_what, spec, replicas, pods, expected) => {
    expect(counts(started(spec, replicas, ...pods))).toEqual(expected);
  });

  test("what several owners want is added up, each once", () => {
    const transcript = started({ maxUnavailable: 1 }, 4, ...many(2)).put(StatefulSetKind, {
      metadata: { name: "ss" },
      spec: { replicas: 3 },
    });
    transcript.put(PodKind, pod("ss-0", owner("StatefulSet", "ss")));
    expect(counts(transcript)).toEqual([6, 3, 0, 7]);
  });

  test("a Deployment's size counts, not that of its set, which is rolling", () => {
    const transcript = started({ maxUnavailable: 1 }, 1, pod("p", owner("ReplicaSet", "new")));
    transcript.put(DeploymentKind, { metadata: { name: "web" }, spec: { replicas: 3 } });
    transcript.put(ReplicaSetKind, { metadata: { name: "new", ownerReferences: [owner("Deployment", "web")] }, spec: { replicas: 1 } });
    expect(counts(transcript)).toEqual([2, 1, 0, 3]);
    // Of a Deployment that is gone the set is left.
    expect(counts(transcript.remove(DeploymentKind, "web"))).toEqual([0, 1, 1, 1]);
  });

  test.each([
    ["is not there", owner("ReplicaSet", "gone"), 'found no controllers for pod "p"'],
    ["has no size", owner("DaemonSet", "ds"), "daemonsets.apps does not implement the scale subresource"],
    ["has no size, and is of the core", { ...owner("Node", "n"), apiVersion: "v1" }, "nodes does not implement the scale subresource"],
    [
      "is of a kind that nobody knows",
      { ...owner("Thing", "t"), apiVersion: "example.com/v1" },
      'no matches for kind "Thing" in version "example.com/v1"',
    ],
  ])("an owner that %s: none may go, and why is said", (_what, ownedBy, why) => {
    const lines = started({ maxUnavailable: 1 }, 1, pod("p", ownedBy)).look(KEY);
    expect(lines[0]).toBe(
      `event Warning CalculateExpectedPodCountFailed PodDisruptionBudget/b: Failed to calculate the number of expected pods: ${why}`,
    );
    expect(lines[1]).toContain(`"reason":"SyncFailed","message":${JSON.stringify(why)}`);
  });

  test("whoever owns a set that is no Deployment does not count, the set does", () => {
    const transcript = started({ maxUnavailable: 1 }, 1, pod("p", owner("ReplicaSet", "new")));
    const rollout = { ...owner("Rollout", "r"), apiVersion: "example.com/v1" };
    transcript.put(ReplicaSetKind, { metadata: { name: "new", ownerReferences: [rollout] }, spec: { replicas: 2 } });
    expect(counts(transcript)).toEqual([1, 1, 0, 2]);
  });
});

describe("evictions that were granted", () => {
  const rs = owner("ReplicaSet", "rs");
  const started = (granted_ms: number, ...pods: readonly object[]): Transcript => {
    const transcript = new Transcript(disruptionController(BUILT_IN_KINDS)).put(ReplicaSetKind, {
      metadata: { name: "rs" },
      spec: { replicas: 2 },
    });
    for (const one of pods) transcript.put(PodKind, one);
    const status = { disruptedPods: { p: at(-granted_ms) }, currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    return transcript.put(PodDisruptionBudgetKind, budget({ minAvailable: 1 }, status));
  };

  test("count as gone until the pod is", () => {
    const transcript = started(30_000, pod("p", rs), pod("q", rs));
    expect(counts(transcript)).toEqual([1, 1, 0, 2]);
    expect(transcript.look(KEY)).toContain("requeue 90000");
  });

  test("are forgotten when the pod goes, or is gone", () => {
    for (const pods of [[pod("q", rs)], [pod("p", rs, READY, { deletionTimestamp: at(0) }), pod("q", rs)]]) {
      const lines = started(30_000, ...pods).look(KEY);
      expect(lines.find((line) => line.startsWith("status"))).toContain('"disruptedPods":null');
    }
  });

  test("are forgotten after two minutes in which the pod did not go, which the pod is told", () => {
    const lines = started(121_000, pod("p", rs), pod("q", rs)).look(KEY);
    expect(lines).toContain("event Warning NotDeleted Pod/p: Pod was expected by PDB d/d to be deleted but it wasn't");
    expect(lines.find((line) => line.startsWith("status"))).toContain('"disruptedPods":null');
  });
});

describe("a pod", () => {
  const watching = (): Transcript => new Transcript(disruptionController(BUILT_IN_KINDS));
  const ofPod = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => line.includes(" Pod/") || line.startsWith("requeue"));

  test("with several budgets is told of the first, once", () => {
    const transcript = watching().put(PodDisruptionBudgetKind, budget({ minAvailable: 1 }));
    transcript.put(PodDisruptionBudgetKind, { ...budget({ minAvailable: 1 }), metadata: { name: "a" } });
    expect(ofPod(transcript.put(PodKind, pod("p", undefined)).decide())).toEqual([
      'event Warning MultiplePodDisruptionBudgets Pod/p: Pod "d"/"p" matches multiple PodDisruptionBudgets.  Chose "a" arbitrarily.',
    ]);
    expect(ofPod(transcript.put(PodKind, pod("p", undefined, {})).decide())).toEqual([]);
    // Another one of its name has heard of nothing.
    expect(
      ofPod(
        transcript
          .remove(PodKind, "p")
          .put(PodKind, pod("p", undefined, {}, { uid: "another" }))
          .decide(),
      ),
    ).toHaveLength(1);
  });

  test("that was to be disrupted and is still there after two minutes is not any more", () => {
    const target = (lastTransitionTime: string, more: object = {}): object => ({
      phase: "Running",
      conditions: [
        { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "m", lastTransitionTime, ...more },
      ],
    });
    expect(
      ofPod(
        watching()
          .put(PodKind, pod("p", undefined, target(at(-30_000))))
          .decide(),
      ),
    ).toEqual(["requeue 90000"]);
    expect(
      ofPod(
        watching()
          .put(PodKind, pod("p", undefined, target(at(-120_000))))
          .decide(),
      ),
    ).toEqual(['status Pod/p {"conditions":[{"type":"DisruptionTarget","status":"False","lastTransitionTime":"<now>"}]}']);
    for (const kept of [
      pod("p", undefined, target(at(-120_000), { reason: "TerminationByKubelet" })),
      pod("p", undefined, target(at(-120_000), { status: "False" })),
      pod("p", undefined, { ...target(at(-120_000)), phase: "Failed" }),
      pod("p", undefined, target(at(-120_000)), { deletionTimestamp: at(0) }),
    ])
      expect(ofPod(watching().put(PodKind, kept).decide())).toEqual([]);
  });
});

describe("what is told of a budget", () => {
  const events = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith("event"));

  test("pods without an owner, with the selector as Kubernetes prints it", () => {
    const selector = {
      matchLabels: { b: "2", app: "x" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["web", "api"] },
        { key: "old", operator: "DoesNotExist" },
      ],
    };
    const labels = { app: "x", b: "2", tier: "web" };
    const transcript = new Transcript(disruptionController(BUILT_IN_KINDS))
      .put(PodKind, pod("p", undefined, READY, { labels }))
      .put(PodDisruptionBudgetKind, budget({ maxUnavailable: 1, selector }));
    expect(transcript.decide()[0]).toContain(
      "(selector: &LabelSelector{MatchLabels:map[string]string{app: x,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[web api],},LabelSelectorRequirement{Key:old,Operator:DoesNotExist,Values:[],},},})",
    );
  });

  test("is told when it begins, also where the status stays as it is, and not again", () => {
    const status = { observedGeneration: 1, currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
    const conditions = [
      {
        type: "DisruptionAllowed",
        status: "False",
        observedGeneration: 1,
        lastTransitionTime: at(0),
        reason: "InsufficientPods",
        message: "",
      },
    ];
    const transcript = new Transcript(disruptionController(BUILT_IN_KINDS))
      .put(PodKind, pod("p", undefined, { phase: "Pending" }))
      .put(PodDisruptionBudgetKind, budget({ maxUnavailable: 1 }, { ...status, conditions }));
    expect(events(transcript.decide())).toEqual([expect.stringContaining("event Warning UnmanagedPods PodDisruptionBudget/b")]);
    expect(events(transcript.look(KEY))).toEqual([]);
    transcript.remove(PodKind, "p");
    expect(events(transcript.decide())).toEqual(["event Normal NoPods PodDisruptionBudget/b: No matching pods found"]);
  });
});
