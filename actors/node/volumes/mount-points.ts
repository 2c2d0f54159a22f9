import { lstat, readFile, realpath, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What is mounted in a directory or as it, the deepest first. Of this process' namespace. Source: proc_pid_mountinfo(5). */
export async function mountPointsIn(directory: string): Promise<readonly string[]> {
  // A link may lead there, and what is mounted has none in its name.
  const real = await realPathOf(directory);
  const table = await readFile("/proc/self/mountinfo", "utf8");
  const points = table.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined
      ? []
      : [point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))];
  });
  return points.filter((point) => point === real || point.startsWith(`${real}/`)).sort((a, b) => b.length - a.length);
}

export async function isMountPoint(path: string): Promise<boolean> {
  return (await mountPointsIn(path)).includes(await realPathOf(path));
}

/** Of what a link may be at, and which need not be there. */
async function realPathOf(path: string): Promise<string> {
  return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
}

/**
 * Removes what is at the place of a mount when nothing is mounted there any more: an empty directory, a file or a link, and never what is in one. Throws where
 * something is still mounted, or in the directory: that is somebody's data. Source: removeMountDir of pkg/volume/csi.
 */
export async function removeMountPoint(path: string): Promise<void> {
  if (await isMountPoint(path)) throw new Error(`${path} is still mounted`);
  try {
    if ((await lstat(path)).isDirectory()) await rmdir(path);
    else await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
