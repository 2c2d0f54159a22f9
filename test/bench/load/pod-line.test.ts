import fc from "fast-check";
import { expect, test } from "vitest";
import { readPodLine } from "../../../bench/load/pod-line.ts";

const CREATED = "2026-01-02T03:04:05Z";
const pod = { uid: "u-1", namespace: "ns", name: "web-1", created_ms: Date.parse(CREATED) };
const metadata = { name: "web-1", generateName: "web-", namespace: "ns", uid: "u-1", creationTimestamp: CREATED };
const object = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { ...metadata, ownerReferences: [{ name: "web", uid: "other" }] },
  spec: { containers: [{ name: "c" }] },
};

test.each(["ADDED", "MODIFIED", "DELETED"])("a pod that was %s", (type) => {
  expect(readPodLine(JSON.stringify({ type, object }))).toEqual({ type, pod });
});

test("managers of fields that stand before the name do not deceive", () => {
  const managedFields = [{ manager: "m", fieldsV1: { 'k:{"name":"x"}': { 'k:{"uid":"y"}': {} } } }];
  expect(readPodLine(JSON.stringify({ type: "ADDED", object: { ...object, metadata: { managedFields, ...metadata } } }))).toEqual({
    type: "ADDED",
    pod,
  });
});

test("JSON with spaces is read all the same", () => {
  expect(readPodLine(JSON.stringify({ type: "ADDED", object }, undefined, 1).replaceAll("\n", " "))).toEqual({ type: "ADDED", pod });
});

test("the end of a watch, and what is of no interest", () => {
  expect(readPodLine('{"type":"ERROR","object":{"kind":"Status","code":410}}')).toBe("error");
  expect(readPodLine('{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"7"}}}')).toBeUndefined();
});

test("reads what parsing would read", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (annotations) => {
      const line = JSON.stringify({ type: "MODIFIED", object: { ...object, metadata: { ...metadata, annotations } } });
      expect(readPodLine(line)).toEqual({ type: "MODIFIED", pod });
    }),
  );
});
