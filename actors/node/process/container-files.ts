import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bind, type Machine, type Mount, type MountPlan, planMounts } from "./mount-plan.ts";

/** Makes what a plan of mounts needs under `scratch`, and writes them down as fstab(5) has them. Undefined: there is nothing to mount. */
export function prepareMounts(
  mounts: readonly Mount[],
  scratch: string,
  base: string,
  locked: (path: string) => readonly string[],
): { readonly fstab: string; readonly root: string | undefined } {
  const plan = planMounts(mounts, scratch, machineWithin(base), base);
  makeRoom(plan);
  const fstab = join(scratch, "fstab");
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  writeFileSync(fstab, plan.binds.map((bind) => lineOf(bind, locked)).join(""));
  return { fstab, root: plan.root };
}

function machineWithin(base: string): Machine {
  return {
    kindOf(path) {
      const stat = lstatSync(`${base}${path}`, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      return stat.isSymbolicLink() ? "link" : stat.isDirectory() ? "directory" : "file";
    },
    linkOf: (path) => readlinkSync(`${base}${path}`),
    childrenOf: (path) => readdirSync(`${base}${path}`),
  };
}

function makeRoom({ skeletons, room }: MountPlan): void {
  for (const { path, directories, files, links } of skeletons) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    for (const name of directories) mkdirSync(join(path, name), { recursive: true });
    for (const name of files) touch(join(path, name));
    for (const { name, to } of links) symlinkSync(to, join(path, name));
  }
  for (const { path, isDirectory } of room) {
    if (isDirectory) mkdirSync(path, { recursive: true });
    else touch(path);
  }
}

function touch(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (statSync(path, { throwIfNoEntry: false }) === undefined) writeFileSync(path, "", { flag: "a" });
}

function lineOf({ source, target, readOnly, recursive }: Bind, locked: (path: string) => readonly string[]): string {
  const options = [recursive ? "rbind" : "bind", ...(readOnly ? ["ro", ...locked(source)] : [])];
  return `${escaped(source)} ${escaped(target)} none ${options.join(",")} 0 0\n`;
}

/** As fstab(5) wants it. */
function escaped(path: string): string {
  return path.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** Options of the file system of a path that a user namespace may not take away when it makes a mount read-only. */
export function lockedOptions(): (path: string) => readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .map(([, , , , point = "", options = ""]) => ({ point, options: options.split(",").filter((option) => LOCKED.includes(option)) }))
    .sort((a, b) => b.point.length - a.point.length);
  return (path) => mounts.find(({ point }) => point === "/" || path === point || path.startsWith(`${point}/`))?.options ?? [];
}

const LOCKED = ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"];
