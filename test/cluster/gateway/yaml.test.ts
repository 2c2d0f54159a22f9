import { describe, expect, test } from "vitest";
import { repeatedKeys } from "../../../cluster/gateway/repeated-keys.ts";
import { readYaml } from "../../../cluster/gateway/yaml.ts";

/** A few hundred characters whose aliases come to millions of values. */
const LAUGHS = ["a: &a [x,x,x,x,x,x,x,x,x,x]", ...[..."bcdefg"].map((name, at) => `${name}: &${name} [${"*abcdef"[at + 1]}]`)]
  .join("\n")
  .replaceAll(/\[([a-f])\]/g, (_, name: string) => `[${Array(10).fill(`*${name}`).join(",")}]`);

describe("YAML bodies", () => {
  test.each([
    ["a: 1\nb: [x, 'y']\n", { a: 1, b: ["x", "y"] }],
    ['{"a": {"b": null}}', { a: { b: null } }],
    ["{a: b}", { a: "b" }],
    ["", null],
    ["a: 1\na: 2\n", { a: 2 }],
    ["a: &x { b: 1 }\nc: *x\n", { a: { b: 1 }, c: { b: 1 } }],
    ['a: "\\ud800"', { a: "\ufffd" }],
    ["yes: 'on'", { yes: "on" }],
  ])("%j", (text, value) => {
    expect(readYaml(text)).toEqual(value);
  });

  test.each([
    ["a: b: c", "line 1: mapping values are not allowed in this context"],
    ["{", "line 1: did not find expected node content"],
    ["a: *b", "unknown anchor 'b' referenced"],
    ["[".repeat(2_000), "line 1: exceeded max depth"],
    [LAUGHS, "document contains excessive aliasing"],
    ["a: &a [*a]", "document contains excessive aliasing"],
  ])("%.40j is refused", (text, words) => {
    expect(() => readYaml(text)).toThrow(`error converting YAML to JSON: yaml: ${words}`);
  });
});

test.each([
  ["a: 1\nb: 2\n", []],
  ["a: 1\na: 2\na: 3\n", ['line 2: key "a" already set in map', 'line 3: key "a" already set in map']],
  // The line is that of the value, and what is inside comes first.
  ["a: 1\na:\n  b: 1\n  b: 2\n", ['line 4: key "b" already set in map', 'line 3: key "a" already set in map']],
  ["- {x: 1}\n- {x: 1, x: 2}\n", ['line 2: key "x" already set in map']],
  ["1: a\n1: b\n'1': c\ntrue: 1\ntrue:\n", ["line 2: key 1 already set in map", "line 5: key true already set in map"]],
  ['{"a": {"b": 1,\n"b": 2}}', ['line 2: key "b" already set in map']],
  ["{a: 1, a: 2}", ['line 1: key "a" already set in map']],
  ["a: &x {b: 1}\nc: *x\n", []],
  ["", []],
])("keys that come twice in %j", (text, words) => {
  expect(repeatedKeys(text)).toEqual(words);
});
