import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONTROLLER_NAMES } from "../../actors/controllers/controllers.ts";

test("docs/controllers.md lists the controllers that run", () => {
  const book = readFileSync(new URL("../../docs/controllers.md", import.meta.url), "utf8");
  const listed = [...book.matchAll(/^\| [^|]+ \| `([^`]+)` \|/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual([...CONTROLLER_NAMES].sort());
});
