import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** So much of a disk. */
export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

const BLOCK_BYTES = 512;
export const NO_DISK: DiskUse = { bytes: 0, inodes: 0 };

/** What is on the disk at and below a path, as du(1) counts it; what goes while one looks counts nothing. */
export async function diskUse(path: string): Promise<DiskUse> {
  const about = await lstat(path).catch(() => undefined);
  if (about === undefined) return NO_DISK;
  let bytes = about.blocks * BLOCK_BYTES;
  let inodes = 1;
  if (about.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) {
      const below = await diskUse(join(path, name));
      bytes += below.bytes;
      inodes += below.inodes;
    }
  }
  return { bytes, inodes };
}
