import { describe, expect, test } from "vitest";
import { findField } from "../../../../actors/kinds/custom/field-paths.ts";
import { schemaErrors } from "../../../../actors/kinds/custom/schema-rules.ts";
import type { StructuralSchema } from "../../../../actors/kinds/custom/structural-schema.ts";

const TEXT: StructuralSchema = { type: "string" };
const SCHEMA: StructuralSchema = {
  type: "object",
  properties: {
    a: { type: "object", properties: { b: TEXT, "c.d": TEXT, "e'f": TEXT } },
    map: { type: "object", additionalProperties: TEXT },
    list: { type: "array", items: { type: "object", properties: { b: TEXT } } },
  },
};

describe("a path to a field", () => {
  test.each<[path: string, found: string]>([
    [".a.b", "a.b"],
    [".a['c.d']", "a.c.d"],
    ["['a']['e\\'f']", "a.e'f"],
    [".map.x", "map[x]"],
    [".map['x y']", "map[x y]"],
  ])("%s leads somewhere", (path, found) => {
    expect(findField(path, SCHEMA, true)).toMatchObject({ path: found, schema: TEXT });
  });

  test.each<[path: string, wrong: string]>([
    ["a", "expected [ or . but got: a"],
    [".", "unexpected end of JSON path"],
    [".a.x", "does not refer to a valid field"],
    [".a.b.c", "does not refer to a valid field"],
    [".list.b", "does not refer to a valid field"],
    [".list[0].b", "expected single quoted string but got 0"],
    [".map['x'", "unexpected end of JSON path"],
    [".map['x'.y", "expected ] but got ."],
  ])("%s leads nowhere", (path, wrong) => {
    expect(findField(path, SCHEMA, true)).toEqual({ wrong });
  });

  test("of objects that are selected has no brackets", () => {
    expect(findField(".a['b']", SCHEMA, false)).toEqual({ wrong: "array notation is not allowed" });
  });
});

describe("a schema", () => {
  const errorsOf = (schema: StructuralSchema): string[] =>
    schemaErrors({ type: "object", ...schema }, "s").map(({ field, message }) => `${field}: ${message}`);

  test("has rules about fields that it knows", () => {
    const rules = [".a", ".b", " "].map((fieldPath) => ({ rule: "true", fieldPath }));
    expect(errorsOf({ properties: { a: TEXT }, "x-kubernetes-validations": rules })).toEqual([
      's.x-kubernetes-validations[1].fieldPath: Invalid value: ".b": must be a valid path',
      's.x-kubernetes-validations[2].fieldPath: Invalid value: " ": must be non-empty if specified',
      's.x-kubernetes-validations[2].fieldPath: Invalid value: " ": must be a valid path',
    ]);
  });

  test("embeds nothing in the metadata of what it embeds, and has no defaults in maps there", () => {
    const inner: StructuralSchema = {
      type: "object",
      "x-kubernetes-embedded-resource": true,
      "x-kubernetes-preserve-unknown-fields": true,
    };
    const annotations: StructuralSchema = { type: "object", additionalProperties: { type: "string", default: "x" } };
    const metadata: StructuralSchema = { type: "object", properties: { annotations, other: inner }, default: { name: "n" } };
    expect(
      errorsOf({ properties: { embedded: { type: "object", "x-kubernetes-embedded-resource": true, properties: { metadata } } } }),
    ).toEqual([
      "s.properties[embedded].properties[metadata].properties[annotations].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata",
      "s.properties[embedded].properties[metadata].properties[other].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta",
    ]);
  });
});
