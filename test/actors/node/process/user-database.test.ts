import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { groupsOf, idsNamed } from "../../../../actors/node/process/user-database.ts";

const root = mkdtempSync(join(tmpdir(), "troupe-users-"));
beforeAll(() => {
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:7:8::/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nweb:x:60:app,other\nlog:x:30:app\napp:x:8:\n");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ["app", 7, 8],
  ["7", 7, 8],
  ["app:web", 7, 60],
  ["app:5", 7, 5],
  // Nobody knows that one: its group is root's, as of a container of containerd's.
  ["4321", 4_321, 0],
])("%s is %i, of group %i", (name, uid, gid) => {
  expect(idsNamed(name, root)).toEqual({ uid, gid });
});

test("who is not there cannot be had", () => {
  expect(() => idsNamed("nobody", root)).toThrow('there is no user "nobody"');
  expect(() => idsNamed("app:none", root)).toThrow('there is no group "none"');
});

test("groups are those that a user is a member of", () => {
  expect([groupsOf(7, root), groupsOf(0, root), groupsOf(4_321, root), groupsOf(7, join(root, "nowhere"))]).toEqual([[30, 60], [], [], []]);
});
