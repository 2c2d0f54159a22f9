import { describe, expect, test } from "vitest";
import { garbageCollector } from "../../../../actors/controllers/garbage/garbage-collector.ts";
import { ReplicaSetKind } from "../../../../actors/kinds/apps/replica-set.ts";
import { NamespaceKind } from "../../../../actors/kinds/core/namespace.ts";
import { NodeKind } from "../../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import { Transcript } from "../transcript.ts";

const owner = (name: string, more: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name,
  uid: `uid-${name}`,
  controller: true,
  blockOwnerDeletion: true,
  ...more,
});
const set = (name: string, metadata: object = {}): object => ({ metadata: { name, ...metadata }, spec: {} });
const pod = (name: string, ownerReferences: readonly object[], metadata: object = {}): object => ({
  metadata: { name, ownerReferences, ...metadata },
  spec: {},
});
const going = (finalizer: string) => ({ deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: [finalizer] });
const FOREGROUND = going("foregroundDeletion");
const ORPHAN = going("orphan");
const collected = (name: string, revision: number, policy = "Background"): string =>
  `delete Pod/${name} ${JSON.stringify({ propagationPolicy: policy, preconditions: { uid: `uid-${name}`, resourceVersion: String(revision) } })}`;
const forgets = (name: string, ...left: readonly object[]): string =>
  `modify Pod/${name} ${JSON.stringify({ metadata: { ownerReferences: left.length === 0 ? null : left } })}`;

const started = () => new Transcript(garbageCollector(BUILT_IN_KINDS));

describe("an object whose owner", () => {
  test.each([
    ["is there stays", [owner("a")], []],
    ["is not there goes", [owner("none")], [collected("p", 2)]],
    ["is another one of that name goes", [owner("a", { uid: "earlier" })], [collected("p", 2)]],
    ["is of a kind that nobody knows stays", [owner("a", { apiVersion: "example.com/v1", kind: "Thing" })], []],
    [
      "is not there, while another one is, forgets it",
      [owner("none"), owner("a", { controller: false })],
      [forgets("p", owner("a", { controller: false }))],
    ],
    ["is of another version of its kind stays", [owner("a", { apiVersion: "apps/v1beta1" })], []],
    ["is not there, of a version that nobody serves, stays", [owner("none", { apiVersion: "apps/v1beta1" })], []],
    [
      "is not there, of a version that is not the stored one, goes",
      [owner("none", { apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler" })],
      [collected("p", 2)],
    ],
  ])("%s", (_what, owners, expected) => {
    expect(started().put(ReplicaSetKind, set("a")).put(PodKind, pod("p", owners)).decide()).toEqual(expected);
  });

  describe("lives in another namespace", () => {
    const elsewhere = (of: string, namespace = "d"): string =>
      `event Warning OwnerRefInvalidNamespace ${of}: ownerRef [apps/v1/ReplicaSet, namespace: ${namespace}, name: a, uid: uid-a] does not exist in namespace "${namespace}"`;
    const divided = () =>
      started()
        .put(NamespaceKind, { metadata: { name: "e" } })
        .put(ReplicaSetKind, set("a", { namespace: "e" }));

    test("goes, and it is told why", () => {
      expect(
        divided()
          .put(PodKind, pod("p", [owner("a")]))
          .decide(),
      ).toEqual([elsewhere("Pod/p"), collected("p", 3)]);
    });

    test("stays for another owner, and it is told why", () => {
      const left = owner("b", { controller: false });
      const transcript = divided().put(ReplicaSetKind, set("b"));
      expect(transcript.put(PodKind, pod("p", [owner("a"), left])).decide()).toEqual([elsewhere("Pod/p"), forgets("p", left)]);
    });

    test("has no namespace itself and stays, since nobody can say which one is meant, and it is told", () => {
      expect(
        divided()
          .put(NodeKind, { metadata: { name: "n", ownerReferences: [owner("a")] }, spec: {} })
          .decide(),
      ).toEqual([elsewhere("Node/n", "")]);
    });
  });

  test("has no namespace is found from everywhere", () => {
    const transcript = started().put(NodeKind, { metadata: { name: "n" }, spec: {} });
    transcript.put(PodKind, pod("p", [{ apiVersion: "v1", kind: "Node", name: "n", uid: "uid-n" }]));
    expect(transcript.decide()).toEqual([]);
    expect(transcript.remove(NodeKind, "n").decide()).toEqual([collected("p", 2)]);
  });

  test("is deleted goes, as its own finalizers say", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("p", [owner("a")], { finalizers: ["orphan"] }));
    transcript.decide();
    expect(transcript.remove(ReplicaSetKind, "a").decide()).toEqual([collected("p", 2, "Orphan")]);
  });

  test("is deleted, and is going itself already, is left alone", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("p", [owner("a")], going("x")));
    transcript.decide();
    expect(transcript.remove(ReplicaSetKind, "a").decide()).toEqual([]);
  });
});

describe("an owner that goes in the foreground", () => {
  test("takes its dependents along, and goes when the last that blocks it is gone", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("p", [owner("a")]));
    transcript.decide();
    transcript.put(ReplicaSetKind, set("a", FOREGROUND));
    expect(transcript.decide()).toEqual([collected("p", 2)]);
    expect(transcript.remove(PodKind, "p").decide()).toEqual(['modify ReplicaSet/a {"metadata":{"finalizers":null}}']);
  });

  test("does not wait for those that do not block it", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("p", [owner("a", { blockOwnerDeletion: false })]));
    transcript.decide();
    expect(transcript.put(ReplicaSetKind, set("a", FOREGROUND)).decide()).toContain('modify ReplicaSet/a {"metadata":{"finalizers":null}}');
  });

  test("takes them along all the same, while it waits for others", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("held", [owner("a")], going("x")))
      .put(PodKind, pod("p", [owner("a", { blockOwnerDeletion: false })]));
    transcript.decide();
    expect(transcript.put(ReplicaSetKind, set("a", FOREGROUND)).decide()).toEqual([collected("p", 3)]);
  });

  test("leaves a dependent that another one owns, which forgets it", () => {
    const transcript = started().put(ReplicaSetKind, set("a")).put(ReplicaSetKind, set("b"));
    transcript.put(PodKind, pod("p", [owner("a"), owner("b", { controller: false })]));
    transcript.decide();
    expect(transcript.put(ReplicaSetKind, set("a", FOREGROUND)).decide()).toEqual([forgets("p", owner("b", { controller: false }))]);
  });

  test("makes dependents that have dependents go in the foreground as well", () => {
    const transcript = started().put(ReplicaSetKind, set("a"));
    transcript.put(ReplicaSetKind, set("child", { ownerReferences: [owner("a")] })).put(PodKind, pod("p", [owner("child")]));
    transcript.decide();
    expect(transcript.put(ReplicaSetKind, set("a", FOREGROUND)).decide()).toEqual([
      '1: delete ReplicaSet/child {"propagationPolicy":"Foreground","preconditions":{"uid":"uid-child"}}',
    ]);
  });
});

describe("an owner that leaves its dependents", () => {
  test("is forgotten by all of them first, then goes", () => {
    const transcript = started()
      .put(ReplicaSetKind, set("a"))
      .put(PodKind, pod("p", [owner("a")]))
      .put(PodKind, pod("q", [owner("a"), owner("b")]));
    transcript.decide();
    transcript.put(ReplicaSetKind, set("b")).put(ReplicaSetKind, set("a", ORPHAN));
    expect(transcript.look("replicasets.apps/d/a")).toEqual([forgets("p"), forgets("q", owner("b"))]);
    transcript.put(PodKind, pod("p", [])).put(PodKind, pod("q", [owner("b")]));
    expect(transcript.look("replicasets.apps/d/a")).toEqual(['modify ReplicaSet/a {"metadata":{"finalizers":null}}']);
  });
});
