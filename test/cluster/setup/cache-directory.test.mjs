import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheDirectory } from "../../../cluster/setup/cache-directory.mjs";
import { Problem } from "../../../cluster/setup/problem.mjs";

let home;
const before = process.env.XDG_CACHE_HOME;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "troupe-cache-"));
  process.env.XDG_CACHE_HOME = join(home, "cache");
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(home, { recursive: true });
});

test("is the user's, else the clone's, else a problem that says what to do", () => {
  expect(cacheDirectory(home, "things")).toBe(join(home, "cache/troupe/things"));
  writeFileSync(join(home, "file"), "");
  process.env.XDG_CACHE_HOME = join(home, "file");
  expect(cacheDirectory(home, "things")).toBe(join(home, "node_modules/.cache/troupe/things"));
  expect(() => cacheDirectory(join(home, "file"), "things")).toThrow(Problem);
  expect(() => cacheDirectory(join(home, "file"), "things")).toThrow(/neither .* nor .* can be written; set XDG_CACHE_HOME/);
});
