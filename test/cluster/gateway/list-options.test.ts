import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeContinue, encodeContinue } from "../../../cluster/gateway/continue-token.ts";
import type { ListOptions } from "../../../cluster/gateway/list-options.ts";
import { listState, parseListOptions, validateListOptions, watchStart } from "../../../cluster/gateway/list-options.ts";

function options(query: string): ListOptions {
  const parsed = parseListOptions(new URLSearchParams(query));
  if ("message" in parsed) return expect.fail(parsed.message);
  return parsed;
}

describe("the state that a list shows", () => {
  test.each([
    ["", { state: "newest" }],
    ["limit=5", { state: "newest" }],
    ["resourceVersion=0", { state: "any" }],
    ["resourceVersion=0&limit=5", { state: "any" }],
    ["resourceVersion=7", { state: "at-least", revision: 7 }],
    ["resourceVersion=7&limit=5", { state: "exactly", revision: 7 }],
    ["resourceVersion=7&resourceVersionMatch=NotOlderThan&limit=5", { state: "at-least", revision: 7 }],
    ["resourceVersion=7&resourceVersionMatch=Exact", { state: "exactly", revision: 7 }],
    ["resourceVersion=-7", undefined],
    ["resourceVersion=1e3", undefined],
  ])("%s", (query, state) => {
    expect(listState(options(query))).toEqual(state);
  });
});

describe("where a watch starts", () => {
  test.each([
    ["", { from: "state", state: { state: "newest" }, bookmarkAfter: false }],
    ["resourceVersion=0", { from: "state", state: { state: "any" }, bookmarkAfter: false }],
    ["resourceVersion=7", { from: "revision", revision: 7 }],
    ["sendInitialEvents=true&allowWatchBookmarks=true", { from: "state", state: { state: "newest" }, bookmarkAfter: true }],
    ["sendInitialEvents=true&resourceVersion=7", { from: "state", state: { state: "at-least", revision: 7 }, bookmarkAfter: false }],
    ["sendInitialEvents=false", { from: "now" }],
    ["sendInitialEvents=false&resourceVersion=7", { from: "revision", revision: 7 }],
  ])("%s", (query, start) => {
    expect(watchStart(options(query))).toEqual(start);
  });
});

describe("what contradicts itself", () => {
  test.each([
    ["", false, []],
    ["resourceVersion=5&resourceVersionMatch=Exact", false, []],
    ["resourceVersionMatch=Exact", false, ["Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"]],
    ["resourceVersion=5&resourceVersionMatch=Foo", false, ['Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""']],
    [
      "resourceVersion=0&resourceVersionMatch=Exact",
      false,
      ['Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    ],
    [
      "resourceVersion=5&resourceVersionMatch=Exact&continue=x",
      false,
      ["Forbidden: resourceVersionMatch is forbidden when continue is provided"],
    ],
    ["sendInitialEvents=true", false, ["Forbidden: sendInitialEvents is forbidden for list"]],
    ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan", true, []],
    ["sendInitialEvents=true", true, ["Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"]],
    [
      "resourceVersionMatch=NotOlderThan",
      true,
      ["Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"],
    ],
  ])("%s (watch: %s)", (query, watch, messages) => {
    expect(validateListOptions(options(query), watch).map(({ message }) => message)).toEqual(messages);
  });
});

test.each(["limit", "timeoutSeconds"])("%s must be a number", (name) => {
  expect(parseListOptions(new URLSearchParams({ [name]: "x" }))).toEqual({ message: 'strconv.ParseInt: parsing "x": invalid syntax' });
});

test("a continue token survives its text", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.stringMatching(/^[a-z0-9:]+(\/[a-z0-9.]+[a-z])?$/), (revision, start) => {
      for (const rv of [revision, -1]) expect(decodeContinue(encodeContinue({ revision: rv, start }))).toEqual({ revision: rv, start });
    }),
  );
});

const tokenOf = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test.each([
  ["%%%", "illegal base64 data at input byte 0"],
  ["abc=", "illegal base64 data at input byte 3"],
  ["x", "illegal base64 data at input byte 0"],
  [Buffer.from("hello").toString("base64url"), "invalid character 'h' looking for beginning of value"],
  [tokenOf({ v: "v1", rv: 1, start: "a" }), "server does not recognize this encoded version v1"],
  [tokenOf({ v: "meta.k8s.io/v1", rv: 0, start: "a" }), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"],
  [tokenOf({ v: "meta.k8s.io/v1", rv: 1, start: "" }), "encoded start key empty (version meta.k8s.io/v1)"],
  [tokenOf({ v: "meta.k8s.io/v1", rv: 1, start: "../x" }), "../x"],
])("%s is no token", (text, words) => {
  expect(decodeContinue(text)).toBe(`continue key is not valid: ${words}`);
});

test("no text makes the decoder throw", () => {
  fc.assert(fc.property(fc.string(), (text) => void decodeContinue(text)));
});
