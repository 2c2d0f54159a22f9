import { createHash } from "node:crypto";
import { existsSync, statfsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where Linux has a file system in memory that any user may write to. */
const SHARED_MEMORY = "/dev/shm";
/** Source: TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x01021994;

/**
 * The directory for files in memory of the pods whose other files are in `pods`; undefined: the machine has no place for such. It is another one for each
 * directory of pods. Nothing is mounted for it, which would take rights, so what it holds counts where it is measured and not where it is written.
 */
export function memoryDirectory(pods: string): string | undefined {
  if (!existsSync(SHARED_MEMORY) || statfsSync(SHARED_MEMORY).type !== TMPFS) return undefined;
  return join(SHARED_MEMORY, `troupe-${createHash("sha256").update(pods).digest("hex").slice(0, 16)}`);
}

/** Removes what is there of pods that are not `known`; of all by default. */
export async function clearMemory(pods: string, known: ReadonlySet<string> = new Set()): Promise<void> {
  const directory = memoryDirectory(pods);
  if (directory === undefined) return;
  for (const uid of await readdir(directory).catch(() => [])) {
    if (!known.has(uid)) await rm(join(directory, uid), { recursive: true, force: true });
  }
  if (known.size === 0) await rm(directory, { recursive: true, force: true });
}
