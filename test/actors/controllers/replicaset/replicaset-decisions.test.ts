import { describe, expect, test } from "vitest";
import type { Controller } from "../../../../actors/controllers/controller.ts";
import { replicaSetController, replicationController } from "../../../../actors/controllers/replicaset/replicaset.ts";
import { ReplicaSetKind } from "../../../../actors/kinds/apps/replica-set.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { ReplicationControllerKind } from "../../../../actors/kinds/core/replication-controller.ts";
import { apiVersionOf, type Kind } from "../../../../actors/kinds/kind.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";
import { START_MS, Transcript } from "../transcript.ts";

interface Sort {
  readonly kind: Kind<KubeObject>;
  readonly controller: Controller;
  readonly selector: object;
}

const SORTS: readonly (readonly [string, Sort])[] = [
  ["ReplicaSet", { kind: ReplicaSetKind as never, controller: replicaSetController, selector: { matchLabels: { app: "x" } } }],
  ["ReplicationController", { kind: ReplicationControllerKind as never, controller: replicationController, selector: { app: "x" } }],
];

describe.each(SORTS)("%s", (_name, { kind, controller, selector }) => {
  const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const set = (replicas: number, status: object = {}, metadata: object = {}, spec: object = {}): object => ({
    metadata: { name: "s", generation: 1, ...metadata },
    spec: { replicas, selector, template, ...spec },
    status,
  });
  const owner = { apiVersion: apiVersionOf(kind), kind: kind.kind, name: "s", uid: "uid-s", controller: true, blockOwnerDeletion: true };
  const pod = (name: string, status: object = {}, metadata: object = {}, spec: object = { nodeName: "n" }): object => ({
    metadata: { name, labels: { app: "x" }, ownerReferences: [owner], ...metadata },
    spec: { containers: [], ...spec },
    status: { phase: "Running", ...status },
  });
  const ready = { conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T11:00:00Z" }] };
  const started = (object: object): Transcript => new Transcript(controller).put(kind, object);
  const counted = (replicas: number, more: object = {}): object => ({ replicas, observedGeneration: 1, ...more });
  const labelled = (count: number): object => counted(count, { fullyLabeledReplicas: count });
  const status = (patch: object): string => `status ${kind.kind}/s ${JSON.stringify(patch)}`;

  test("makes the pods that are missing, and says how many it has", () => {
    expect(started(set(3)).decide()).toEqual([...Array(3).fill("create Pod/s-*"), status({ replicas: 0, observedGeneration: 1 })]);
  });

  test("says nothing when nothing is new", () => {
    expect(
      started(set(1, labelled(1)))
        .put(PodKind, pod("a"))
        .decide(),
    ).toEqual([]);
  });

  test("no more than 500 in one round", () => {
    expect(started(set(1_000, counted(0))).decide()).toHaveLength(500);
  });

  test.each([
    ["one that has failed", { phase: "Failed" }, {}],
    ["one that has succeeded", { phase: "Succeeded" }, {}],
    ["one that is going", {}, { deletionTimestamp: "2026-01-01T12:00:00Z" }],
  ])("does not count %s, and makes another", (_what, podStatus, metadata) => {
    expect(
      started(set(1, counted(0)))
        .put(PodKind, pod("a", podStatus, metadata))
        .decide(),
    ).toEqual(["create Pod/s-*"]);
  });

  test.each([
    ["not bound before bound", [pod("bound"), pod("free", { phase: "Pending" }, {}, {})], "free"],
    ["pending before running", [pod("runs"), pod("pends", { phase: "Pending" })], "pends"],
    ["not ready before ready", [pod("ready", ready), pod("unready")], "unready"],
    [
      "cheap before dear",
      [pod("dear", ready, { annotations: { "controller.kubernetes.io/pod-deletion-cost": "10" } }), pod("cheap", ready)],
      "cheap",
    ],
    [
      "what restarted more",
      [pod("calm", { containerStatuses: [{ restartCount: 0 }] }), pod("nervous", { containerStatuses: [{ restartCount: 3 }] })],
      "nervous",
    ],
    [
      "the younger",
      [pod("old", {}, { creationTimestamp: "2026-01-01T02:00:00Z" }), pod("young", {}, { creationTimestamp: "2026-01-01T11:59:00Z" })],
      "young",
    ],
  ])("gives up %s", (_rule, pods, victim) => {
    const transcript = started(set(pods.length - 1));
    for (const one of pods) transcript.put(PodKind, one);
    expect(transcript.decide().filter((line) => line.startsWith("delete"))).toEqual([`delete Pod/${victim}`]);
  });

  test.each([
    ["of one owner's sets: where there are more of them", [{ ...owner, kind: "Deployment", name: "o", uid: "uid-o" }], "b"],
    ["of a set that nobody owns: wherever they are", [], "alone"],
  ])("gives up pods %s", (_rule, ownerReferences, victim) => {
    const transcript = started(set(2, {}, { ownerReferences }));
    for (const one of [pod("alone", ready, {}, { nodeName: "m" }), pod("b", ready), pod("c", ready)]) transcript.put(PodKind, one);
    expect(transcript.decide().filter((line) => line.startsWith("delete"))).toEqual([`delete Pod/${victim}`]);
  });

  test("takes a pod that nobody has, lets go of one that no longer matches, and leaves others' alone; the rest it decides when it sees that", () => {
    const transcript = started(set(1))
      .put(PodKind, pod("orphan", {}, { ownerReferences: [] }))
      .put(PodKind, pod("left", {}, { labels: { app: "y" } }))
      .put(PodKind, pod("others", {}, { ownerReferences: [{ ...owner, uid: "another", name: "t" }] }));
    expect(transcript.decide()).toEqual([
      'modify Pod/left {"metadata":{"ownerReferences":null}}',
      `modify Pod/orphan ${JSON.stringify({ metadata: { ownerReferences: [owner] } })}`,
      "requeue 0",
    ]);
    transcript.put(PodKind, pod("orphan")).put(PodKind, pod("left", {}, { labels: { app: "y" }, ownerReferences: [] }));
    expect(transcript.decide()).toEqual([status({ replicas: 1, fullyLabeledReplicas: 1, observedGeneration: 1 })]);
  });

  test("that is going makes none, takes none and lets none go", () => {
    const going = { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"] };
    const transcript = started(set(3, labelled(1), going))
      .put(PodKind, pod("a"))
      .put(PodKind, pod("orphan", {}, { ownerReferences: [] }));
    expect(transcript.decide()).toEqual([]);
  });

  test("counts as available what is ready for long enough, and looks again when it will be", () => {
    const at = new Date(START_MS - 10_000).toISOString();
    const fresh = { conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }] };
    const transcript = started(set(2, labelled(2), {}, { minReadySeconds: 30 }))
      .put(PodKind, pod("a", ready))
      .put(PodKind, pod("b", fresh));
    expect(transcript.decide()).toEqual([status({ readyReplicas: 2, availableReplicas: 1 }), "requeue 20000"]);
  });

  test("pods with other labels than the template's now are counted apart", () => {
    const transcript = started(set(2, counted(2), {}, { template: { ...template, metadata: { labels: { app: "x", v: "2" } } } }));
    transcript.put(PodKind, pod("a", {}, { labels: { app: "x", v: "2" } })).put(PodKind, pod("b"));
    expect(transcript.decide()).toEqual([status({ fullyLabeledReplicas: 1 })]);
  });

  describe("creations that are refused", () => {
    const failure = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: "exceeded quota",
      lastTransitionTime: "2026-01-01T11:00:00Z",
    };

    test("become a condition, once", () => {
      const transcript = started(set(1, counted(0)));
      const [creation] = transcript.actions(`${kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`}/d/s`);
      if (creation?.do !== "slowStart") throw new Error("no creation");
      const write = creation.writes[0];
      if (write === undefined) throw new Error("no creation");
      const key = `${kind.plural}${kind.group === "" ? "" : `.${kind.group}`}/d/s`;
      const told = controller.refused?.(transcript.view, key, START_MS, [{ write, error: new Error("exceeded quota") }]);
      expect(told).toMatchObject([
        { do: "updateStatus", status: { conditions: [{ ...failure, lastTransitionTime: "2026-01-01T12:00:00Z" }] } },
      ]);
      transcript.put(kind, set(1, counted(0, { conditions: [failure] })));
      expect(controller.refused?.(transcript.view, key, START_MS, [{ write, error: new Error("again") }])).toEqual([]);
    });

    test("are forgotten when there is nothing left to make", () => {
      const transcript = started(set(1, { ...labelled(1), conditions: [failure] })).put(PodKind, pod("a"));
      expect(transcript.decide()).toEqual([status({ conditions: null })]);
    });

    test("and when the set is going", () => {
      const going = { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: ["foregroundDeletion"] };
      expect(started(set(1, counted(0, { conditions: [failure] }), going)).decide()).toEqual([status({ conditions: null })]);
    });

    test("as deletions do, in other words", () => {
      const key = `${kind.plural}${kind.group === "" ? "" : `.${kind.group}`}/d/s`;
      const transcript = started(set(0, counted(1))).put(PodKind, pod("a"));
      const [write] = transcript.actions(key);
      if (write?.do !== "delete") throw new Error("no deletion");
      expect(controller.refused?.(transcript.view, key, START_MS, [{ write, error: new Error("no") }])).toMatchObject([
        { status: { conditions: [{ reason: "FailedDelete", message: "unable to delete pods: no" }] } },
      ]);
    });
  });
});
