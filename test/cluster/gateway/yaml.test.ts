import { describe, expect, test } from "vitest";
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
