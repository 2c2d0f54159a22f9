import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath } from "node:fs/promises";
import { posix } from "node:path";

/** Source: linux/fcntl.h. Names a place without the right to read what is there. */
const O_PATH = 0o10000000;
const PLACE = O_PATH | constants.O_NOFOLLOW;
const MODE_BITS = 0o7777;
const LINKS_MAX = 40;

/**
 * Finds a path within a volume, and makes it a directory where there is nothing. Containers may change the volume meanwhile, and a link that they put there must
 * lead nobody out of it: every step is taken from the directory that the last one came to, whatever becomes of its name. Whether it is a directory.
 * Throws an Error. Source: SafeMakeDir and SafeOpen of pkg/volume/util/subpath.
 */
export async function findWithin(volume: string, subPath: string): Promise<boolean> {
  const base = await realpath(volume);
  let parts = partsOf(subPath);
  for (let links = 0; links < LINKS_MAX; links++) {
    const found = await walk(base, parts);
    if (typeof found === "boolean") return found;
    // What is not known to be safe is only looked at: the next walk goes where it leads, if that is in the volume, and finds out what is there then.
    const to = await realpath(posix.join(base, ...parts.slice(0, found + 1)));
    if (to !== base && !to.startsWith(`${base}/`)) break;
    parts = [...partsOf(to.slice(base.length)), ...parts.slice(found + 1)];
  }
  throw new Error(`subPath ${JSON.stringify(subPath)} leads out of its volume`);
}

/** Whether the last of the parts is a directory; or which of them is a link. */
async function walk(base: string, parts: readonly string[]): Promise<boolean | number> {
  const opened: FileHandle[] = [];
  try {
    let at = await open(base, PLACE);
    opened.push(at);
    for (const [index, part] of parts.entries()) {
      const path = `/proc/self/fd/${at.fd}/${part}`;
      const next = await open(path, PLACE).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
        return made(path, at);
      });
      opened.push(next);
      const about = await next.stat();
      if (about.isSymbolicLink()) return index;
      if (!about.isDirectory() && index < parts.length - 1) throw new Error(`${parts.slice(0, index + 1).join("/")} is not a directory`);
      at = next;
    }
    return (await at.stat()).isDirectory();
  } finally {
    for (const handle of opened) await handle.close();
  }
}

/** Whoever may use the directory that it is made in may use it. */
async function made(path: string, parent: FileHandle): Promise<FileHandle> {
  const { mode } = await parent.stat();
  await mkdir(path);
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await handle.chmod(mode & MODE_BITS);
  return handle;
}

function partsOf(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
