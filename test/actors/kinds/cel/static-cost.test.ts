import { expect, test } from "vitest";
import { maximumCost } from "../../../../actors/kinds/cel/static-cost.ts";
import { extentOf } from "../../../../actors/kinds/custom/extents.ts";
import type { StructuralSchema } from "../../../../actors/kinds/custom/structural-schema.ts";
import { checkedRule } from "../../../../actors/kinds/custom/validation-rules.ts";

const NUMBER: StructuralSchema = { type: "number" };
const STRING: StructuralSchema = { type: "string" };
const BOOLEAN: StructuralSchema = { type: "boolean" };
const EITHER: StructuralSchema = { "x-kubernetes-int-or-string": true };
const OBJECT: StructuralSchema = { type: "object", properties: { required: STRING, optional: STRING }, required: ["required"] };
const list = (items: StructuralSchema, maxItems?: number): StructuralSchema => ({ type: "array", items, ...limit({ maxItems }) });
const map = (of: StructuralSchema, maxProperties?: number): StructuralSchema => ({
  type: "object",
  additionalProperties: of,
  ...limit({ maxProperties }),
});
const text = (maxLength?: number): StructuralSchema => ({ ...STRING, ...limit({ maxLength }) });

function limit(limits: Readonly<Record<string, number | undefined>>): StructuralSchema {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** By Kubernetes' own tests. Source: apiextensions-apiserver's pkg/apiserver/schema/cel/compilation_test.go. */
test.each<[string, StructuralSchema, number]>([
  ["self.all(x, true)", list(NUMBER), 4718591],
  ["self.all(x, true)", list(NUMBER, 10), 32],
  ["self.all(x, true)", list(STRING), 3145727],
  ["self.all(x, true)", list(STRING, 20), 62],
  ["self.all(x, true)", list(BOOLEAN), 1887437],
  ["self.all(x, true)", list(list(NUMBER)), 3145727],
  ["self.all(x, true)", list(OBJECT), 555128],
  ["self.all(x, true)", map(NUMBER), 1348169],
  ["self.all(x, true)", map(STRING), 1179647],
  ["self.all(x, true)", map(STRING, 3), 11],
  ["self.contains('test')", text(), 314574],
  ["self.contains('test')", text(10), 5],
  ["self.startsWith('test')", text(), 2],
  ['size(self + "hello") > size("hello")', text(), 314578],
  ['size(self + "hello") > size("hello")', text(4), 7],
  ["self[1] == 0.0", list(NUMBER), 2],
  ["self[1] == self[1]", list(STRING), 314577],
  ["self.all(x, self.all(y, true))", list(NUMBER, 10), 352],
  ["self.all(x, self.all(y, self.all(z, true)))", list(NUMBER, 10), 3552],
  ['self.matches("x")', text(), 314574],
  ['self.matches("x")', text(50), 22],
  ["self.all(x, x.contains(self[x]))", map(STRING), 2752507],
  ["self.all(x, x.contains(self[x]))", map(text(10), 10), 72],
  ['self == "x"', text(), 2],
  ['self == "x"', text(0), 1],
  ["self.all(x, x == 0.0)", list(NUMBER), 6291454],
  ['self.all(x, x["y"].required == "z")', list(map(OBJECT)), 7340027],
  ["self.all(x, true)", list(EITHER), 4718591],
  ["self[0] == 5", list(EITHER), 3],
  ["self[0][0] == -1.0", list(list(NUMBER)), 3],
  ["self.all(x, x.y == 25.2)", list(map(NUMBER)), 6291452],
  ["self.all(x, true)", list({ type: "string", format: "date-time" }), 428963],
])("%s on %j costs at most %i", (rule, schema, cost) => {
  const checked = checkedRule(rule, schema, { whole: false, optionalOldSelf: false });
  const self = extentOf(schema);
  if ("problem" in checked || self === undefined) throw new Error(JSON.stringify(checked));
  expect(maximumCost(checked.tree, { self })).toBe(cost);
});
