import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type ControlGroup,
  groupWithin,
  killTogether,
  limitGroup,
  makeGroup,
  oomKills,
  processesIn,
  removeGroup,
  rootGroup,
  usageOf,
} from "../../../../actors/node/cgroups/control-group.ts";
import { oomScoreOf, quotaOf, sharesOf, weightOf } from "../../../../actors/node/cgroups/resource-values.ts";

const LIMITS = { cpuShares: 1_024, cpuQuota_us: 50_000, memory_bytes: 1_000_000, pids: 9 };
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-groups-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const file = (...path: readonly string[]): string => readFileSync(join(directory, ...path), "utf8");

/** A directory of files in place of the kernel's. */
function legacy(): ControlGroup {
  const directories = Object.fromEntries(
    ["cpu", "cpuacct", "memory", "pids"].map((controller) => [controller, join(directory, controller)]),
  );
  for (const path of Object.values(directories)) mkdirSync(path);
  return { version: 1, directories, others: [join(directory, "other")] };
}

function unified(): ControlGroup {
  writeFileSync(join(directory, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  return { version: 2, directories: { cpu: directory, cpuacct: directory, memory: directory, pids: directory }, others: [] };
}

describe("the root groups of a machine", () => {
  const LEGACY = [
    "30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755",
    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct",
    "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
  ].join("\n");

  test("are each controller's own, where one of them is", () => {
    const both = "/sys/fs/cgroup/cpu,cpuacct";
    expect(rootGroup(LEGACY)).toEqual({
      version: 1,
      directories: { cpu: both, cpuacct: both, memory: "/sys/fs/cgroup/memory" },
      others: ["/sys/fs/cgroup/unified"],
    });
  });

  test("are one for all, or none", () => {
    expect(rootGroup("31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")).toMatchObject({
      version: 2,
      directories: { memory: "/sys/fs/cgroup" },
    });
    expect(rootGroup("1 0 0:1 / / rw - ext4 /dev/vda rw")).toBeUndefined();
  });
});

describe("a group", () => {
  test("is limited as the version has it", () => {
    limitGroup(makeGroup(legacy(), ["a", "b"]), LIMITS);
    expect([
      file("cpu/a/b/cpu.shares"),
      file("cpu/a/b/cpu.cfs_quota_us"),
      file("memory/a/b/memory.limit_in_bytes"),
      file("pids/a/b/pids.max"),
    ]).toEqual(["1024", "50000", "1000000", "9"]);
  });

  test("of version 2 hands its controllers down, and is killed together", () => {
    const root = unified();
    mkdirSync(join(directory, "a"));
    writeFileSync(join(directory, "a", "cgroup.controllers"), "memory pids\n");
    const group = makeGroup(root, ["a", "b"]);
    limitGroup(group, { ...LIMITS, cpuQuota_us: undefined, memory_bytes: undefined });
    killTogether(group);
    expect([file("cgroup.subtree_control"), file("a/cgroup.subtree_control")]).toEqual(["+cpu +memory +pids", "+memory +pids"]);
    expect([file("a/b/cpu.weight"), file("a/b/cpu.max"), file("a/b/memory.max"), file("a/b/memory.oom.group")]).toEqual([
      "39",
      "max 100000",
      "max",
      "1",
    ]);
  });

  test("tells what is in it and below, what it has used, and what was killed", () => {
    const group = makeGroup(legacy(), ["a"]);
    mkdirSync(join(directory, "pids/a/below"));
    writeFileSync(join(directory, "pids/a/cgroup.procs"), "7\n8\n");
    writeFileSync(join(directory, "pids/a/below/cgroup.procs"), "9\n");
    writeFileSync(join(directory, "memory/a/memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    writeFileSync(join(directory, "memory/a/memory.usage_in_bytes"), "5000\n");
    writeFileSync(join(directory, "memory/a/memory.stat"), "inactive_file 1\ntotal_inactive_file 2000\n");
    writeFileSync(join(directory, "cpuacct/a/cpuacct.usage"), "3000000\n");
    expect([processesIn(group), oomKills(group), usageOf(group)]).toEqual([[7, 8, 9], 2, { cpu_ms: 3, memory_bytes: 3_000 }]);
    const two = groupWithin(unified(), "z");
    mkdirSync(join(directory, "z"));
    writeFileSync(join(directory, "z/memory.events"), "oom 3\noom_kill 1\n");
    writeFileSync(join(directory, "z/memory.current"), "700\n");
    writeFileSync(join(directory, "z/memory.stat"), "anon 1\ninactive_file 200\n");
    writeFileSync(join(directory, "z/cpu.stat"), "usage_usec 4000\n");
    expect([oomKills(two), usageOf(two)]).toEqual([1, { cpu_ms: 4, memory_bytes: 500 }]);
  });

  test("goes with those below it, and is not missed", () => {
    const root = legacy();
    makeGroup(root, ["a", "b"]);
    mkdirSync(join(directory, "other/a"), { recursive: true });
    const group = groupWithin(root, "a");
    removeGroup(group);
    expect(["memory/a", "other/a", "other"].map((path) => existsSync(join(directory, path)))).toEqual([false, false, true]);
    expect([processesIn(group), oomKills(group), usageOf(group)]).toEqual([[], 0, { cpu_ms: 0, memory_bytes: 0 }]);
    removeGroup(group);
  });
});

describe("what the kernel is told", () => {
  test.each([
    [0, 2],
    [1, 2],
    [100, 102],
    [1_000, 1_024],
    [1_000_000, 262_144],
  ])("of a request of %d thousandths: %d shares", (milli, shares) => expect(sharesOf(milli)).toBe(shares));

  test.each([
    [undefined, undefined],
    [1, 1_000],
    [200, 20_000],
    [2_500, 250_000],
  ])("of a limit of %s thousandths: %s us in 100 ms", (milli, quota) => expect(quotaOf(milli)).toBe(quota));

  test.each([
    [2, 1],
    [1_024, 39],
    [262_144, 10_000],
  ])("of %d shares: a weight of %d", (shares, weight) => expect(weightOf(shares)).toBe(weight));

  test.each([
    ["Guaranteed", 0, -997],
    ["BestEffort", 0, 1_000],
    ["Burstable", 0, 999],
    ["Burstable", 500, 500],
    ["Burstable", 1_000, 3],
  ] as const)("of %s with %d of 1000 bytes: %d", (qosClass, request, score) => expect(oomScoreOf(qosClass, request, 1_000)).toBe(score));
});
