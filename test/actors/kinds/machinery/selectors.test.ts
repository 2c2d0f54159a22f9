import { describe, expect, test } from "vitest";
import { ConfigMapKind } from "../../../../actors/kinds/core/config-map.ts";
import { PodKind } from "../../../../actors/kinds/core/pod.ts";
import type { Kind } from "../../../../actors/kinds/kind.ts";
import { compileFieldSelector, exactValue, parseFieldSelector } from "../../../../actors/kinds/machinery/field-selector.ts";
import { scaledValue, validateAtMostHundred, validateCountOrPercent } from "../../../../actors/kinds/machinery/int-or-string.ts";
import {
  matchesLabels,
  parseLabelSelector,
  printSelector,
  selectorOf,
  validateLabelSelector,
} from "../../../../actors/kinds/machinery/label-selector.ts";
import type { KubeObject } from "../../../../actors/kinds/object.ts";

describe("label selector texts", () => {
  test.each([
    ["", "", [{}, { a: "b" }], []],
    ["a=b", "a=b", [{ a: "b" }], [{}, { a: "c" }]],
    ["a==b", "a==b", [{ a: "b" }], [{ a: "c" }]],
    ["a!=b", "a!=b", [{}, { a: "c" }], [{ a: "b" }]],
    ["a in (c, b)", "a in (b,c)", [{ a: "b" }, { a: "c" }], [{}, { a: "d" }]],
    ["a notin (b)", "a notin (b)", [{}, { a: "c" }], [{ a: "b" }]],
    ["a", "a", [{ a: "" }], [{}]],
    ["!a", "!a", [{}], [{ a: "" }]],
    ["a>5", "a>5", [{ a: "6" }], [{ a: "5" }, { a: "x" }, {}]],
    ["a<5", "a<5", [{ a: "4" }], [{ a: "5" }]],
    ["z=1,a", "a,z=1", [{ z: "1", a: "" }], [{ z: "1" }]],
    ["a=", "a=", [{ a: "" }], [{}, { a: "b" }]],
    ["a in ()", "a in ()", [{ a: "" }], [{ a: "b" }]],
    ["in in (in)", "in in (in)", [{ in: "in" }], [{ in: "out" }]],
    ["a in (,b)", "a in (,b)", [{ a: "" }, { a: "b" }], [{ a: "c" }]],
  ] as const)("%j", (text, printed, yes, no) => {
    const selector = parseLabelSelector(text);
    expect(printSelector(selector)).toBe(printed);
    for (const labels of yes) expect(matchesLabels(selector, labels), JSON.stringify(labels)).toBe(true);
    for (const labels of no) expect(matchesLabels(selector, labels), JSON.stringify(labels)).toBe(false);
  });

  test.each([
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b,", "found '', expected: identifier after ','"],
    ["=b", "found '=', expected: !, identifier, or 'end of string'"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a>b", `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`],
    ["!", "unable to parse requirement: found '', expected: identifier"],
  ])("%j is refused", (text, words) => {
    expect(() => parseLabelSelector(text)).toThrow(words);
  });

  test("inherited members are no labels", () => {
    expect(matchesLabels(parseLabelSelector("toString"), {})).toBe(false);
  });
});

describe("LabelSelector objects", () => {
  test("absent selects nothing, empty everything", () => {
    expect(matchesLabels(selectorOf(undefined), { a: "b" })).toBe(false);
    expect(matchesLabels(selectorOf({}), { a: "b" })).toBe(true);
  });

  test("labels and expressions must all hold", () => {
    const selector = selectorOf({ matchLabels: { app: "x" }, matchExpressions: [{ key: "old", operator: "DoesNotExist" }] });
    expect(matchesLabels(selector, { app: "x" })).toBe(true);
    expect(matchesLabels(selector, { app: "x", old: "" })).toBe(false);
    expect(printSelector(selector)).toBe("app=x,!old");
  });

  test("what is wrong is said with its place", () => {
    const errors = validateLabelSelector(
      {
        matchLabels: { a: "-" },
        matchExpressions: [
          { key: "k", operator: "In" },
          { key: "k", operator: "Exists", values: ["v"] },
          { key: "", operator: "Like" },
        ],
      },
      "spec.selector",
    );
    expect(errors.map(({ field, reason }) => `${field} ${reason}`)).toEqual([
      "spec.selector.matchLabels FieldValueInvalid",
      "spec.selector.matchExpressions[0].values FieldValueRequired",
      "spec.selector.matchExpressions[1].values FieldValueForbidden",
      "spec.selector.matchExpressions[2].operator FieldValueInvalid",
      "spec.selector.matchExpressions[2].key FieldValueInvalid",
      "spec.selector.matchExpressions[2].key FieldValueInvalid",
    ]);
  });
});

describe("field selectors", () => {
  const pods = PodKind as unknown as Kind;
  const pod = {
    metadata: { name: "p", namespace: "n" },
    spec: { nodeName: "a,b", containers: [] },
    status: { phase: "Running" },
  } as unknown as KubeObject;

  test.each([
    ["", true],
    ["metadata.name=p", true],
    ["metadata.name==p,metadata.namespace=n", true],
    ["metadata.name!=p", false],
    ["spec.nodeName=a\\,b", true],
    ["status.phase!=Running", false],
    ["status.phase=", false],
  ])("%j", (text, matches) => {
    expect(compileFieldSelector(pods, parseFieldSelector(text))(pod)).toBe(matches);
  });

  test.each([
    ["nope", "invalid selector: 'nope'; can't understand 'nope'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=\\x", "invalid field selector: invalid escape sequence: \\x"],
  ])("%j is refused", (text, words) => {
    expect(() => parseFieldSelector(text)).toThrow(words);
  });

  test("a field that the kind does not have is refused in the kind's words", () => {
    expect(() => compileFieldSelector(pods, parseFieldSelector("spec.nope=1"))).toThrow("field label not supported: spec.nope");
    expect(() => compileFieldSelector(ConfigMapKind as unknown as Kind, parseFieldSelector("data.a=1"))).toThrow(
      '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  });

  test("an exact value is found", () => {
    expect(exactValue(parseFieldSelector("a!=1,metadata.name=p"), "metadata.name")).toBe("p");
    expect(exactValue(parseFieldSelector("metadata.name!=p"), "metadata.name")).toBeUndefined();
  });
});

describe("counts and shares", () => {
  test.each([
    [3, 10, "up", 3],
    ["25%", 10, "up", 3],
    ["25%", 10, "down", 2],
    ["0%", 10, "up", 0],
    ["x", 10, "up", undefined],
    ["3", 10, "up", undefined],
  ] as const)("%j of %d, rounded %s, is %j", (value, total, round, count) => {
    expect(scaledValue(value, total, round)).toBe(count);
  });

  test("what is neither is refused", () => {
    expect(validateCountOrPercent(-1, "f")).toHaveLength(1);
    expect(validateCountOrPercent("-1%", "f")).toHaveLength(1);
    expect(validateCountOrPercent("30%", "f")).toEqual([]);
    expect(validateAtMostHundred("101%", "f")[0]?.message).toBe('Invalid value: "101%": must not be greater than 100%');
    expect(validateAtMostHundred(101, "f")).toEqual([]);
  });
});
