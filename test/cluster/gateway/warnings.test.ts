import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { warningsOf, warningValues } from "../../../cluster/gateway/warnings.ts";

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

test("so many warnings that nobody could read them are no work", () => {
  let written = 0;
  let told: readonly string[] = [];
  const response = {
    headersSent: false,
    setHeader: (_name: string, values: readonly string[]) => {
      written++;
      told = values;
    },
  } as unknown as ServerResponse;
  const warn = warningsOf(response);
  for (let count = 0; count < 50_000; count++) warn(`unknown field "spec.field${count}"`);
  expect(told.length).toBeLessThan(written);
  expect(written).toBeLessThan(300);
});
