/**
 * Control groups of the kernel, by their files. Version 1 has a hierarchy for each controller, version 2 one for all; a group is known by its directory of each
 * controller, so that most of what is done with one is the same. Source: cgroups(7), the kernel's admin-guide/cgroup-v1 and cgroup-v2.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CPU_PERIOD_US, type GroupLimits, weightOf } from "./resource-values.ts";

const CONTROLLERS = ["cpu", "cpuacct", "memory", "pids", "devices"] as const;
type Controller = (typeof CONTROLLERS)[number];

/** Plain data: it is written down with the container that is in it. */
export interface ControlGroup {
  readonly version: 1 | 2;
  /** Its directory by the controller; those that the machine does not have are missing. With version 2 it is one and the same. */
  readonly directories: { readonly [controller in Controller]?: string };
  /** Directories in hierarchies that nothing is asked of: who runs containers may make groups in all that there are. */
  readonly others: readonly string[];
}

export interface GroupUsage {
  /** Of processors, since it was made. */
  readonly cpu_ms: number;
  /** What would not be given back: its working set. */
  readonly memory_bytes: number;
}

const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;
const NO_LIMIT_V1 = "-1";
const NO_LIMIT_V2 = "max";

/** The machine's root groups, from /proc/self/mountinfo; undefined: it has no control groups that are mounted. */
export function rootGroup(mountinfo: string): ControlGroup | undefined {
  const mounts = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .map((fields) => ({ point: fields[4] ?? "", type: fields[fields.indexOf("-") + 1], options: fields.at(-1)?.split(",") ?? [] }));
  const legacy = CONTROLLERS.flatMap((controller) => {
    const found = mounts.find(({ type, options }) => type === "cgroup" && options.includes(controller));
    return found === undefined ? [] : [[controller, found.point] as const];
  });
  const directories = Object.fromEntries(legacy);
  const others = mounts.flatMap(({ type, point }) =>
    type?.startsWith("cgroup") && !Object.values(directories).includes(point) ? [point] : [],
  );
  if (legacy.length > 0) return { version: 1, directories, others };
  const unified = mounts.find(({ type }) => type === "cgroup2")?.point;
  if (unified === undefined) return undefined;
  return { version: 2, directories: { cpu: unified, cpuacct: unified, memory: unified, pids: unified }, others: [] };
}

export function groupWithin({ version, directories, others }: ControlGroup, ...names: readonly string[]): ControlGroup {
  const within = Object.entries(directories).map(([controller, at]) => [controller, join(at, ...names)]);
  return { version, directories: Object.fromEntries(within), others: others.map((at) => join(at, ...names)) };
}

/** Makes a group and those above it that are not there. Throws what the system says. */
export function makeGroup(root: ControlGroup, names: readonly string[]): ControlGroup {
  let group = root;
  for (const name of names) {
    if (group.version === 2) handDown(group);
    group = groupWithin(group, name);
    for (const directory of directoriesOf(group)) mkdirSync(directory, { recursive: true });
  }
  return group;
}

/** What groups below it may be limited in. */
function handDown({ directories: { cpu = "" } }: ControlGroup): void {
  const has = readFileSync(join(cpu, "cgroup.controllers"), "utf8").trim().split(" ");
  const wanted = ["cpu", "memory", "pids"].filter((controller) => has.includes(controller));
  writeFileSync(join(cpu, "cgroup.subtree_control"), wanted.map((controller) => `+${controller}`).join(" "));
}

/** Throws what the system says: a limit of memory below what is used already cannot be set everywhere. */
export function limitGroup({ version, directories }: ControlGroup, limits: GroupLimits): void {
  const { cpuShares, cpuQuota_us, memory_bytes, pids } = limits;
  const { cpu, memory, pids: processes } = directories;
  const most = (amount: number | undefined): string => String(amount ?? NO_LIMIT_V2);
  if (processes !== undefined) writeFileSync(join(processes, "pids.max"), most(pids));
  if (version === 1) {
    if (cpu !== undefined) {
      writeFileSync(join(cpu, "cpu.shares"), String(cpuShares));
      writeFileSync(join(cpu, "cpu.cfs_period_us"), String(CPU_PERIOD_US));
      writeFileSync(join(cpu, "cpu.cfs_quota_us"), String(cpuQuota_us ?? NO_LIMIT_V1));
    }
    if (memory !== undefined) writeFileSync(join(memory, "memory.limit_in_bytes"), String(memory_bytes ?? NO_LIMIT_V1));
    return;
  }
  if (cpu !== undefined) {
    writeFileSync(join(cpu, "cpu.weight"), String(weightOf(cpuShares)));
    writeFileSync(join(cpu, "cpu.max"), `${most(cpuQuota_us)} ${CPU_PERIOD_US}`);
  }
  if (memory !== undefined) writeFileSync(join(memory, "memory.max"), most(memory_bytes));
}

/** Out of memory, all of a group is killed, and not one process of it. Version 1 knows no such thing. Source: KEP-2570, kubelet's singleProcessOOMKill. */
export function killTogether({ version, directories: { memory } }: ControlGroup): void {
  if (version === 2 && memory !== undefined) writeFileSync(join(memory, "memory.oom.group"), "1");
}

/** Which devices may be used: these and no others. Only version 1 has it in files. Source: the OCI runtime specification's default devices. */
export function limitDevices({ directories: { devices } }: ControlGroup, allowed: readonly string[]): void {
  if (devices === undefined) return;
  writeFileSync(join(devices, "devices.deny"), "a");
  for (const rule of allowed) writeFileSync(join(devices, "devices.allow"), rule);
}

/** All processes in the group and below it. */
export function processesIn(group: ControlGroup): readonly number[] {
  return [...new Set(directoriesOf(group).flatMap(processesBelow))];
}

function processesBelow(directory: string): readonly number[] {
  const own = textOf(directory, "cgroup.procs")
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  return [...own, ...childrenOf(directory).flatMap(processesBelow)];
}

/** How many processes of it the kernel has killed for want of memory. */
export function oomKills({ version, directories: { memory } }: ControlGroup): number {
  if (memory === undefined) return 0;
  return fieldIn(textOf(memory, version === 1 ? "memory.oom_control" : "memory.events"), "oom_kill");
}

export function usageOf({ version, directories: { cpuacct, memory } }: ControlGroup): GroupUsage {
  const stat = memory === undefined ? "" : textOf(memory, "memory.stat");
  if (version === 1) {
    const used = memory === undefined ? 0 : Number(textOf(memory, "memory.usage_in_bytes"));
    return {
      cpu_ms: cpuacct === undefined ? 0 : Number(textOf(cpuacct, "cpuacct.usage")) / NS_PER_MS,
      memory_bytes: Math.max(0, used - fieldIn(stat, "total_inactive_file")),
    };
  }
  const used = memory === undefined ? 0 : Number(textOf(memory, "memory.current"));
  return {
    cpu_ms: cpuacct === undefined ? 0 : fieldIn(textOf(cpuacct, "cpu.stat"), "usage_usec") / US_PER_MS,
    memory_bytes: Math.max(0, used - fieldIn(stat, "inactive_file")),
  };
}

/** Removes the group and those below it, of which no process may be left; what cannot be removed stays. */
export function removeGroup(group: ControlGroup): void {
  for (const directory of [...directoriesOf(group), ...group.others]) removeBelow(directory);
}

function removeBelow(directory: string): void {
  for (const child of childrenOf(directory)) removeBelow(child);
  try {
    rmdirSync(directory);
  } catch {
    // Somebody has removed it, or something still ends in it: then it is removed with its pod's.
  }
}

/** Where a process is to be written down so that it is in the group. */
export function directoriesOf({ directories }: ControlGroup): readonly string[] {
  return [...new Set(Object.values(directories))];
}

function childrenOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(directory, name));
  } catch {
    return [];
  }
}

/** Empty: there is none, or not any more. */
function textOf(directory: string, file: string): string {
  try {
    return readFileSync(join(directory, file), "utf8");
  } catch {
    return "";
  }
}

function fieldIn(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}
