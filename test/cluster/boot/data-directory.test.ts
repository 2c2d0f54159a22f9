import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DataDirectory, isRunning } from "../../../cluster/boot/data-directory.ts";

let home: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "troupe-data-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
});

/** A process that can hold a lock, and end. */
function holder(): ChildProcess {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return child;
}

describe("DataDirectory", () => {
  test("is private, and gives its lock back when closed", async () => {
    const data = await DataDirectory.open(join(home, "deep", "data"));
    expect(statSync(data.path).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid });
    data.close();
    expect(readdirSync(data.path)).toEqual([]);
  });

  test("refuses a directory that a live process holds, naming it and what to do", async () => {
    const other = process.ppid;
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: other }));
    await expect(DataDirectory.open(home)).rejects.toThrow(new RegExp(`${home} is in use by a Troupe with pid ${other}; .*--data DIR`));
    expect(existsSync(join(home, "lock"))).toBe(true);
  });

  test("is not held by who holds the directory that it was copied from", async () => {
    const inode = statSync(home).ino;
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: process.ppid, inode }));
    await expect(DataDirectory.open(home)).rejects.toThrow(/is in use by a Troupe/);
    expect(DataDirectory.holder(home)).toBe(process.ppid);
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: process.ppid, inode: inode + 1 }));
    expect(DataDirectory.holder(home)).toBeUndefined();
    const data = await DataDirectory.open(home);
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid, inode });
  });

  test("waits for a holder that drains", async () => {
    const other = holder();
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: other.pid, draining: true }));
    const opening = DataDirectory.open(home);
    other.kill("SIGKILL");
    const data = await opening;
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid });
  });

  test("says in its lock that it drains", async () => {
    const data = await DataDirectory.open(home);
    data.draining();
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid, draining: true });
  });

  test.each([
    ["a holder that is gone", JSON.stringify({ pid: 2 ** 22 + 1, started: "1" })],
    ["a pid that another process has now", JSON.stringify({ pid: process.ppid, started: "not its start" })],
    ["a lock that was never finished", ""],
  ])("takes over from %s", async (_case, lock) => {
    writeFileSync(join(home, "lock"), lock);
    const data = await DataDirectory.open(home);
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid });
    expect(readdirSync(home)).toEqual(["lock"]);
  });

  test("names a path that cannot be a directory", async () => {
    writeFileSync(join(home, "file"), "");
    await expect(DataDirectory.open(join(home, "file"))).rejects.toThrow(
      /cannot write the data directory .*file \(EEXIST\); choose another/,
    );
  });

  test("writes whole files only, for their owner", async () => {
    const data = await DataDirectory.open(home);
    data.write("status.json", "{}");
    data.write("status.json", '{"pid":1}');
    expect(readFileSync(data.file("status.json"), "utf8")).toBe('{"pid":1}');
    expect(statSync(data.file("status.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(home).sort()).toEqual(["lock", "status.json"]);
  });
});

test("this process does not count as another holder of its own pid", () => {
  expect(isRunning({ pid: process.pid, started: undefined })).toBe(false);
});
