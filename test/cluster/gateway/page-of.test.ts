import { expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { Pod } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import type { View } from "../../../actors/store/view.ts";
import { pageOf } from "../../../cluster/gateway/list.ts";
import { selectionOf } from "../../../cluster/gateway/selection.ts";

const VIEW = {} as View;
const PODS = Array.from({ length: 10_000 }, (_, i) => {
  const metadata = { name: `p${i}`, namespace: "d", uid: `${i}`, creationTimestamp: "2026-01-01T00:00:00Z" };
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { nodeName: `n${i % 2}`, containers: [] } };
  return { key: `pods/d/p${String(i).padStart(5, "0")}`, revision: i + 1, text: encodeObject(pod) };
});
const onNode1 = selectionOf(PodKind as unknown as Kind, "", { labelSelector: "", fieldSelector: "spec.nodeName=n1" });

test("whoever asks many thousands of objects lets others have their turn between", async () => {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const { entries } = await pageOf(VIEW, PODS, onNode1, 0, 0);
  clearImmediate(next);
  expect(entries.length).toBe(5_000);
  expect(turns).toBeGreaterThan(15);
});

test("a page ends where it is full, and the next begins there", async () => {
  const first = await pageOf(VIEW, PODS, onNode1, 600, 0);
  expect([first.entries.length, first.entries.at(-1)?.key, first.next]).toEqual([600, "pods/d/p01199", 1_200]);
  const rest = await pageOf(VIEW, PODS, onNode1, 0, first.next);
  expect([rest.entries.length, rest.entries[0]?.key, rest.next]).toEqual([4_400, "pods/d/p01201", 10_000]);
});
