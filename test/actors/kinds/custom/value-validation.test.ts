import { describe, expect, test } from "vitest";
import type { StructuralSchema } from "../../../../actors/kinds/custom/structural-schema.ts";
import { validateValue } from "../../../../actors/kinds/custom/value-validation.ts";

/** Schema of the field `a`, its value, and what Kubernetes says of it; nothing: all is well. */
const CASES: readonly (readonly [schema: StructuralSchema, value: unknown, ...says: readonly string[]])[] = [
  [{ type: "integer" }, 3],
  [{ type: "integer" }, "3", 'a: Invalid value: "string": a in body must be of type integer: "string"'],
  [{ type: "integer" }, 1.5, 'a: Invalid value: "number": a in body must be of type integer: "number"'],
  [{ type: "number" }, 3],
  [{ type: "string" }, null, 'a: Invalid value: "null": a in body must be of type string: "null"'],
  [{ type: "string", nullable: true }, null],
  [{ type: "object" }, [], 'a: Invalid value: "array": a in body must be of type object: "array"'],
  [{ "x-kubernetes-int-or-string": true }, "50%"],
  [{ "x-kubernetes-int-or-string": true }, true, 'a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'],
  [{ type: "integer", maximum: 10 }, 11, "a: Invalid value: 11: a in body should be less than or equal to 10"],
  [{ type: "integer", maximum: 10, exclusiveMaximum: true }, 10, "a: Invalid value: 10: a in body should be less than 10"],
  [{ type: "integer", minimum: 1 }, 0, "a: Invalid value: 0: a in body should be greater than or equal to 1"],
  [{ type: "number", minimum: 0, exclusiveMinimum: true }, 0, "a: Invalid value: 0: a in body should be greater than 0"],
  [{ type: "integer", multipleOf: 5 }, 7, "a: Invalid value: 7: a in body should be a multiple of 5"],
  [{ type: "string", minLength: 3 }, "ab", 'a: Invalid value: "ab": a in body should be at least 3 chars long'],
  [{ type: "string", maxLength: 2 }, "abc", "a: Too long: may not be more than 2 bytes"],
  [{ type: "string", maxLength: 2 }, "äö"],
  [{ type: "string", pattern: "^[a-z]+$" }, "A", "a: Invalid value: \"A\": a in body should match '^[a-z]+$'"],
  [{ type: "string", enum: ["a", "b"] }, "c", 'a: Unsupported value: "c": supported values: "a", "b"'],
  [{ type: "integer", enum: [1, 2] }, 3, 'a: Unsupported value: 3: supported values: "1", "2"'],
  [{ type: "string", format: "ipv4" }, "1.2.3", 'a: Invalid value: "1.2.3": a in body must be of type ipv4: "1.2.3"'],
  [{ type: "string", format: "nobody-knows" }, "x"],
  [{ type: "array", minItems: 1, items: {} }, [], "a: Invalid value: 0: a in body should have at least 1 items"],
  [{ type: "array", maxItems: 1, items: {} }, [1, 2], "a: Too many: 2: must have at most 1 item"],
  [
    { type: "array", items: { type: "string" } },
    ["x", 1],
    'a[1]: Invalid value: "integer": a[1] in body must be of type string: "integer"',
  ],
  [{ type: "object", maxProperties: 1 }, { x: 1, y: 2 }, "a: Too many: 2: must have at most 1 item"],
  [{ type: "object", required: ["x"], properties: { x: {} } }, {}, "a.x: Required value"],
  [
    { type: "object", additionalProperties: { type: "string" } },
    { x: 1 },
    'a.x: Invalid value: "integer": a.x in body must be of type string: "integer"',
  ],
  [
    { oneOf: [{ required: ["x"] }, { required: ["y"] }] },
    { x: 1, y: 1 },
    '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [{ not: { required: ["x"] } }, { x: 1 }, '<nil>: Invalid value: "": "a" must not validate the schema (not)'],
  [{ anyOf: [{ enum: [1] }] }, 1],
];

describe("validateValue", () => {
  for (const [schema, value, ...says] of CASES) {
    test(`${JSON.stringify(schema)} of ${JSON.stringify(value)}`, () => {
      const errors = validateValue({ type: "object", properties: { a: schema } }, { a: value }, "");
      expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual(says);
    });
  }

  test("what an update leaves as it was is not judged again", () => {
    const schema: StructuralSchema = { type: "object", properties: { a: { type: "integer", maximum: 1 }, b: { type: "string" } } };
    const before = { value: { a: 5, b: "x" } };
    expect(validateValue(schema, { a: 5, b: "y" }, "", before)).toEqual([]);
    expect(validateValue(schema, { a: 6, b: "x" }, "", before)).toHaveLength(1);
  });

  test("items are known again by their keys, and by nothing else", () => {
    const items: StructuralSchema = { type: "object", properties: { k: { type: "string" }, n: { type: "integer", maximum: 1 } } };
    const map: StructuralSchema = { type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] };
    const before = { value: [{ k: "x", n: 9 }] };
    const next = [{ k: "y" }, { k: "x", n: 9 }];
    expect(validateValue(map, next, "", before)).toEqual([]);
    expect(validateValue({ type: "array", items }, next, "", before)).toHaveLength(1);
  });
});
