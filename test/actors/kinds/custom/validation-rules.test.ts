import { describe, expect, test } from "vitest";
import type { StructuralSchema, ValidationRule } from "../../../../actors/kinds/custom/structural-schema.ts";
import { brokenRules } from "../../../../actors/kinds/custom/validation-rules.ts";

const FIELDS: StructuralSchema = {
  type: "object",
  properties: {
    size: { type: "integer" },
    ratio: { type: "number" },
    mode: { type: "string" },
    names: { type: "array", items: { type: "string" } },
    "a-b": { type: "string" },
    when: { type: "string", format: "date-time" },
    map: { type: "object", additionalProperties: { type: "integer" } },
    quantity: { "x-kubernetes-int-or-string": true },
  },
};

/** A rule on `spec`, its value, and what is said of it; nothing: it is obeyed. */
const CASES: readonly (readonly [rule: string, spec: object, says?: string])[] = [
  ["self.size <= 5 || self.mode == 'b'", { size: 6, mode: "b" }],
  ["self.size <= 5", { size: 6 }, "failed rule: self.size <= 5"],
  ["self.ratio > 1", { ratio: 1.5 }],
  ["!has(self.mode) || self.mode.startsWith('x')", {}],
  ["self.names.all(n, n.matches('^[a-z]+$'))", { names: ["a", "B"] }, "failed rule: self.names.all(n, n.matches('^[a-z]+$'))"],
  ["self.names.exists_one(n, n == 'a')", { names: ["a", "b"] }],
  ["self.names.filter(n, n == 'a').size() == 1", { names: ["a", "b"] }],
  ["self.names.isSorted() && self.names.indexOf('b') == 1", { names: ["a", "b"] }],
  ["self.map.all(k, self.map[k] > 0)", { map: { x: 1, y: 2 } }],
  ["self.a__dash__b == 'x'", { "a-b": "x" }],
  ["self.when < timestamp('2030-01-01T00:00:00Z')", { when: "2026-01-01T00:00:00Z" }],
  ["self.?mode.orValue('x') == 'x'", {}],
  ["quantity(self.quantity).isGreaterThan(quantity('1Gi'))", { quantity: "2Gi" }],
  ["type(self.quantity) == int ? self.quantity > 0 : self.quantity == '50%'", { quantity: 3 }],
  ["cidr('10.0.0.0/8').containsIP(self.mode)", { mode: "10.1.2.3" }],
  ["url(self.mode).getHost() == 'a.b:80'", { mode: "https://a.b:80/c" }],
  ["self.names.map(n, n + '!').join(',') == 'a!,b!'", { names: ["a", "b"] }],
  ["self.mode == 'x'", {}, "no such key: mode evaluating rule: self.mode == 'x'"],
  ["self.size / 0 == 1", { size: 1 }, "division by zero evaluating rule: self.size / 0 == 1"],
];

function broken(rule: ValidationRule, spec: unknown, before?: unknown): string[] {
  const schema: StructuralSchema = { type: "object", properties: { spec: { ...FIELDS, "x-kubernetes-validations": [rule] } } };
  const errors = brokenRules(schema, { spec }, before === undefined ? undefined : { value: { spec: before } });
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

describe("brokenRules", () => {
  for (const [rule, spec, says] of CASES) {
    test(`${rule} of ${JSON.stringify(spec)}`, () => {
      expect(broken({ rule }, spec)).toEqual(says === undefined ? [] : [`spec: Invalid value: "object": ${says}`]);
    });
  }

  test("message, messageExpression, reason and fieldPath", () => {
    const rule = { rule: "self.size < 1", message: " too big ", messageExpression: "'%d is too big'.format([self.size])" };
    expect(broken({ ...rule, reason: "FieldValueForbidden", fieldPath: ".size" }, { size: 3 })).toEqual([
      "spec.size: Forbidden: 3 is too big",
    ]);
    // An expression that cannot say anything leaves it to the message.
    expect(broken({ ...rule, messageExpression: "self.nope" }, { size: 3 })).toEqual(['spec: Invalid value: "object": too big']);
  });

  test("transition rules hold between two states only", () => {
    const rule = { rule: "self.size >= oldSelf.size", message: "may not shrink" };
    expect(broken(rule, { size: 1 })).toEqual([]);
    expect(broken(rule, { size: 1 }, { size: 2 })).toEqual(['spec: Invalid value: "object": may not shrink']);
    expect(broken({ rule: "oldSelf.hasValue() || self.size == 0", optionalOldSelf: true }, { size: 1 })).toHaveLength(1);
    const ratchet = { rule: "self.size <= 5 || (oldSelf.hasValue() && oldSelf.value().size >= self.size)", optionalOldSelf: true };
    expect(broken(ratchet, { size: 7 }, { size: 8 })).toEqual([]);
    expect(broken(ratchet, { size: 7 }, { size: 6 })).toHaveLength(1);
    expect(broken(ratchet, { size: 7 })).toHaveLength(1);
  });

  test("a field that is null is not there", () => {
    expect(broken({ rule: "!has(self.size)" }, { size: null })).toEqual([]);
  });

  test("an index that is not there is told", () => {
    expect(broken({ rule: "self.names[3] == 'a'" }, { names: ["a"] })).toEqual([
      "spec: Invalid value: \"object\": index out of bounds: 3 evaluating rule: self.names[3] == 'a'",
    ]);
  });

  test("what is as it was need not obey, unless the rule asks how it was", () => {
    expect(broken({ rule: "self.size < 1" }, { size: 3 }, { size: 3 })).toEqual([]);
    expect(broken({ rule: "self.size > oldSelf.size" }, { size: 3 }, { size: 3 })).toHaveLength(1);
  });

  test("a rule that costs too much ends the rules", () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
    const rule = "self.names.all(a, self.names.exists(b, a == b))";
    expect(broken({ rule }, { names })).toEqual([
      `spec: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`,
    ]);
  });

  test("rules that cost too much together run out of their budget", () => {
    const names = Array.from({ length: 300 }, (_, index) => `n${index}`);
    const dear = { rule: "self.names.all(a, self.names.exists(b, b == 'n299'))" };
    const schema: StructuralSchema = { ...FIELDS, "x-kubernetes-validations": Array.from({ length: 40 }, () => dear) };
    expect(brokenRules({ type: "object", properties: { spec: schema } }, { spec: { names } }, undefined)).toEqual([
      expect.objectContaining({
        field: "spec",
        message: 'Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
      }),
    ]);
  });
});
