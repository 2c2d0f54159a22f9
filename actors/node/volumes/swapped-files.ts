import { chmod, lchown, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { giveToGroup } from "./ownership.ts";
import type { VolumeFiles } from "./volume-files.ts";

/** A link to the directory in which the files are now; they themselves are links through it. */
const DATA = "..data";
const NEXT = "..data_tmp";
const DIRECTORY_MODE = 0o755;
const MODE_BITS = 0o7777;

export interface Written {
  /** The time, for the name of the directory. */
  readonly now_ms: number;
  /** The group that may read them; undefined: nobody's in particular. */
  readonly group: number | undefined;
}

/**
 * Makes a directory hold these files and no others. They change all at once: they lie in a directory of their own, to which one link leads, and a rename
 * puts another link in its place. Whoever reads sees the old ones or the new ones, and no mixture. Whether anything was written.
 * Source: pkg/volume/util/atomic_writer.go.
 */
export async function writeSwapped(path: string, files: VolumeFiles, { now_ms, group }: Written): Promise<boolean> {
  await mkdir(path, { recursive: true });
  const before = await readlink(join(path, DATA)).catch(() => undefined);
  const isSame = before !== undefined && (await holds(join(path, before), files));
  if (!isSame) {
    const date = new Date(now_ms).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_");
    const next = await mkdtemp(join(path, `..${date}.`));
    await chmod(next, DIRECTORY_MODE);
    for (const [name, { content, mode, owner }] of files) {
      const file = join(next, name);
      await mkdir(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
      await writeFile(file, content, { mode: 0o600 });
      await chmod(file, mode & MODE_BITS);
      // As far as this user may.
      if (owner !== undefined) await lchown(file, owner, -1).catch(() => {});
    }
    if (group !== undefined) await giveToGroup(next, group, true);
    await rm(join(path, NEXT), { force: true });
    await symlink(next.slice(path.length + 1), join(path, NEXT));
    await rename(join(path, NEXT), join(path, DATA));
  }
  await linkTops(path, new Set([...files.keys()].map(topOf)));
  if (!isSame) {
    // Also what a Troupe that was killed meanwhile has left.
    const now = await readlink(join(path, DATA));
    for (const name of await readdir(path))
      if (isVersion(name) && name !== now) await rm(join(path, name), { recursive: true, force: true });
  }
  return !isSame;
}

function topOf(name: string): string {
  return name.split("/")[0] ?? name;
}

function isVersion(name: string): boolean {
  return name.startsWith("..") && name !== DATA && name !== NEXT;
}

/** What is seen in the volume itself. Files that somebody has put there stay. */
async function linkTops(path: string, tops: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(path)) {
    if (name.startsWith("..") || tops.has(name)) continue;
    const to = await readlink(join(path, name)).catch(() => undefined);
    if (to === join(DATA, name)) await unlink(join(path, name));
  }
  for (const top of tops) {
    await symlink(join(DATA, top), join(path, top)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

async function holds(directory: string, files: VolumeFiles): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.filter((entry) => !entry.isDirectory()).length !== files.size) return false;
  for (const [name, { content }] of files) {
    const file = join(directory, name);
    const there = await Promise.all([readFile(file), stat(file)]).catch(() => undefined);
    if (there === undefined || !there[0].equals(content)) return false;
  }
  return true;
}
