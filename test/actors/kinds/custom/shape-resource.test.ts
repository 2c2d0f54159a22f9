import { describe, expect, test } from "vitest";
import { shapeResource } from "../../../../actors/kinds/custom/shape-resource.ts";
import type { StructuralSchema } from "../../../../actors/kinds/custom/structural-schema.ts";

const META = { name: "a" };

/** Schema of `spec`, what is sent, what is kept, and the fields that are dropped and named. */
const CASES: readonly (readonly [name: string, schema: StructuralSchema, sent: unknown, kept: unknown, ...unknown: readonly string[]])[] = [
  ["unknown fields are dropped", { type: "object", properties: { a: {} } }, { a: 1, b: { c: 1 } }, { a: 1 }, "spec.b"],
  ["in lists too", { type: "array", items: { type: "object", properties: { a: {} } } }, [{ a: 1 }, { b: 1 }], [{ a: 1 }, {}], "spec[1].b"],
  ["unless they are preserved", { type: "object", "x-kubernetes-preserve-unknown-fields": true }, { b: { c: null } }, { b: { c: null } }],
  [
    "what is named below is pruned all the same",
    { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { a: { type: "object", properties: { x: {} } } } },
    { a: { x: 1, y: 1 }, b: 1 },
    { a: { x: 1 }, b: 1 },
    "spec.a.y",
  ],
  ["maps keep their keys", { type: "object", additionalProperties: { type: "object" } }, { k: { x: 1 } }, { k: {} }, "spec.k.x"],
  [
    "defaults fill what is missing",
    { type: "object", properties: { a: { default: { x: [] } }, b: { default: 0 } } },
    {},
    { a: { x: [] }, b: 0 },
  ],
  [
    "and then below",
    { type: "object", properties: { a: { type: "object", default: {}, properties: { b: { default: 1 } } } } },
    {},
    { a: { b: 1 } },
  ],
  ["a null takes the default", { type: "object", properties: { a: { type: "string", default: "x" } } }, { a: null }, { a: "x" }],
  ["a null that may not be goes", { type: "object", properties: { a: { type: "string" } } }, { a: null }, {}],
  ["a null that may be stays", { type: "object", properties: { a: { type: "string", nullable: true } } }, { a: null }, { a: null }],
  [
    "an embedded object has metadata of its own",
    { type: "object", "x-kubernetes-embedded-resource": true, properties: { spec: { type: "object" } } },
    { apiVersion: "v1", kind: "X", metadata: { name: "b", nope: 1 }, data: {} },
    { apiVersion: "v1", kind: "X", metadata: { name: "b" } },
    "spec.data",
    "spec.metadata.nope",
  ],
];

describe("shapeResource", () => {
  for (const [name, schema, sent, kept, ...unknown] of CASES) {
    test(name, () => {
      const body = { apiVersion: "g/v1", kind: "K", metadata: { ...META }, spec: structuredClone(sent) };
      const shaped = shapeResource({ type: "object", properties: { spec: schema } }, body);
      expect(shaped.object).toEqual({ apiVersion: "g/v1", kind: "K", metadata: META, spec: kept });
      expect(shaped.unknown).toEqual(unknown);
    });
  }

  test("metadata must fit", () => {
    const body = { metadata: { name: "a", labels: { a: true } } };
    expect(() => shapeResource({ type: "object" }, body)).toThrow(
      "json: cannot unmarshal bool into Go struct field ObjectMeta.labels of type string",
    );
  });
});
