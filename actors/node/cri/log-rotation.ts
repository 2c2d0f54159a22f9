import { readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Timer } from "../../../runtime/mod.ts";
import type { CriChanges } from "./changes.ts";
import { ASK_MS, type CriWorld } from "./cri-world.ts";
import { CONTAINER_STATE } from "./messages.ts";
import { LABEL } from "./names.ts";
import { type CriObserver, runOf } from "./observer.ts";

/** Source: kubelet's --container-log-max-size and --container-log-max-files. */
const FILE_BYTES_MAX = 10 * 1_024 * 1_024;
const FILES_MAX = 5;
/** Source: kubelet's containerLogMonitorInterval. */
const ROTATE_MS = 10_000;

export interface RotationLimits {
  readonly fileBytes: number;
  readonly files: number;
}

const LIMITS: RotationLimits = { fileBytes: FILE_BYTES_MAX, files: FILES_MAX };

/**
 * Puts a log aside that is full, and has who writes to it begin another one; where that cannot be, it stays as it was. Files that were put aside beyond so many are removed.
 * Source: kubelet's containerLogManager, which also packs them; here whoever follows a log reads on in them.
 */
export async function rotated(
  path: string,
  reopen: () => Promise<void>,
  now: string,
  { fileBytes, files }: RotationLimits = LIMITS,
): Promise<void> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size < fileBytes) return;
  const aside = `${path}.${now.replace(/[-:]/g, "")}`;
  await rename(path, aside);
  try {
    await reopen();
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
  const directory = dirname(path);
  const all = (await readdir(directory)).filter((name) => name.startsWith(`${basename(path)}.`)).sort();
  for (const name of all.slice(0, Math.max(0, all.length - (files - 1)))) await unlink(join(directory, name));
}

/** Puts the logs of containers aside that are full, again and again until all is closed. Each pod's are the affair of the host that it is watched on. */
export function rotateLogs(world: CriWorld, observer: CriObserver, changes: CriChanges): void {
  const { clock, closed } = world;
  let next: Timer | undefined;
  const later = (): void => {
    if (closed.aborted) return;
    // What was not done now is done the next time.
    next = clock.after(
      ROTATE_MS,
      () =>
        void rotateAll(world, observer, changes)
          .catch(() => {})
          .finally(later),
    );
  };
  closed.addEventListener("abort", () => next?.cancel());
  later();
}

async function rotateAll({ runtime, files, clock, closed }: CriWorld, observer: CriObserver, changes: CriChanges): Promise<void> {
  if (!changes.isWatched) return;
  const { containers } = await observer.list({});
  for (const container of containers) {
    const uid = container.labels[LABEL.podUid] ?? "";
    if (container.state !== CONTAINER_STATE.running || !changes.isWatching(uid)) continue;
    const reopen = async (): Promise<void> => {
      await runtime.call("ReopenContainerLog", { containerId: container.id }, ASK_MS, closed);
    };
    await rotated(files.logFile(uid, runOf(container)), reopen, new Date(clock.now_ms()).toISOString());
  }
}
