import { describe, expect, test } from "vitest";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { checkPreconditions, decideDeletion, isReleased } from "../../../actors/registry/deletion.ts";
import type { DeleteOptions } from "../../../actors/registry/registry.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0);
const erase = (kind: unknown): Kind => kind as Kind;

function object(metadata: object, rest: object = {}): KubeObject {
  return { metadata: { name: "a", uid: "u", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata }, ...rest } as KubeObject;
}

const pod = (spec: object, metadata: object = {}, status: object = { phase: "Pending" }): KubeObject =>
  object({ namespace: "d", generation: 1, ...metadata }, { spec: { terminationGracePeriodSeconds: 30, containers: [], ...spec }, status });

/** What was decided, and what the metadata then says of it. */
function outcome(kind: unknown, current: KubeObject, options: DeleteOptions): unknown {
  const before = JSON.stringify(current);
  const decided = decideDeletion(erase(kind), current, options, NOW_MS);
  expect(JSON.stringify(current)).toBe(before);
  if (decided.action === "keep") return "keep";
  const { deletionTimestamp: at, deletionGracePeriodSeconds: grace, generation, finalizers } = decided.object.metadata;
  return [decided.action, at?.slice(11, 19), grace, generation, finalizers];
}

const BOUND = { nodeName: "n1" };
const DELETING = { deletionTimestamp: "2026-01-01T12:00:20Z", deletionGracePeriodSeconds: 30, generation: 2 };

describe("decideDeletion", () => {
  test.each<[string, unknown, KubeObject, DeleteOptions, unknown]>([
    ["a config map goes at once", ConfigMapKind, object({}), {}, ["remove", undefined, undefined, undefined, undefined]],
    ["a finalizer holds it", ConfigMapKind, object({ finalizers: ["x/y"] }), {}, ["mark", "12:00:00", 0, undefined, ["x/y"]]],
    [
      "marked before, nothing changes",
      ConfigMapKind,
      object({ finalizers: ["x/y"], deletionTimestamp: "2026-01-01T11:00:00Z", deletionGracePeriodSeconds: 0 }),
      {},
      "keep",
    ],
    [
      "foreground waits for dependents",
      ConfigMapKind,
      object({}),
      { propagationPolicy: "Foreground" },
      ["mark", "12:00:00", 0, undefined, ["foregroundDeletion"]],
    ],
    [
      "orphan, too",
      ConfigMapKind,
      object({ finalizers: ["x/y"] }),
      { propagationPolicy: "Orphan" },
      ["mark", "12:00:00", 0, undefined, ["x/y", "orphan"]],
    ],
    [
      "background takes back what was said before",
      ConfigMapKind,
      object({ finalizers: ["orphan"] }),
      { propagationPolicy: "Background" },
      ["remove", undefined, undefined, undefined, ["orphan"]],
    ],
    ["no policy leaves it", ConfigMapKind, object({ finalizers: ["orphan"] }), {}, ["mark", "12:00:00", 0, undefined, ["orphan"]]],
    ["a pod without a node goes at once, marked", PodKind, pod({}), {}, ["remove", "12:00:00", 0, 2, undefined]],
    ["a pod on a node gets its grace", PodKind, pod(BOUND), {}, ["mark", "12:00:30", 30, 2, undefined]],
    ["the request may name another", PodKind, pod(BOUND), { gracePeriodSeconds: 5 }, ["mark", "12:00:05", 5, 2, undefined]],
    ["zero is now", PodKind, pod(BOUND), { gracePeriodSeconds: 0 }, ["remove", "12:00:00", 0, 2, undefined]],
    ["less than zero is one", PodKind, pod(BOUND), { gracePeriodSeconds: -1 }, ["mark", "12:00:01", 1, 2, undefined]],
    ["a pod that has ended needs none", PodKind, pod(BOUND, {}, { phase: "Succeeded" }), {}, ["remove", "12:00:00", 0, 2, undefined]],
    ["grace and finalizer", PodKind, pod({}, { finalizers: ["x/y"] }), {}, ["mark", "12:00:00", 0, 2, ["x/y"]]],
    ["a second request changes nothing", PodKind, pod(BOUND, DELETING), {}, "keep"],
    ["a longer one neither", PodKind, pod(BOUND, DELETING), { gracePeriodSeconds: 60 }, "keep"],
    ["a shorter one shortens", PodKind, pod(BOUND, DELETING), { gracePeriodSeconds: 10 }, ["mark", "12:00:00", 10, 2, undefined]],
    ["down to nothing", PodKind, pod(BOUND, DELETING), { gracePeriodSeconds: 0 }, ["remove", "11:59:50", 0, 2, undefined]],
    [
      "a namespace terminates first",
      NamespaceKind,
      object({}, { spec: { finalizers: ["kubernetes"] } }),
      {},
      ["mark", "12:00:00", undefined, undefined, undefined],
    ],
    [
      "and stays while it is held",
      NamespaceKind,
      object({ deletionTimestamp: "2026-01-01T11:00:00Z" }, { spec: { finalizers: ["kubernetes"] } }),
      {},
      "keep",
    ],
    [
      "and goes when it is not",
      NamespaceKind,
      object({ deletionTimestamp: "2026-01-01T11:00:00Z" }, { spec: {} }),
      {},
      ["remove", "11:00:00", undefined, undefined, undefined],
    ],
  ])("%s", (_what, kind, current, options, expected) => {
    expect(outcome(kind, current, options)).toEqual(expected);
  });

  test("a namespace being deleted is Terminating", () => {
    const decided = decideDeletion(erase(NamespaceKind), object({}, { spec: {}, status: { phase: "Active" } }), {}, NOW_MS);
    expect(decided).toMatchObject({ action: "mark", object: { status: { phase: "Terminating" } } });
  });
});

describe("isReleased", () => {
  test.each<[string, unknown, KubeObject, boolean]>([
    ["nobody asked", ConfigMapKind, object({}), false],
    [
      "the last finalizer is gone",
      ConfigMapKind,
      object({ deletionTimestamp: "2026-01-01T11:00:00Z", deletionGracePeriodSeconds: 0 }),
      true,
    ],
    ["one is left", ConfigMapKind, object({ deletionTimestamp: "2026-01-01T11:00:00Z", finalizers: ["x/y"] }), false],
    ["grace is left", PodKind, pod(BOUND, DELETING), false],
    [
      "a namespace with its own finalizer",
      NamespaceKind,
      object({ deletionTimestamp: "2026-01-01T11:00:00Z" }, { spec: { finalizers: ["kubernetes"] } }),
      false,
    ],
    ["a namespace without", NamespaceKind, object({ deletionTimestamp: "2026-01-01T11:00:00Z" }, { spec: {} }), true],
  ])("%s", (_what, kind, next, expected) => {
    expect(isReleased(erase(kind), next)).toBe(expected);
  });
});

describe("checkPreconditions", () => {
  const current = object({ name: "p", resourceVersion: "7" });
  test.each([
    [
      { uid: "x" },
      'Operation cannot be fulfilled on ConfigMap "p": the UID in the precondition (x) does not match the UID in record (u). The object might have been deleted and then recreated',
    ],
    [
      { resourceVersion: "1" },
      'Operation cannot be fulfilled on ConfigMap "p": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (7). The object might have been modified',
    ],
  ])("%j is a conflict", (preconditions, message) => {
    expect(() => checkPreconditions(erase(ConfigMapKind), current, preconditions)).toThrow(message);
  });

  test("what is met passes", () => {
    expect(() => checkPreconditions(erase(ConfigMapKind), current, { uid: "u", resourceVersion: "7" })).not.toThrow();
  });
});
