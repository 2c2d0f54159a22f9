import { describe, expect, test } from "vitest";
import { namespaceController } from "../../../actors/controllers/namespace.ts";
import { ConfigMapKind } from "../../../actors/kinds/core/config-map.ts";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { NodeKind } from "../../../actors/kinds/core/node.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { START_MS, Transcript } from "./transcript.ts";

const going = { deletionTimestamp: new Date(START_MS).toISOString() };
const BACKGROUND = '{"propagationPolicy":"Background"}';

/** The namespace `d`, on its way out. */
const started = (finalizers: readonly string[] = ["kubernetes"]): Transcript =>
  new Transcript(namespaceController(BUILT_IN_KINDS)).put(NamespaceKind, { metadata: { name: "d", ...going }, spec: { finalizers } });

type Status = { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[] };

function statusOf(lines: readonly string[]): Status {
  const status = lines.find((line) => line.startsWith("status "));
  return JSON.parse(status?.slice(status.indexOf("{")) ?? "{}") as Status;
}

/** The conditions that say that something is not as it should be, of a printed status. */
function left(lines: readonly string[]): readonly string[] {
  const { conditions = [] } = statusOf(lines);
  return conditions.filter(({ status: is }) => is === "True").map(({ type, message }) => `${type}: ${message}`);
}

const writes = (lines: readonly string[]): readonly string[] => lines.filter((line) => !line.startsWith("status "));

describe("a namespace", () => {
  test("that stays is nobody's affair", () => {
    const transcript = new Transcript(namespaceController(BUILT_IN_KINDS))
      .put(NamespaceKind, { metadata: { name: "d" }, spec: { finalizers: ["kubernetes"] } })
      .put(ConfigMapKind, { metadata: { name: "a" } })
      .remove(ConfigMapKind, "a");
    expect(transcript.decide()).toEqual([]);
  });

  test("that is to go loses its pods first, then all the rest, then its finalizer; of others' nothing", () => {
    const transcript = started()
      .put(PodKind, { metadata: { name: "p" }, spec: { containers: [] } })
      .put(ConfigMapKind, { metadata: { name: "a" } })
      .put(ConfigMapKind, { metadata: { name: "a", namespace: "e" } })
      .put(NodeKind, { metadata: { name: "n" } });
    const first = transcript.decide();
    expect(writes(first)).toEqual([`delete Pod/p ${BACKGROUND}`]);
    expect(first.some((line) => line.startsWith("status "))).toBe(true);
    expect(left(first)).toEqual([]);
    const second = transcript.remove(PodKind, "p").decide();
    expect(writes(second)).toEqual([`delete ConfigMap/a ${BACKGROUND}`]);
    expect(left(second)).toEqual([]);
    transcript.put(NamespaceKind, { metadata: { name: "d", ...going }, spec: { finalizers: ["kubernetes"] }, status: statusOf(second) });
    expect(transcript.remove(ConfigMapKind, "a").decide()).toEqual(["finalize Namespace/d []"]);
  });

  test("says of what is held by finalizers that it remains, and in the end that nothing does", () => {
    const transcript = started()
      .put(ConfigMapKind, { metadata: { name: "a", finalizers: ["x.y/z"] } })
      .put(ConfigMapKind, { metadata: { name: "b" } });
    const lines = transcript.decide();
    expect(writes(lines)).toHaveLength(2);
    expect(left(lines)).toEqual([
      "NamespaceContentRemaining: Some resources are remaining: configmaps. has 1 resource instances",
      "NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: x.y/z in 1 resource instances",
    ]);
    transcript.put(NamespaceKind, { metadata: { name: "d", ...going }, spec: { finalizers: ["kubernetes"] }, status: statusOf(lines) });
    const last = transcript.remove(ConfigMapKind, "a").remove(ConfigMapKind, "b").decide();
    expect(last).toEqual([expect.stringMatching(/^status Namespace\/d .*All content successfully removed/)]);
  });

  test("says that pods should have gone when their grace is over, unless finalizers hold them", () => {
    const pod = (finalizers: readonly string[]): object => ({
      metadata: { name: "p", finalizers, ...going },
      spec: { nodeName: "n", terminationGracePeriodSeconds: 30, containers: [] },
    });
    const transcript = started().put(PodKind, pod([]));
    expect(writes(transcript.decide())).toEqual(["requeue 30000"]);
    expect(left(transcript.after(30_000).look("namespaces/d"))).toEqual([
      "NamespaceDeletionContentFailure: Failed to delete all resource types, 1 remaining: failed to delete pods for namespace: d, err: unexpected items still remain in namespace: d for gvr: /v1, Resource=pods",
    ]);
    expect(left(transcript.put(PodKind, pod(["x.y/z"])).look("namespaces/d"))).toEqual([]);
  });

  test("does not tell twice who is on the way already, and says what finalizers hold", () => {
    const transcript = started()
      .put(ConfigMapKind, { metadata: { name: "p", finalizers: ["x.y/z"], ...going } })
      .put(ConfigMapKind, { metadata: { name: "q", finalizers: ["x.y/z"], ...going } });
    const lines = transcript.decide();
    expect(writes(lines)).toEqual([]);
    expect(left(lines)).toEqual([
      "NamespaceContentRemaining: Some resources are remaining: configmaps. has 2 resource instances",
      "NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: x.y/z in 2 resource instances",
    ]);
  });

  test("keeps the finalizers of others, and is left to them when ours is gone", () => {
    const finalizers = ["kubernetes", "x.y/z"];
    const transcript = started(finalizers);
    const first = transcript.decide();
    expect(first).toEqual([expect.stringMatching(/^status Namespace\/d /)]);
    transcript.put(NamespaceKind, { metadata: { name: "d", ...going }, spec: { finalizers }, status: statusOf(first) });
    expect(transcript.decide()).toEqual(['finalize Namespace/d ["x.y/z"]']);
    expect(
      started(["x.y/z"])
        .put(ConfigMapKind, { metadata: { name: "a" } })
        .decide(),
    ).toEqual([]);
  });

  test("of thousands goes a thousand at a time", () => {
    const transcript = started();
    for (let i = 0; i < 1_500; i++) transcript.put(ConfigMapKind, { metadata: { name: `c${i}` } });
    expect(writes(transcript.decide())).toHaveLength(1_000);
  });
});
