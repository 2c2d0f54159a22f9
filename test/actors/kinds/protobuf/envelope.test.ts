import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeObject,
  encodeProtobuf,
  encodeWatchEvent,
  hasProtobufForm,
  openEnvelope,
} from "../../../../actors/kinds/protobuf/envelope.ts";
import { ProtobufError, WireReader } from "../../../../actors/kinds/protobuf/wire-reader.ts";
import { KUBECTL_BODIES } from "./kubectl-bodies.ts";

function decoded(body: Buffer): object {
  return decodeObject(openEnvelope(body));
}

function encoded(object: Readonly<Record<string, unknown>>): Buffer {
  return encodeProtobuf(object) ?? expect.fail("no protobuf form");
}

/** A body around a raw message. */
function body(apiVersion: string, kind: string, raw: readonly number[]): Buffer {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const meta = [0x0a, ...text(apiVersion), 0x12, ...text(kind)];
  return Buffer.from([...Buffer.from("k8s\0"), 0x0a, meta.length, ...meta, 0x12, raw.length, ...raw]);
}

describe("what kubectl sends", () => {
  test.each(KUBECTL_BODIES)("$command", ({ body: base64, json }) => {
    expect(decoded(Buffer.from(base64, "base64"))).toEqual(json);
  });

  // A null is as good as nothing, and is not written.
  const withoutNull = KUBECTL_BODIES.filter(({ json }) => !JSON.stringify(json).includes("null"));

  test.each(withoutNull)("$command, there and back", ({ json }) => {
    expect(decoded(encoded(json as Record<string, unknown>))).toEqual(json);
  });
});

describe("the kind", () => {
  test("options of any group are meta/v1's", () => {
    expect(decoded(body("apps/v1", "DeleteOptions", [0x08, 30]))).toEqual({
      apiVersion: "apps/v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 30,
    });
  });

  test("a body may say nothing of its kind", () => {
    expect(openEnvelope(body("", "", [0x0a, 0]))).toEqual({ apiVersion: "", kind: "", raw: Buffer.from([0x0a, 0]) });
  });

  test("custom resources and tables have no protobuf form", () => {
    expect(hasProtobufForm("example.org/v1", "Deployment")).toBe(false);
    expect(hasProtobufForm("meta.k8s.io/v1", "Table")).toBe(false);
    expect(encodeProtobuf({ apiVersion: "meta.k8s.io/v1", kind: "Table" })).toBeUndefined();
    expect(hasProtobufForm("apps/v1", "DeploymentList")).toBe(true);
    expect(hasProtobufForm("v1", "Status")).toBe(true);
  });
});

describe("answers, byte by byte", () => {
  const envelope = (apiVersion: string, kind: string, raw: readonly number[]): number[] => [
    ...body(apiVersion, kind, raw),
    ...[0x1a, 0, 0x22, 0], // contentEncoding, contentType
  ];
  // metadata { name: "a" }, data { "k": "v" }
  const CONFIG_MAP = [0x0a, 3, 0x0a, 1, 0x61, 0x12, 6, 0x0a, 1, 0x6b, 0x12, 1, 0x76];
  const object = { metadata: { name: "a" }, data: { k: "v" } };

  test("an object", () => {
    expect([...encoded({ apiVersion: "v1", kind: "ConfigMap", ...object })]).toEqual(envelope("v1", "ConfigMap", CONFIG_MAP));
  });

  test("a list: metadata { resourceVersion: 7 }, then items", () => {
    const list = { apiVersion: "v1", kind: "ConfigMapList", metadata: { resourceVersion: "7" }, items: [object] };
    const raw = [0x0a, 3, 0x12, 1, 0x37, 0x12, CONFIG_MAP.length, ...CONFIG_MAP];
    expect([...encoded(list)]).toEqual(envelope("v1", "ConfigMapList", raw));
  });

  test("metadata alone", () => {
    const partial = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata", metadata: { name: "a" } };
    expect([...encoded(partial)]).toEqual(envelope("meta.k8s.io/v1", "PartialObjectMetadata", CONFIG_MAP.slice(0, 5)));
  });

  test("a watch event: its length, then a WatchEvent with a body in it", () => {
    const frame = encodeWatchEvent("ADDED", { apiVersion: "v1", kind: "ConfigMap", ...object }) ?? Buffer.alloc(0);
    const inner = envelope("v1", "ConfigMap", CONFIG_MAP);
    const event = [0x0a, 5, ...Buffer.from("ADDED"), 0x12, inner.length + 2, 0x0a, inner.length, ...inner];
    expect([...frame]).toEqual([0, 0, 0, event.length, ...event]);
  });
});

describe("refusals", () => {
  test.each<[what: string, body: Buffer, message: string]>([
    ["nothing", Buffer.alloc(0), "empty data"],
    ["nothing but the magic number", Buffer.from("k8s\0"), "empty body"],
    ["no magic number", Buffer.from("{}"), "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"],
    [
      "an unknown kind",
      body("v1", "Nothing", []),
      'no kind "Nothing" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    ["a length past the end", body("v1", "ConfigMap", [0x0a, 5]), "unexpected EOF"],
    ["a length past the end of its message", body("v1", "ConfigMap", [0x0a, 2, 0x0a, 9, 0x61, 0x61]), "unexpected EOF"],
    [
      "a negative length",
      body("v1", "ConfigMap", [0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
      "proto: negative length found during unmarshaling",
    ],
    [
      "a number without end",
      body(
        "v1",
        "ConfigMap",
        Array.from({ length: 11 }, () => 255),
      ),
      "proto: integer overflow",
    ],
    ["a wrong wire type", body("v1", "ConfigMap", [0x08, 1]), "proto: wrong wireType = 0 for field Metadata"],
    ["field 0", body("v1", "ConfigMap", [0x00]), "proto: ConfigMap: illegal tag 0 (wire type 0)"],
    ["the end of a group that is none", body("v1", "ConfigMap", [0x0c]), "proto: ConfigMap: wiretype end group for non-group"],
    ["a wire type that is not in use", body("v1", "ConfigMap", [0xfe, 0x07]), "proto: illegal wireType 6"],
    [
      "a time beyond all calendars",
      body("v1", "ConfigMap", [0x0a, 12, 0x42, 10, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 127]),
      "Time.MarshalJSON: year outside of range [0,9999]",
    ],
  ])("%s", (_what, bytes, message) => {
    expect(() => decoded(bytes)).toThrow(new ProtobufError(message));
  });

  test("whatever bytes come, the decoder answers or refuses", () => {
    const bodies = KUBECTL_BODIES.map(({ body: base64 }) => Buffer.from(base64, "base64"));
    const damaged = fc
      .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([whole, changes]) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes;
      });
    const made = fc
      .tuple(fc.constantFrom("Pod", "Service", "Event"), fc.uint8Array({ maxLength: 120 }))
      .map(([kind, raw]) => body("v1", kind, [...raw]));
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(damaged, made), (bytes) => {
        try {
          JSON.stringify(decoded(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
          refused += 1;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test("a reader is never beyond its end", () => {
    const reader = new WireReader(Buffer.from([0x0a, 2, 0x61, 0x62, 0x08]));
    reader.tag("X");
    const outer = reader.enter();
    expect(() => reader.double()).toThrow("unexpected EOF");
    reader.leave(outer);
    expect(reader.tag("X")).toBe(1);
    expect(reader.done).toBe(true);
  });
});
