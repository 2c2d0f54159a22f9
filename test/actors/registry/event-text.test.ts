import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { decodeObject, encodeObject } from "../../../actors/kinds/text.ts";
import { eventName, eventText } from "../../../actors/registry/event-text.ts";

const metadata = { name: "web-1", namespace: "d", uid: "u-1", resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" };

test("the text is that of the object, whatever the message says", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), fc.nat(9), fc.boolean(), (message, reason, repeated, onNode) => {
      const about = onNode
        ? { kind: "Node", apiVersion: "v1", metadata: { name: "n1", uid: "n1", creationTimestamp: "2026-01-01T00:00:00Z" } }
        : { kind: "Pod", apiVersion: "v1", metadata, fieldPath: "spec.containers{a}" };
      const source = onNode ? { component: "kubelet", host: "n1" } : { component: "default-scheduler" };
      const first_ms = Date.UTC(2026, 0, 1);
      const last_ms = first_ms + repeated * 1_500;
      const text = eventText(
        { name: "web-1.1", namespace: "d", uid: "e", about, type: "Normal", reason, message, first_ms, last_ms, count: repeated + 1 },
        source,
      );
      const object = decodeObject<KubeObject>(text, 9);
      expect(encodeObject(object)).toBe(text);
      expect(object).toEqual({
        metadata: { name: "web-1.1", namespace: "d", uid: "e", resourceVersion: "9", creationTimestamp: "2026-01-01T00:00:00Z" },
        involvedObject: onNode
          ? { kind: "Node", name: "n1", uid: "n1", apiVersion: "v1" }
          : {
              kind: "Pod",
              namespace: "d",
              name: "web-1",
              uid: "u-1",
              apiVersion: "v1",
              resourceVersion: "7",
              fieldPath: "spec.containers{a}",
            },
        reason,
        message,
        source,
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: new Date(Math.floor(last_ms / 1_000) * 1_000).toISOString().replace(".000", ""),
        count: repeated + 1,
        type: "Normal",
        eventTime: null,
        reportingComponent: source.component,
        reportingInstance: onNode ? "n1" : "",
      });
    }),
  );
});

test("what could not be created has neither a uid nor, where nobody said it, a namespace", () => {
  const about = { kind: "Endpoints", apiVersion: "v1", metadata: { name: "s" } as KubeObject["metadata"] };
  const event = {
    name: "s.1",
    namespace: "default",
    uid: "e",
    about,
    type: "Warning",
    reason: "R",
    message: "",
    first_ms: 0,
    last_ms: 0,
  } as const;
  const { involvedObject } = decodeObject<KubeObject & { involvedObject: object }>(
    eventText({ ...event, count: 1 }, { component: "c" }),
    9,
  );
  expect(involvedObject).toEqual({ kind: "Endpoints", name: "s", apiVersion: "v1" });
});

test("names carry the nanosecond in hexadecimal", () => {
  expect(eventName("web-1", 1_700_000_000_000, 5)).toBe(`web-1.${(1_700_000_000_000_000_005n).toString(16)}`);
});
