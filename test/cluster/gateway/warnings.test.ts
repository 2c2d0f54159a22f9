import { expect, test } from "vitest";
import { warningValues } from "../../../cluster/gateway/warnings.ts";

test("warnings are quoted, in bytes of UTF-8, and without control characters", () => {
  expect(warningValues(['unknown field "a"'])).toEqual(['299 - "unknown field \\"a\\""']);
  expect(warningValues(["é\ud800"])).toEqual(['299 - "\u00c3\u00a9\u00ef\u00bf\u00bd"']);
  expect(warningValues(["a\nb", "c\u0000", "d"])).toEqual(['299 - "d"']);
});

test("too many, or too long ones, are cut", () => {
  expect(warningValues(["x".repeat(300)])[0]).toHaveLength(300 + '299 - ""'.length);
  const many = warningValues(Array.from({ length: 100 }, () => "x".repeat(300)));
  expect(many).toHaveLength(16);
  expect(many[0]).toHaveLength(256 + '299 - ""'.length);
});
