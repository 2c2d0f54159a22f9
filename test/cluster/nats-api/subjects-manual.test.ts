import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MANUAL_FILE, manualText } from "./subjects-manual.ts";

test("docs/nats.md has the subjects that the kinds have; npm run nats-subjects writes them", () => {
  expect(readFileSync(MANUAL_FILE, "utf8")).toBe(manualText());
});
