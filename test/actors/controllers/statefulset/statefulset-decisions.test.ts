import { describe, expect, test } from "vitest";
import { statefulSetController } from "../../../../actors/controllers/statefulset/statefulset.ts";
import { ControllerRevisionKind } from "../../../../actors/kinds/apps/controller-revision.ts";
import { StatefulSetKind } from "../../../../actors/kinds/apps/stateful-set.ts";
import { PersistentVolumeClaimKind } from "../../../../actors/kinds/core/persistent-volume-claim.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { ControllerRevision } from "../../../../actors/kinds/generated/types.ts";
import { START_MS, Transcript } from "../transcript.ts";

const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "uid-db", controller: true, blockOwnerDeletion: true };
const template = (image: string) => ({ metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image }] } });

function set(replicas: number, spec: object = {}, status: object = {}): object {
  return {
    metadata: { name: "db", generation: 1 },
    spec: {
      replicas,
      serviceName: "s",
      selector: { matchLabels: { app: "x" } },
      template: template("new"),
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status,
  };
}

const revision = (image: string, number: number): object => ({
  metadata: { name: `db-${image}`, labels: { app: "x" }, ownerReferences: [owner] },
  data: { spec: { template: { ...template(image), $patch: "replace" } } },
  revision: number,
});

const READY = { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T11:00:00Z" }] };
const UNREADY = { phase: "Running", conditions: [{ type: "Ready", status: "False", lastTransitionTime: "2026-01-01T11:00:00Z" }] };
const PENDING = { phase: "Pending" };
const GOING = { deletionTimestamp: "2026-01-01T12:00:00Z" };

function pod(ordinal: number, status: object = READY, image = "new", metadata: object = {}): object {
  const name = `db-${ordinal}`;
  const labels = {
    app: "x",
    "controller-revision-hash": `db-${image}`,
    "statefulset.kubernetes.io/pod-name": name,
    "apps.kubernetes.io/pod-index": String(ordinal),
  };
  return { metadata: { name, labels, ownerReferences: [owner], ...metadata }, spec: { nodeName: "n", containers: [] }, status };
}

function started(object: object, ...pods: readonly object[]): Transcript {
  const transcript = new Transcript(statefulSetController)
    .put(ControllerRevisionKind, revision("old", 1))
    .put(ControllerRevisionKind, revision("new", 2))
    .put(StatefulSetKind, object);
  for (const one of pods) transcript.put(PodKind, one);
  return transcript;
}

/** What becomes of pods and claims. */
const doings = (transcript: Transcript): readonly string[] =>
  transcript.decide().filter((line) => /\b(Pod|PersistentVolumeClaim)\//.test(line) && !line.startsWith("event"));

const parallel = { podManagementPolicy: "Parallel" };

describe("places are filled", () => {
  test.each([
    ["the first, when there is none", set(3), [], ["1: create Pod/db-0"]],
    ["the next, when the one before is ready", set(3), [pod(0)], ["1: create Pod/db-1"]],
    ["none, while the one before is not ready", set(3), [pod(0, UNREADY)], []],
    ["none, while the one before is pending", set(3), [pod(0, PENDING)], []],
    ["none, while the one before is going", set(3), [pod(0, READY, "new", GOING)], []],
    ["a gap first", set(3), [pod(0), pod(2)], ["1: create Pod/db-1"]],
    ["all where they are parallel", set(3, parallel), [pod(1, UNREADY)], ["1: 1: create Pod/db-0", "2: 1: create Pod/db-2"]],
    [
      "by one, two, four and so on",
      set(8, parallel),
      [pod(0), pod(1), pod(2), pod(3)],
      ["1: 1: create Pod/db-4", "1: 1: create Pod/db-5", "1: 1: create Pod/db-6", "2: 1: create Pod/db-7"],
    ],
    ["from where the ordinals begin", set(2, { ordinals: { start: 5 } }), [pod(5)], ["1: create Pod/db-6"]],
    ["one that has failed goes, to be made again", set(2), [pod(0, { phase: "Failed" })], ["delete Pod/db-0"]],
    ["one that has succeeded as well", set(2), [pod(0, { phase: "Succeeded" })], ["delete Pod/db-0"]],
  ])("%s", (_what, object, pods, expected) => {
    expect(doings(started(object, ...pods))).toEqual(expected);
  });

  test("when the one before has been ready for as long as it has to be", () => {
    const fresh = {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: new Date(START_MS - 10_000).toISOString() }],
    };
    const transcript = started(set(2, { minReadySeconds: 30 }), pod(0, fresh));
    const lines = transcript.decide();
    expect(lines.some((line) => line.includes("create"))).toBe(false);
    expect(lines).toContain("requeue 20000");
    expect(transcript.after(20_000).look("statefulsets.apps/d/db")).toContain("1: create Pod/db-1");
  });

  test("a stranger of the name is waited for", () => {
    const transcript = started(set(1), pod(0, READY, "new", { ownerReferences: [], labels: {} }));
    expect(transcript.decide()).toContain("requeue 1000");
  });

  test("a pod of another name that says that it is the set's is let go", () => {
    const other = { ...pod(0), metadata: { name: "other", labels: { app: "x" }, ownerReferences: [owner] } };
    expect(doings(started(set(0), other))).toEqual(['modify Pod/other {"metadata":{"ownerReferences":null}}']);
  });

  test("a pod that lost its label gets it back", () => {
    const labels = { app: "x", "controller-revision-hash": "db-new" };
    expect(doings(started(set(1), pod(0, READY, "new", { labels })))).toEqual([
      'modify Pod/db-0 {"metadata":{"labels":{"statefulset.kubernetes.io/pod-name":"db-0","apps.kubernetes.io/pod-index":"0"}}}',
    ]);
  });
});

describe("what is too much goes", () => {
  test.each([
    ["the last first", set(1), [pod(0), pod(1), pod(2)], ["delete Pod/db-2"]],
    ["when the one behind it is gone", set(1), [pod(0), pod(1), pod(2, READY, "new", GOING)], []],
    ["not while one that stays is not ready", set(1), [pod(0, UNREADY), pod(1)], []],
    ["one that is ready, though one before it is not", set(0), [pod(0, UNREADY), pod(1)], ["delete Pod/db-1"]],
    ["not one that is not ready, when one before it is not either", set(0), [pod(0, UNREADY), pod(1, UNREADY)], []],
    ["one that is the only one that is not ready", set(0), [pod(0), pod(1, UNREADY)], ["delete Pod/db-1"]],
    ["all at once where they are parallel", set(1, parallel), [pod(0), pod(1), pod(2, UNREADY)], ["delete Pod/db-2", "delete Pod/db-1"]],
    ["also below where the ordinals begin", set(1, { ordinals: { start: 1 } }), [pod(0), pod(1)], ["delete Pod/db-0"]],
  ])("%s", (_what, object, pods, expected) => {
    expect(doings(started(object, ...pods))).toEqual(expected);
  });
});

describe("an update replaces", () => {
  const rolling = (partition: number): object => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } } });
  const status = { currentRevision: "db-old" };

  test.each([
    ["from the last on", set(3, {}, status), [pod(0, READY, "old"), pod(1, READY, "old"), pod(2, READY, "old")], ["delete Pod/db-2"]],
    ["the next, when what came is ready", set(3, {}, status), [pod(0, READY, "old"), pod(1, READY, "old"), pod(2)], ["delete Pod/db-1"]],
    ["none, while what came is not ready", set(3, {}, status), [pod(0, READY, "old"), pod(1, READY, "old"), pod(2, UNREADY)], []],
    ["none below the partition", set(3, rolling(2), status), [pod(0, READY, "old"), pod(1, READY, "old"), pod(2)], []],
    [
      "none where somebody else deletes",
      set(2, { updateStrategy: { type: "OnDelete" } }, status),
      [pod(0, READY, "old"), pod(1, READY, "old")],
      [],
    ],
    ["none, in order, while one before is not ready", set(2, {}, status), [pod(0, UNREADY, "old"), pod(1, READY, "old")], []],
    [
      "the last all the same where they are parallel",
      set(2, parallel, status),
      [pod(0, UNREADY, "old"), pod(1, READY, "old")],
      ["delete Pod/db-1"],
    ],
  ])("%s", (_what, object, pods, expected) => {
    expect(doings(started(object, ...pods))).toEqual(expected);
  });

  test.each([
    ["at or above the partition", 1, "db-new"],
    ["below it", 0, "db-old"],
  ])("a pod that is made anew %s", (_where, missing, expected) => {
    const pods = [pod(0, READY, "old"), pod(1, READY, "new")].filter((_, ordinal) => ordinal !== missing);
    const transcript = started(set(2, rolling(1), status), ...pods);
    const actions = transcript.actions("statefulsets.apps/d/db");
    const creation = actions
      .flatMap((action) => (action.do === "inOrder" ? action.steps : [action]))
      .find((action) => action.do === "create");
    expect(creation).toMatchObject({ object: { metadata: { name: `db-${missing}`, labels: { "controller-revision-hash": expected } } } });
  });

  test("and is done when all are of it and ready: then it is the current one", () => {
    const transcript = started(set(2, {}, status), pod(0), pod(1));
    expect(transcript.decide().find((line) => line.startsWith("status"))).toContain('"currentRevision":"db-new"');
    const under = started(set(2, {}, status), pod(0, READY, "old"), pod(1));
    expect(under.decide().find((line) => line.startsWith("status"))).not.toContain('"currentRevision":"db-new"');
  });
});

test.each([
  [0, true],
  [1, false],
  [-1, false],
])("of old revisions %i are kept, and all where that is below zero", (revisionHistoryLimit, goes) => {
  const lines = started(set(1, { revisionHistoryLimit }), pod(0)).decide();
  expect(lines.includes("delete ControllerRevision/db-old")).toBe(goes);
});

describe("a revision", () => {
  const SET = "statefulsets.apps/d/db";

  test("of its name that keeps the same template will do, whosever it is", () => {
    const [creation = ""] = new Transcript(statefulSetController).put(StatefulSetKind, set(1)).decide();
    const name = creation.replace("create ControllerRevision/", "");
    const same = { ...revision("new", 1), metadata: { name, labels: { app: "y" } } };
    const lines = new Transcript(statefulSetController).put(ControllerRevisionKind, same).put(StatefulSetKind, set(1)).decide();
    expect(lines).toEqual([
      "1: create Pod/db-0",
      expect.stringMatching(new RegExp(`^status .*"currentRevision":"${name}","updateRevision":"${name}","collisionCount":0`)),
    ]);
  });

  test("keeps the template in the order of its members' names", () => {
    const [creation] = new Transcript(statefulSetController).put(StatefulSetKind, set(1)).actions(SET);
    const made = creation?.do === "create" ? (creation.object as ControllerRevision) : undefined;
    const text = '{"$patch":"replace","metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"image":"new","name":"c"}]}}';
    expect(JSON.stringify(made?.data)).toBe(`{"spec":{"template":${text}}}`);
  });

  test("that was deleted is made again when there is another reason to look", () => {
    const transcript = started(set(1), pod(0));
    transcript.decide();
    expect(transcript.remove(ControllerRevisionKind, "db-new").decide()).toEqual([]);
    expect(transcript.look(SET)).toEqual([expect.stringMatching(/^create ControllerRevision\/db-/)]);
  });

  test("that was made, or made the newest, is a reason to look", () => {
    const transcript = started(set(1));
    transcript.decide();
    const relabelled = { ...revision("old", 1), metadata: { name: "db-old", labels: { app: "x", other: "y" }, ownerReferences: [owner] } };
    expect(transcript.put(ControllerRevisionKind, relabelled).decide()).toEqual([]);
    expect(transcript.put(ControllerRevisionKind, revision("old", 3)).decide()).toEqual([
      expect.stringMatching(/^modify ControllerRevision\/db-new/),
    ]);
    expect(transcript.put(ControllerRevisionKind, revision("newer", 4)).decide()).toEqual([
      expect.stringMatching(/^modify ControllerRevision\/db-new/),
    ]);
  });
});

describe("claims", () => {
  const templates = { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } }] };
  const policy = (whenDeleted: string, whenScaled: string): object => ({
    ...templates,
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
  });
  const claim = (ordinal: number, ownerReferences: readonly object[] = []): object => ({
    metadata: { name: `data-db-${ordinal}`, ownerReferences },
    spec: {},
  });
  const bySet = owner;
  const byPod = (ordinal: number): object => ({
    apiVersion: "v1",
    kind: "Pod",
    name: `db-${ordinal}`,
    uid: `uid-db-${ordinal}`,
    controller: true,
    blockOwnerDeletion: true,
  });
  const withVolume = (ordinal: number): object => {
    const { spec, ...rest } = pod(ordinal) as { spec: object };
    return { ...rest, spec: { ...spec, volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-db-${ordinal}` } }] } };
  };
  const owned = (ordinal: number, ...owners: readonly object[]): string =>
    `modify PersistentVolumeClaim/data-db-${ordinal} ${JSON.stringify({ metadata: { ownerReferences: owners.length === 0 ? null : owners } })}`;

  test("are made before their pod", () => {
    expect(doings(started(set(1, templates)))).toEqual(["1: create PersistentVolumeClaim/data-db-0", "2: create Pod/db-0"]);
  });

  test("are made before their pod alone where pods are parallel", () => {
    expect(doings(started(set(2, { ...templates, ...parallel })))).toEqual([
      "1: 1: create PersistentVolumeClaim/data-db-0",
      "1: 2: create Pod/db-0",
      "2: 1: create PersistentVolumeClaim/data-db-1",
      "2: 2: create Pod/db-1",
    ]);
  });

  test("are made though their pod has to wait for a stranger of its name", () => {
    const transcript = started(set(1, templates), pod(0, READY, "new", { ownerReferences: [], labels: {} }));
    expect(doings(transcript)).toEqual(["create PersistentVolumeClaim/data-db-0"]);
  });

  test("that are there are taken", () => {
    expect(doings(started(set(1, templates)).put(PersistentVolumeClaimKind, claim(0)))).toEqual(["1: create Pod/db-0"]);
  });

  test.each([
    ["Retain", "Retain", []],
    ["Delete", "Retain", [0, 1]],
    ["Retain", "Delete", []],
    ["Delete", "Delete", [0, 1]],
  ])("of pods that stay, deleted: %s, scaled: %s", (whenDeleted, whenScaled, changed) => {
    const transcript = started(set(2, policy(whenDeleted, whenScaled)), withVolume(0), withVolume(1));
    transcript.put(PersistentVolumeClaimKind, claim(0)).put(PersistentVolumeClaimKind, claim(1));
    // The set says of their pods that these were updated.
    const expected = changed.flatMap((ordinal) => [
      `1: ${owned(ordinal, bySet)}`,
      `2: event Normal SuccessfulUpdate StatefulSet/db: update Pod db-${ordinal} in StatefulSet db successful`,
    ]);
    expect(transcript.decide().filter((line) => !line.startsWith("status"))).toEqual(expected);
  });

  test("of a pod that is pending get their owner without a word, however long it is pending", () => {
    const { spec, ...rest } = withVolume(0) as { spec: object };
    const transcript = started(set(1, policy("Delete", "Retain")), { ...rest, spec, status: PENDING });
    transcript.put(PersistentVolumeClaimKind, claim(0));
    expect(transcript.decide().filter((line) => !line.startsWith("status"))).toEqual([owned(0, bySet)]);
  });

  test("that are being deleted keep their pod from being made, and the set says so", () => {
    const going = { ...claim(0), metadata: { name: "data-db-0", ...GOING, finalizers: ["kubernetes.io/pvc-protection"] } };
    const transcript = started(set(1, templates)).put(PersistentVolumeClaimKind, going);
    expect(transcript.decide().filter((line) => !line.startsWith("status"))).toEqual([
      "event Warning FailedCreate StatefulSet/db: create Pod db-0 in StatefulSet db failed error: pvc data-db-0 is being deleted",
    ]);
  });

  test("that may not be made are told as the reason why their pod is not", () => {
    const transcript = started(set(1, templates));
    const [action] = transcript.actions("statefulsets.apps/d/db");
    const together = action?.do === "inOrder" ? action.steps[0] : undefined;
    const [write] = together?.do === "together" ? together.actions : [];
    if (write?.do !== "create") throw new Error("no creation");
    const refusal = { write, error: new Error("exceeded quota") };
    const failed = "failed to create PVC data-db-0: exceeded quota";
    const event = "event Warning FailedCreate StatefulSet/db: create Pod db-0 in StatefulSet db failed error:";
    expect(transcript.afterRefusal("statefulsets.apps/d/db", [refusal])).toEqual([`${event} ${failed}`]);
    expect(transcript.afterRefusal("statefulsets.apps/d/db", [refusal, refusal])).toEqual([`${event} [${failed}, ${failed}]`]);
  });

  test("that are being deleted keep the pods of later batches from being made, and no other claim of their pod", () => {
    const going = { ...claim(0), metadata: { name: "data-db-0", ...GOING, finalizers: ["kubernetes.io/pvc-protection"] } };
    const volumeClaimTemplates = ["data", "log"].map((name) => ({ metadata: { name }, spec: {} }));
    const transcript = started(set(3, { volumeClaimTemplates, ...parallel })).put(PersistentVolumeClaimKind, going);
    expect(doings(transcript)).toEqual(["create PersistentVolumeClaim/log-db-0"]);
  });

  test.each([
    ["Retain", "Retain", [], ["delete Pod/db-1"]],
    ["Retain", "Delete", [], [owned(1, byPod(1))]],
    ["Delete", "Delete", [bySet], [owned(1, byPod(1))]],
    ["Delete", "Retain", [bySet], ["delete Pod/db-1"]],
  ])("of a pod that is too much, deleted: %s, scaled: %s", (whenDeleted, whenScaled, owners, expected) => {
    const transcript = started(set(1, policy(whenDeleted, whenScaled)), withVolume(0), withVolume(1));
    transcript.put(PersistentVolumeClaimKind, claim(0, owners)).put(PersistentVolumeClaimKind, claim(1, owners));
    expect(doings(transcript)).toEqual(expected);
  });

  test("of the pod before are waited for", () => {
    const transcript = started(set(1, policy("Retain", "Delete"))).put(PersistentVolumeClaimKind, claim(0, [byPod(0)]));
    expect(doings(transcript)).toEqual([]);
    expect(doings(transcript.remove(PersistentVolumeClaimKind, "data-db-0"))).toEqual([
      "1: create PersistentVolumeClaim/data-db-0",
      "2: create Pod/db-0",
    ]);
  });

  test("of the pod before keep no other pod from being made where they are parallel", () => {
    const transcript = started(set(2, { ...policy("Retain", "Delete"), ...parallel })).put(PersistentVolumeClaimKind, claim(0, [byPod(0)]));
    expect(doings(transcript)).toEqual(["1: create PersistentVolumeClaim/data-db-1", "2: create Pod/db-1"]);
  });

  test("of the pod before are taken where scaling deletes none", () => {
    const transcript = started(set(1, policy("Retain", "Retain"))).put(PersistentVolumeClaimKind, claim(0, [byPod(0)]));
    expect(doings(transcript)).toEqual(["1: create Pod/db-0"]);
  });

  test("that somebody else controls keep their owner", () => {
    const another = { ...bySet, kind: "Backup", apiVersion: "example.com/v1", name: "b", uid: "uid-b" };
    const transcript = started(set(1, policy("Delete", "Delete")), withVolume(0)).put(PersistentVolumeClaimKind, claim(0, [another]));
    expect(doings(transcript)).toEqual([]);
  });

  test.each([
    ["made", [], true],
    ["pending", [PENDING], true],
    ["there", [READY], false],
  ])("that somebody else controls are told while their pod is %s", (_when, statuses, isTold) => {
    const another = { ...bySet, kind: "Backup", apiVersion: "example.com/v1", name: "b", uid: "uid-b" };
    const pods = statuses.map((status) => ({ ...withVolume(0), status }));
    const transcript = started(set(1, policy("Delete", "Retain")), ...pods).put(PersistentVolumeClaimKind, claim(0, [another]));
    const message =
      "PersistentVolumeClaim data-db-0 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim";
    const told = transcript.decide().filter((line) => line.endsWith(`event Warning ConflictingController StatefulSet/db: ${message}`));
    expect(told).toHaveLength(isTold ? 1 : 0);
  });

  test("that are there get their owner when their pod is made", () => {
    const transcript = started(set(1, policy("Delete", "Retain"))).put(PersistentVolumeClaimKind, claim(0));
    expect(doings(transcript)).toEqual(["1: create Pod/db-0", `2: ${owned(0, bySet)}`]);
  });
});
