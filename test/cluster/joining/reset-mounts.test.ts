import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mountPointsIn } from "../../../actors/node/volumes/mount-points.ts";
import { runReset } from "../../../cluster/joining/reset.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-reset-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Whether this user may mount anything. */
function mounted(source: string, target: string): boolean {
  try {
    execFileSync("mount", ["--bind", source, target], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("what is mounted for pods is unmounted, and nothing of it is removed", async (context) => {
  const [data, theirs] = [join(directory, "data"), join(directory, "theirs")];
  const target = join(data, "nodes/n/pods/u/volumes/kubernetes.io~csi/v/a place");
  for (const path of [join(data, "pki"), theirs, target]) mkdirSync(path, { recursive: true });
  writeFileSync(join(theirs, "precious"), "1");
  if (!mounted(theirs, target)) return context.skip("this user may mount nothing");
  expect(await mountPointsIn(join(data, "nodes"))).toEqual([target]);
  await runReset(data, true);
  expect(await mountPointsIn(join(data, "nodes"))).toEqual([]);
  expect(existsSync(join(data, "nodes"))).toBe(false);
  expect(readFileSync(join(theirs, "precious"), "utf8")).toBe("1");
});
