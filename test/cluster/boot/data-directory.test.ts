import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DataDirectory, isRunning } from "../../../cluster/boot/data-directory.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "troupe-data-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe("DataDirectory", () => {
  test("is private, and gives its lock back when closed", () => {
    const data = DataDirectory.open(join(home, "deep", "data"));
    expect(statSync(data.path).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid });
    data.close();
    expect(existsSync(data.file("lock"))).toBe(false);
  });

  test("refuses a directory that a live process holds, naming it and what to do", () => {
    const other = process.ppid;
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: other }));
    expect(() => DataDirectory.open(home)).toThrow(new RegExp(`${home} is in use by a Troupe with pid ${other}; .*--data DIR`));
    expect(existsSync(join(home, "lock"))).toBe(true);
  });

  test.each([
    ["a holder that is gone", JSON.stringify({ pid: 2 ** 22 + 1, started: "1" })],
    ["a pid that another process has now", JSON.stringify({ pid: process.ppid, started: "not its start" })],
    ["a lock that was never finished", ""],
  ])("takes over from %s", (_case, lock) => {
    writeFileSync(join(home, "lock"), lock);
    const data = DataDirectory.open(home);
    expect(JSON.parse(readFileSync(data.file("lock"), "utf8"))).toMatchObject({ pid: process.pid });
    expect(readdirSync(home)).toEqual(["lock"]);
  });

  test("names a path that cannot be a directory", () => {
    writeFileSync(join(home, "file"), "");
    expect(() => DataDirectory.open(join(home, "file"))).toThrow(/cannot write the data directory .*file \(EEXIST\); choose another/);
  });

  test("writes whole files only, for their owner", () => {
    const data = DataDirectory.open(home);
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
