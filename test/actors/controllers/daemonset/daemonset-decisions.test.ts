import { describe, expect, test } from "vitest";
import { daemonSetController } from "../../../../actors/controllers/daemonset/daemonset.ts";
import { tolerating } from "../../../../actors/controllers/daemonset/daemonset-placement.ts";
import { ControllerRevisionKind } from "../../../../actors/kinds/apps/controller-revision.ts";
import { DaemonSetKind } from "../../../../actors/kinds/apps/daemon-set.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { START_MS, Transcript } from "../transcript.ts";

const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "ds", uid: "uid-ds", controller: true, blockOwnerDeletion: true };
const template = (image: string) => ({ metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image }] } });

function daemons(image: string, spec: object = {}): object {
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
  return {
    metadata: { name: "ds", generation: 1 },
    spec: { selector: { matchLabels: { app: "x" } }, template: template(image), updateStrategy, ...spec },
  };
}

const revision = (image: string, number: number): object => ({
  metadata: { name: `ds-${image}`, labels: { app: "x", "controller-revision-hash": image }, ownerReferences: [owner] },
  data: { spec: { template: { ...template(image), $patch: "replace" } } },
  revision: number,
});

function pod(name: string, node: string, image: string, status: object = {}, metadata: object = {}): object {
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T11:00:00Z" }];
  return {
    metadata: { name, labels: { app: "x", "controller-revision-hash": image }, ownerReferences: [owner], ...metadata },
    spec: { nodeName: node, containers: [] },
    status: { phase: "Running", conditions, ...status },
  };
}

const unready = { conditions: [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T11:00:00Z" }] };
const node = (name: string, spec: object = {}, labels: object = {}): object => ({ metadata: { name, labels }, spec, status: {} });

/** A set of the image `new` with the revisions `old` and `new`, on three nodes. */
function rolling(spec: object = {}): Transcript {
  const transcript = new Transcript(daemonSetController())
    .put(ControllerRevisionKind, revision("old", 1))
    .put(ControllerRevisionKind, revision("new", 2))
    .put(DaemonSetKind, daemons("new", spec));
  for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name));
  return transcript;
}

/** What becomes of pods. */
const pods = (transcript: Transcript): readonly string[] =>
  transcript.decide().filter((line) => line.includes(" Pod/") && !line.startsWith("event"));
const surging = { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };

describe("a rolling update", () => {
  test("replaces as many as may be unavailable", () => {
    const transcript = rolling();
    for (const name of ["a", "b", "c"]) transcript.put(PodKind, pod(`p${name}`, name, "old"));
    expect(pods(transcript)).toEqual(["delete Pod/pa"]);
  });

  test("replaces first what is unavailable anyway, however many", () => {
    const transcript = rolling().put(PodKind, pod("pa", "a", "old"));
    transcript.put(PodKind, pod("pb", "b", "old", unready)).put(PodKind, pod("pc", "c", "old", unready));
    expect(pods(transcript)).toEqual(["delete Pod/pb", "delete Pod/pc"]);
  });

  test("waits for what it has replaced", () => {
    const transcript = rolling().put(PodKind, pod("pa", "a", "new", unready));
    transcript.put(PodKind, pod("pb", "b", "old")).put(PodKind, pod("pc", "c", "old"));
    expect(pods(transcript)).toEqual([]);
  });

  test("that is taken back replaces only what it had reached: the others are of that revision already", () => {
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, revision("bad", 2))
      .put(ControllerRevisionKind, revision("good", 3))
      .put(DaemonSetKind, daemons("good"));
    for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name));
    transcript
      .put(PodKind, pod("pa", "a", "bad", unready))
      .put(PodKind, pod("pb", "b", "good"))
      .put(PodKind, pod("pc", "c", "good"));
    expect(pods(transcript)).toEqual(["delete Pod/pa"]);
  });

  test("with a surge makes the new one beside the old one first", () => {
    const transcript = rolling(surging);
    for (const name of ["a", "b", "c"]) transcript.put(PodKind, pod(`p${name}`, name, "old"));
    expect(pods(transcript)).toEqual(["create Pod/ds-*"]);
    transcript.put(PodKind, pod("na", "a", "new", unready));
    expect(pods(transcript)).toEqual([]);
    transcript.put(PodKind, pod("na", "a", "new"));
    expect(pods(transcript)).toEqual(["delete Pod/pa"]);
    transcript.remove(PodKind, "pa");
    expect(pods(transcript)).toEqual(["create Pod/ds-*"]);
  });

  test("with a surge does not wait for one that is going to be gone", () => {
    const going = { deletionTimestamp: "2026-01-01T12:00:00Z" };
    for (const [spec, expected] of [
      [surging, ["create Pod/ds-*"]],
      [{}, []],
    ] as const) {
      const transcript = rolling(spec).put(PodKind, pod("pa", "a", "new", {}, going));
      transcript.put(PodKind, pod("pb", "b", "new")).put(PodKind, pod("pc", "c", "new"));
      expect(pods(transcript)).toEqual(expected);
    }
  });

  test("with a surge makes no second one on a node that wants none any more, and takes the old one when enough others are there", () => {
    const taints = [{ key: "k", effect: "NoSchedule" }];
    const transcript = rolling(surging);
    for (const name of ["a", "b"]) transcript.put(PodKind, pod(`p${name}`, name, "new"));
    transcript.put(NodeKind, node("c", { taints })).put(PodKind, pod("pc", "c", "old"));
    expect(pods(transcript)).toEqual(["delete Pod/pc"]);
    // One of the others is not available, so that the old one is needed as long as it is.
    transcript.put(PodKind, pod("pb", "b", "new", unready));
    expect(pods(transcript)).toEqual([]);
    transcript.put(PodKind, pod("pc", "c", "old", unready));
    expect(pods(transcript)).toEqual(["delete Pod/pc"]);
  });

  test("by OnDelete waits for somebody else", () => {
    const transcript = rolling({ updateStrategy: { type: "OnDelete" } });
    for (const name of ["a", "b"]) transcript.put(PodKind, pod(`p${name}`, name, "old"));
    expect(pods(transcript)).toEqual(["create Pod/ds-*"]);
  });

  test("forgets the oldest revisions beyond the limit, and counts those in use without forgetting them", () => {
    const transcript = rolling({ updateStrategy: { type: "OnDelete" }, revisionHistoryLimit: 1 })
      .put(ControllerRevisionKind, revision("used", 0))
      .put(PodKind, pod("pa", "a", "used"));
    expect(transcript.decide().filter((line) => line.includes("ControllerRevision"))).toEqual(["delete ControllerRevision/ds-old"]);
  });

  test("to a template that was there before makes that revision the newest", () => {
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, revision("old", 1))
      .put(ControllerRevisionKind, revision("new", 2))
      .put(DaemonSetKind, daemons("old"));
    expect(transcript.decide()).toEqual(['modify ControllerRevision/ds-old {"revision":3}']);
  });
});

describe("revisions", () => {
  const created = (lines: readonly string[]): string => /create ControllerRevision\/(ds-\w+)$/.exec(lines.at(-1) ?? "")?.[1] ?? "";

  test("of which the name is another's get another, and the set remembers that", () => {
    const first = created(new Transcript(daemonSetController()).put(DaemonSetKind, daemons("new")).decide());
    const stranger = { ...revision("old", 1), metadata: { name: first } };
    const lines = new Transcript(daemonSetController()).put(ControllerRevisionKind, stranger).put(DaemonSetKind, daemons("new")).decide();
    expect(lines).toEqual([
      '1: modify DaemonSet/ds {"status":{"collisionCount":1}}',
      expect.stringMatching(/^2: create ControllerRevision/),
    ]);
    expect(created(lines)).not.toBe(first);
  });

  test("of another that keep the same template will do", () => {
    const first = created(new Transcript(daemonSetController()).put(DaemonSetKind, daemons("new")).decide());
    const same = { ...revision("new", 1), metadata: { name: first, labels: { app: "y", "controller-revision-hash": "new" } } };
    const transcript = new Transcript(daemonSetController()).put(ControllerRevisionKind, same).put(DaemonSetKind, daemons("new"));
    for (const name of ["a", "b", "c"]) transcript.put(NodeKind, node(name)).put(PodKind, pod(`p${name}`, name, "new"));
    expect(transcript.decide()).toEqual([expect.stringMatching(/^status DaemonSet\/ds (?!.*collisionCount).*"updatedNumberScheduled":3/)]);
  });

  test("that the selector does not take are let go", () => {
    const stray = { ...revision("old", 1), metadata: { name: "ds-old", labels: { app: "y" }, ownerReferences: [owner] } };
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, stray)
      .put(ControllerRevisionKind, revision("new", 2));
    expect(transcript.put(DaemonSetKind, daemons("new")).decide()).toContain(
      'modify ControllerRevision/ds-old {"metadata":{"ownerReferences":null}}',
    );
  });
});

test("a toleration of the template's own that all daemons have stays in its place, and for ever", () => {
  const own = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" };
  const tolerations = [
    { ...own, tolerationSeconds: 30 },
    { operator: "Exists", effect: "NoSchedule" },
  ];
  const made = tolerating({ spec: { containers: [], tolerations } }).spec.tolerations ?? [];
  expect(made.slice(0, 3)).toEqual([own, tolerations[1], { ...own, key: "node.kubernetes.io/not-ready" }]);
  expect(made).toHaveLength(7);
});

describe("nodes", () => {
  const NO_SCHEDULE = { key: "k", effect: "NoSchedule" };
  const NO_EXECUTE = { key: "k", effect: "NoExecute" };
  const daemonAt = (spec: object, on: object): readonly string[] => {
    const wanted = { ...template("new"), spec: { ...template("new").spec, ...spec } };
    const data = { spec: { template: { ...wanted, $patch: "replace" } } };
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, { ...revision("new", 1), data })
      .put(DaemonSetKind, daemons("new", { template: wanted }));
    return pods(transcript.put(NodeKind, on));
  };

  test.each([
    ["any", {}, node("a"), ["create Pod/ds-*"]],
    ["with a label that is asked for", { nodeSelector: { disk: "ssd" } }, node("a", {}, { disk: "ssd" }), ["create Pod/ds-*"]],
    ["without it", { nodeSelector: { disk: "ssd" } }, node("a"), []],
    ["of another name than the one that is asked for", { nodeName: "b" }, node("a"), []],
    [
      "that is cordoned",
      {},
      node("a", { unschedulable: true, taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }] }),
      ["create Pod/ds-*"],
    ],
    ["under pressure", {}, node("a", { taints: [{ key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" }] }), ["create Pod/ds-*"]],
    [
      "that is not reachable",
      {},
      node("a", { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] }),
      ["create Pod/ds-*"],
    ],
    ["with another taint", {}, node("a", { taints: [NO_SCHEDULE] }), []],
    [
      "with a taint that it tolerates",
      { tolerations: [{ key: "k", operator: "Exists" }] },
      node("a", { taints: [NO_SCHEDULE] }),
      ["create Pod/ds-*"],
    ],
    ["with a taint that only discourages", {}, node("a", { taints: [{ key: "k", effect: "PreferNoSchedule" }] }), ["create Pod/ds-*"]],
  ])("%s", (_what, spec, on, expected) => {
    expect(daemonAt(spec, on)).toEqual(expected);
  });

  test.each([
    ["a taint that keeps new pods away leaves the one that is there", [NO_SCHEDULE], []],
    ["a taint that evicts takes it away", [NO_EXECUTE], ["delete Pod/p"]],
  ])("%s", (_what, taints, expected) => {
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, revision("new", 1))
      .put(DaemonSetKind, daemons("new"));
    expect(pods(transcript.put(NodeKind, node("a", { taints })).put(PodKind, pod("p", "a", "new")))).toEqual(expected);
  });
});

describe("pods of one node", () => {
  const started = () =>
    new Transcript(daemonSetController())
      .put(ControllerRevisionKind, revision("new", 1))
      .put(DaemonSetKind, daemons("new"))
      .put(NodeKind, node("a"));

  test("of several only the oldest stays", () => {
    const transcript = started();
    transcript.put(PodKind, pod("young", "a", "new", {}, { creationTimestamp: "2026-01-01T11:30:00Z" }));
    transcript.put(PodKind, pod("old", "a", "new", {}, { creationTimestamp: "2026-01-01T11:00:00Z" }));
    expect(pods(transcript)).toEqual(["delete Pod/young"]);
  });

  test("one that is deleted by somebody is made again", () => {
    const transcript = started().put(PodKind, pod("p", "a", "new"));
    expect(pods(transcript)).toEqual([]);
    expect(pods(transcript.remove(PodKind, "p"))).toEqual(["create Pod/ds-*"]);
  });

  test("one that has failed goes, and is told; the next failure has to wait", () => {
    const transcript = started().put(PodKind, pod("p", "a", "new", { phase: "Failed" }));
    const lines = transcript.decide();
    expect(lines).toContain("event Warning FailedDaemonPod DaemonSet/ds: Found failed daemon pod d/p on node a, will try to kill it");
    expect(lines).toContain("delete Pod/p");
    transcript.remove(PodKind, "p").put(PodKind, pod("q", "a", "new", { phase: "Failed" }));
    expect(transcript.decide()).toContain("requeue 1000");
    expect(transcript.after(1_000).look("daemonsets.apps/d/ds")).toContain("delete Pod/q");
  });
});

describe("a change of a node is looked at", () => {
  const TAINTED = { taints: [{ key: "k", effect: "NoSchedule" }] };
  const settled = (status: object): Transcript => {
    const transcript = new Transcript(daemonSetController())
      .put(ControllerRevisionKind, revision("new", 1))
      .put(NodeKind, node("a"))
      .put(PodKind, pod("p", "a", "new"))
      .put(DaemonSetKind, { ...daemons("new"), status });
    transcript.decide();
    return transcript;
  };

  test.each([
    ["not when the pod may stay", {}, node("a", TAINTED), false],
    ["when the pod may not stay", {}, node("a", { taints: [{ key: "k", effect: "NoExecute" }] }), true],
    ["when the set counts a misscheduled pod", { numberMisscheduled: 1 }, node("a", { taints: [] }, { zone: "z" }), true],
    ["when there is none, and should be", {}, node("b"), true],
    ["not when there is none, and should be none", {}, node("b", TAINTED), false],
  ])("%s", (_what, status, changed, isLookedAt) => {
    const lines = settled(status).put(NodeKind, changed).decide();
    expect(lines.length > 0).toBe(isLookedAt);
  });

  test("and none that is gone: the change of its pods tells of it", () => {
    expect(settled({}).remove(NodeKind, "a").decide()).toEqual([]);
  });
});

test("the status counts nodes, not pods", () => {
  const transcript = rolling({ minReadySeconds: 60 });
  const fresh = { conditions: [{ type: "Ready", status: "True", lastTransitionTime: new Date(START_MS - 20_000).toISOString() }] };
  transcript
    .put(PodKind, pod("pa", "a", "new"))
    .put(PodKind, pod("pb", "b", "new", fresh))
    .put(PodKind, pod("pc", "c", "old", unready));
  transcript.put(NodeKind, node("d", { taints: [{ key: "k", effect: "NoSchedule" }] })).put(PodKind, pod("pd", "d", "new"));
  const lines = transcript.decide();
  expect(lines.find((line) => line.startsWith("status"))).toBe(
    `status DaemonSet/ds ${JSON.stringify({
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      desiredNumberScheduled: 3,
      numberReady: 2,
      observedGeneration: 1,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberUnavailable: 2,
    })}`,
  );
  expect(lines).toContain("requeue 40000");
});
