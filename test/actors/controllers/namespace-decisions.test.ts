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

/** The conditions that say what is left, of a printed status. */
function left(lines: readonly string[]): readonly string[] {
  const status = lines.find((line) => line.startsWith("status "));
  const { conditions = [] } = JSON.parse(status?.slice(status.indexOf("{")) ?? "{}") as {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  };
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
    expect(left(first)).toEqual([
      "NamespaceContentRemaining: Some resources are remaining: configmaps. has 1 resource instances, pods. has 1 resource instances",
    ]);
    expect(writes(transcript.remove(PodKind, "p").decide())).toEqual([`delete ConfigMap/a ${BACKGROUND}`]);
    expect(transcript.remove(ConfigMapKind, "a").decide()).toEqual(["finalize Namespace/d []"]);
  });

  test("does not tell twice who is on the way already, and says what finalizers hold", () => {
    const transcript = started()
      .put(PodKind, { metadata: { name: "p", finalizers: ["x.y/z"], ...going }, spec: { containers: [] } })
      .put(PodKind, { metadata: { name: "q", finalizers: ["x.y/z"], ...going }, spec: { containers: [] } });
    const lines = transcript.decide();
    expect(writes(lines)).toEqual([]);
    expect(left(lines)).toEqual([
      "NamespaceContentRemaining: Some resources are remaining: pods. has 2 resource instances",
      "NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: x.y/z in 2 resource instances",
    ]);
  });

  test("keeps the finalizers of others, and is left to them when ours is gone", () => {
    expect(started(["kubernetes", "x.y/z"]).decide()).toEqual(['finalize Namespace/d ["x.y/z"]']);
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
