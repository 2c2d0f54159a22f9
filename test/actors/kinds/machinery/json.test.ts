import { describe, expect, test } from "vitest";
import { JsonError, NESTING_MAX, parseJson } from "../../../../actors/kinds/machinery/json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("JSON of strangers", () => {
  test("is followed as deep as the limit, and not deeper", () => {
    expect(() => parseJson(nested(NESTING_MAX))).not.toThrow();
    expect(() => parseJson(nested(NESTING_MAX + 1))).toThrow(new JsonError("exceeded max depth"));
    expect(() => parseJson("[".repeat(3_000_000))).toThrow(new JsonError("exceeded max depth"));
  });

  test("brackets in strings are no nesting", () => {
    const text = `${"[{".repeat(2_000)}\\"`;
    const long = JSON.stringify({ a: text, b: [text] });
    expect(parseJson(long)).toEqual({ a: text, b: [text] });
  });

  test("halves of surrogate pairs become whole characters", () => {
    expect(parseJson('{"a\\ud800":["\\uDFFFb","\\ud83d\\ude00"]}')).toEqual({ "a\ufffd": ["\ufffdb", "😀"] });
  });

  test("__proto__ is a name like others", () => {
    expect(Object.keys(parseJson('{"__proto__":{"a":1},"b":"\\ud800"}') as object)).toEqual(["__proto__", "b"]);
  });

  test("what is none is refused in Go's words", () => {
    expect(() => parseJson("{")).toThrow(new JsonError("unexpected end of JSON input"));
    expect(() => parseJson('{"a":01}')).toThrow(new JsonError("invalid character '1' after object key:value pair"));
  });
});
