import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COVERAGE_FILE, coverage, REGENERATE } from "./coverage.ts";

test("docs/api-coverage.md says what is served", () => {
  expect(readFileSync(COVERAGE_FILE, "utf8"), `run \`${REGENERATE}\``).toBe(coverage());
});
