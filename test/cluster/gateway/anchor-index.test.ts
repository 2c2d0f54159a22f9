import fc from "fast-check";
import { expect, test } from "vitest";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { decodeObject, type ObjectText } from "../../../actors/kinds/text.ts";
import type { Entry } from "../../../actors/store/view.ts";
import { AnchorIndex } from "../../../cluster/gateway/anchor-index.ts";
import { selectionOf } from "../../../cluster/gateway/selection.ts";

const NAMESPACES = ["a", "b"];
const NAMES = ["x", "y"];
const VALUES = ["1", "2"];

const selector = fc.record({
  namespace: fc.constantFrom("", ...NAMESPACES),
  labelSelector: fc.constantFrom("", "app=1", "app in (1,2)", "app!=1", "app", "tier=2,app=1", "!app", "tier notin (1)"),
  fieldSelector: fc.constantFrom(
    "",
    "metadata.name=x",
    "metadata.name!=x",
    "spec.nodeName=1",
    "status.phase=2",
    "spec.nodeName!=1",
    "metadata.namespace=a",
  ),
});
const pod = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  name: fc.constantFrom(...NAMES),
  app: fc.constantFrom(undefined, ...VALUES),
  tier: fc.constantFrom(undefined, ...VALUES),
  node: fc.constantFrom(undefined, ...VALUES),
  phase: fc.constantFrom(...VALUES),
});

const view = { decode: <T extends KubeObject>(entry: Entry): T => decodeObject<T>(entry.text, entry.revision) };

test("finds every selection that takes an object, whatever was removed before", () => {
  fc.assert(
    fc.property(
      fc.array(selector, { maxLength: 20 }),
      fc.array(fc.nat(19), { maxLength: 5 }),
      fc.array(pod),
      (selectors, removed, pods) => {
        const index = new AnchorIndex<string>();
        const selections = new Map(
          selectors.map((each) => {
            const selection = selectionOf(PodKind, each.namespace, each);
            return [selection.key, selection] as const;
          }),
        );
        for (const [key, { anchor }] of selections) index.add(anchor, key);
        for (const at of removed) {
          const key = [...selections.keys()][at];
          if (key === undefined) continue;
          index.remove((selections.get(key) as { anchor: Parameters<typeof index.remove>[0] }).anchor, key);
          selections.delete(key);
        }
        for (const { namespace, name, app, tier, node, phase } of pods) {
          const labels = JSON.stringify({ app, tier });
          const text = `"name":"${name}","namespace":"${namespace}","labels":${labels}},"spec":${JSON.stringify({ nodeName: node })},"status":{"phase":"${phase}"}}`;
          const entry: Entry = { key: `pods/${namespace}/${name}`, revision: 1, text: text as ObjectText };
          const found = new Set<string>();
          index.find(view, entry, found);
          const taking = [...selections.values()].filter((selection) => selection.takes(view, entry)).map(({ key }) => key);
          expect(taking.filter((key) => !found.has(key))).toEqual([]);
          for (const key of found) expect(selections.has(key)).toBe(true);
        }
      },
    ),
  );
});

test("does not visit selections of another value", () => {
  const index = new AnchorIndex<string>();
  for (let i = 0; i < 100; i++) {
    const byLabel = selectionOf(PodKind, "", { labelSelector: `app=v${i}`, fieldSelector: "" });
    const byNode = selectionOf(PodKind, "", { labelSelector: "", fieldSelector: `spec.nodeName=n${i}` });
    for (const { anchor, key } of [byLabel, byNode]) index.add(anchor, key);
  }
  const found = new Set<string>();
  const text = '"name":"x","namespace":"a","labels":{"app":"v7"}},"spec":{"nodeName":"n8"}}' as ObjectText;
  index.find(view, { key: "pods/a/x", revision: 1, text }, found);
  expect([...found].map((key) => key.trim())).toEqual(["app=v7", "spec.nodeName=n8"]);
});
