import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ownership } from "../../../actors/controllers/garbage/garbage-owners.ts";
import { controllerIndex } from "../../../actors/controllers/ownership.ts";
import { BUILT_IN_KINDS } from "../../../actors/kinds/kinds.ts";
import { decodeMetadata, labelsOf, nodeNameOf, ownersOf, phaseOf, sameLabels, sameOwners } from "../../../actors/kinds/metadata-text.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { podsByNode } from "../../../actors/pod/pods-by-node.ts";
import type { IndexDefinition } from "../../../actors/store/view.ts";

/** Free text, with what could be mistaken for JSON's own marks. */
const free = fc.oneof(fc.string(), fc.constantFrom('"}', '\\"labels\\":{', '{"ownerReferences":[]}', "\\", '"', "}]", '"nodeName":"fake"'));
const plain = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const owner = fc.record({
  apiVersion: fc.constantFrom("v1", "apps/v1"),
  kind: plain,
  name: plain,
  uid: fc.uuid(),
  controller: fc.boolean(),
});
const labels = fc.dictionary(plain, plain, { maxKeys: 3 });

/** Pods, and what looks like them inside of others: templates with labels of their own, free text everywhere it may be. */
const object = fc
  .record({
    labels: fc.option(labels, { nil: undefined }),
    owners: fc.option(fc.array(owner, { maxLength: 3 }), { nil: undefined }),
    annotation: free,
    nodeName: fc.option(plain, { nil: undefined }),
    inner: labels,
    message: free,
  })
  .map(({ labels, owners, annotation, nodeName, inner, message }): KubeObject => {
    const metadata = {
      name: "n",
      namespace: "d",
      uid: "u",
      creationTimestamp: "t",
      labels,
      annotations: { a: annotation },
      ownerReferences: owners,
    };
    const spec = {
      ...(nodeName === undefined ? {} : { nodeName }),
      template: { metadata: { labels: inner } },
      containers: [{ args: [message] }],
    };
    return JSON.parse(JSON.stringify({ metadata, spec, status: { message } })) as KubeObject;
  });

test("metadata is cut out of the text exactly, whatever stands in strings", () => {
  fc.assert(
    fc.property(object, (one) => {
      expect(decodeMetadata(encodeObject(one))).toEqual(one.metadata);
    }),
  );
});

test("owners, labels and node names are found in the text", () => {
  fc.assert(
    fc.property(object, (one) => {
      const text = encodeObject(one);
      expect(ownersOf(text)).toEqual(one.metadata.ownerReferences ?? []);
      if (one.metadata.labels !== undefined) expect(labelsOf(text)).toEqual(one.metadata.labels);
      expect(nodeNameOf(text)).toBe((one as { spec?: { nodeName?: string } }).spec?.nodeName);
    }),
  );
});

test("a change of labels or owners is never missed", () => {
  fc.assert(
    fc.property(object, object, (one, other) => {
      const [a, b] = [encodeObject(one), encodeObject(other)];
      const json = (value: unknown): string => JSON.stringify(value ?? null);
      if (one.metadata.labels !== undefined && other.metadata.labels !== undefined) {
        expect(sameLabels(a, b)).toBe(json(one.metadata.labels) === json(other.metadata.labels));
      }
      expect(sameOwners(a, b)).toBe(json(one.metadata.ownerReferences) === json(other.metadata.ownerReferences));
    }),
  );
});

const INDEXES: readonly IndexDefinition[] = [podsByNode, controllerIndex("pods"), ...new Ownership(BUILT_IN_KINDS).indexes().slice(0, 1)];

test.each(INDEXES)("index $name finds in the text all that it would find in the object", (definition) => {
  fc.assert(
    fc.property(object, (one) => {
      const entry = { key: "pods/d/n", revision: 1, text: encodeObject(one) };
      expect(definition.valuesOfText?.(entry)).toEqual(expect.arrayContaining([...definition.values(one)]));
    }),
  );
});

describe("the node and the phase of a pod are told by its text", () => {
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True", message: ',"status":{"phase":"No"' }] };
  const pod = (spec: object, metadata: object = {}): ReturnType<typeof encodeObject> =>
    encodeObject({ metadata: { name: "a", uid: "u", ...metadata }, spec, status } as unknown as KubeObject);
  test.each([
    ["as a binding puts it", pod({ containers: [], nodeName: "n1" }), "n1"],
    ["before other members", pod({ nodeName: "n1", containers: [] }), "n1"],
    ["none, with a selector of that name", pod({ nodeSelector: { nodeName: "n2" } }), undefined],
    ["none, with a selector of that name in the middle", pod({ nodeSelector: { nodeName: "n2" }, containers: [] }), undefined],
    ["beside a selector of that name", pod({ nodeSelector: { nodeName: "n2" }, nodeName: "n1" }), "n1"],
    ["beside labels of that name", pod({ containers: [], nodeName: "n1" }, { labels: { nodeName: "n3", phase: "Failed" } }), "n1"],
    ["none, with labels of that name", pod({ containers: [] }, { labels: { nodeName: "n3", phase: "Failed" } }), undefined],
  ])("%s", (_, text, node) => {
    expect(nodeNameOf(text)).toBe(node);
    expect(phaseOf(text)).toBe("Running");
  });

  test("no phase before there is a status", () => {
    expect(
      phaseOf(encodeObject({ metadata: { name: "a", labels: { phase: "Failed" } }, spec: {} } as unknown as KubeObject)),
    ).toBeUndefined();
  });
});
