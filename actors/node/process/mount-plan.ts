/**
 * How to show a container files of its own at paths of a file system that it shares with the machine. What is there is covered by a bind mount. Where there
 * is nothing, the machine's directory is not to be changed: it is covered by a copy of its skeleton, in which every child is the machine's own and the
 * missing path has room. Pure: what the machine has is asked of `Machine`.
 */
import { posix } from "node:path";
import type { ContainerMount } from "../container-runtime.ts";

export interface Mount {
  readonly source: string;
  /** Absolute, as the container sees it. */
  readonly target: string;
  readonly isDirectory: boolean;
  readonly readOnly: boolean;
  /** Read-only is also what is mounted below, where the runtime sees to that. */
  readonly isRecursive?: boolean;
  /** Of what is mounted below it later, where the runtime sees to that. */
  readonly propagation?: ContainerMount["propagation"];
}

export interface Machine {
  /** Undefined: there is nothing. Does not follow a symbolic link. */
  kindOf(path: string): "directory" | "file" | "link" | undefined;
  /** Where a symbolic link leads to. */
  linkOf(path: string): string;
  childrenOf(path: string): readonly string[];
}

/** A directory to make before, with nothing in it but these. */
export interface Skeleton {
  readonly path: string;
  readonly directories: readonly string[];
  readonly files: readonly string[];
  readonly links: readonly { readonly name: string; readonly to: string }[];
}

export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** With all that is mounted below it. */
  readonly recursive: boolean;
}

export interface MountPlan {
  readonly skeletons: readonly Skeleton[];
  /** In this order. */
  readonly binds: readonly Bind[];
  /** Directories and files to make in the sources of other mounts. */
  readonly room: readonly { readonly path: string; readonly isDirectory: boolean }[];
  /** The container's root; undefined: the machine's. */
  readonly root: string | undefined;
}

/** Device files may be many and come and go; these are what programs need. */
const DEVICES = [
  "null",
  "zero",
  "full",
  "random",
  "urandom",
  "tty",
  "ptmx",
  "pts",
  "shm",
  "mqueue",
  "fd",
  "stdin",
  "stdout",
  "stderr",
  "fuse",
];
const LINKS_MAX = 40;

interface Place {
  /** Resolved, of what there is. */
  readonly existing: string;
  /** What is missing below it. */
  readonly missing: readonly string[];
}

/** `scratch` is a directory for skeletons; `base` is the container's root as the machine has it, which `machine` is asked within: empty for its own. */
export function planMounts(mounts: readonly Mount[], scratch: string, machine: Machine, base = ""): MountPlan {
  const ordered = [...mounts].sort((a, b) => a.target.length - b.target.length);
  const binds: Bind[] = [];
  const room: { path: string; isDirectory: boolean }[] = [];
  const skeletons = new Map<string, { readonly path: string; readonly added: Map<string, boolean> }>();
  /** Where each mount really is mounted, while the skeletons are not in place. */
  const placed: { readonly mount: Mount; readonly at: string }[] = [];
  for (const mount of ordered) {
    const bind = (target: string): void => {
      binds.push({ source: mount.source, target, readOnly: mount.readOnly, recursive: true });
      placed.push({ mount, at: target });
    };
    const under = placed.findLast(({ mount: { target, isDirectory } }) => isDirectory && mount.target.startsWith(`${target}/`));
    if (under !== undefined) {
      const rest = mount.target.slice(under.mount.target.length + 1);
      room.push({ path: posix.join(under.mount.source, rest), isDirectory: mount.isDirectory });
      bind(posix.join(under.at, rest));
      continue;
    }
    const { existing, missing } = resolved(mount.target, machine);
    const kind = machine.kindOf(existing);
    if (missing.length === 0 && (kind === "directory") === mount.isDirectory) {
      bind(`${base}${existing}`);
      continue;
    }
    const parent = missing.length === 0 || kind !== "directory" ? posix.dirname(existing) : existing;
    const rest = missing.length === 0 || kind !== "directory" ? [posix.basename(existing), ...missing] : missing;
    let skeleton = skeletons.get(parent);
    if (skeleton === undefined) {
      skeleton = { path: posix.join(scratch, String(skeletons.size)), added: new Map() };
      skeletons.set(parent, skeleton);
    }
    rest.forEach((_, index) => {
      skeleton.added.set(rest.slice(0, index + 1).join("/"), index < rest.length - 1 || mount.isDirectory);
    });
    bind(posix.join(skeleton.path, ...rest));
  }
  const made: Skeleton[] = [];
  let root = base === "" ? undefined : base;
  for (const [parent, { path, added }] of [...skeletons].sort(([a], [b]) => b.length - a.length)) {
    const skeleton = skeletonOf(parent, path, added, machine, base);
    made.push(skeleton.skeleton);
    binds.push(...skeleton.binds);
    if (parent === "/") root = path;
    else binds.push({ source: path, target: `${base}${parent}`, readOnly: false, recursive: true });
  }
  return { skeletons: made, binds, room, root };
}

function skeletonOf(
  parent: string,
  path: string,
  added: ReadonlyMap<string, boolean>,
  machine: Machine,
  base: string,
): { readonly skeleton: Skeleton; readonly binds: readonly Bind[] } {
  const directories: string[] = [];
  const files: string[] = [];
  const links: { name: string; to: string }[] = [];
  const binds: Bind[] = [];
  const children = parent === "/dev" ? DEVICES : machine.childrenOf(parent);
  for (const name of children) {
    if (added.has(name)) continue;
    const child = posix.join(parent, name);
    const kind = machine.kindOf(child);
    if (kind === undefined) continue;
    if (kind === "link") {
      links.push({ name, to: machine.linkOf(child) });
      continue;
    }
    (kind === "directory" ? directories : files).push(name);
    binds.push({ source: `${base}${child}`, target: posix.join(path, name), readOnly: false, recursive: kind === "directory" });
  }
  for (const [name, isDirectory] of added) (isDirectory ? directories : files).push(name);
  return { skeleton: { path, directories, files, links }, binds };
}

/** Follows symbolic links as far as there is anything. */
function resolved(target: string, machine: Machine): Place {
  let rest = target.split("/").filter((part) => part !== "");
  let existing = "/";
  for (let links = 0; rest.length > 0; ) {
    const [part = "", ...others] = rest;
    const next = posix.join(existing, part);
    const kind = machine.kindOf(next);
    if (kind === undefined || (kind === "file" && others.length > 0)) return { existing, missing: rest };
    if (kind === "link" && links++ < LINKS_MAX) {
      const to = machine.linkOf(next);
      rest = [...to.split("/").filter((each) => each !== ""), ...others];
      if (to.startsWith("/")) existing = "/";
      continue;
    }
    existing = next;
    rest = others;
  }
  return { existing, missing: [] };
}
