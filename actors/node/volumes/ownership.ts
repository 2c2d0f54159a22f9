import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

const READ_WRITE = 0o660;
const READ = 0o440;
/** Of directories: to be entered, and what is made in them is the group's, too. */
const ENTER = 0o2110;
const MODE_BITS = 0o7777;

/**
 * Gives all in a directory, and itself, to a group (`fsGroup`), as far as this user may: a group that it is not in cannot be given by any user but root, and
 * then all stays as it is, as kubelet leaves it. Source: pkg/volume/volume_linux.go.
 */
export async function giveToGroup(path: string, group: number, readOnly: boolean): Promise<void> {
  const about = await lstat(path);
  if (about.isDirectory()) for (const name of await readdir(path)) await giveToGroup(join(path, name), group, readOnly);
  await lchown(path, about.uid, group).catch(() => {});
  if (about.isSymbolicLink()) return;
  const mask = (readOnly ? READ : READ_WRITE) | (about.isDirectory() ? ENTER : 0);
  await chmod(path, (about.mode & MODE_BITS) | mask).catch(() => {});
}

/** Whether the top of a directory is not as giveToGroup leaves it. Source: requiresPermissionChange. */
export async function isNotOfGroup(path: string, group: number): Promise<boolean> {
  const { gid, mode } = await lstat(path);
  const wanted = READ_WRITE | ENTER;
  return gid !== group || (mode & wanted) !== wanted;
}
