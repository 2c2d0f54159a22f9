import { access, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NodeDirectories } from "./node-directories.ts";

/**
 * What is known on the disk of a volume that a driver may have mounted for a pod: it is written before the driver is called, and goes when all is undone, so whoever comes after a
 * Troupe that was killed knows what to undo. The first names are those of kubelet, which some drivers read.
 */
export interface MountedRecord {
  readonly specVolID: string;
  readonly volumeHandle: string;
  readonly driverName: string;
  readonly nodeName: string;
  readonly attachmentID: string;
  readonly volumeLifecycleMode: "Persistent" | "Ephemeral";
  readonly targetPath: string;
  /** Empty: its driver stages nothing. */
  readonly stagingPath: string;
}

/** A record and where it lies. */
export interface Recorded {
  readonly uid: string;
  readonly directory: string;
  readonly record: MountedRecord;
}

export const CSI_PLUGIN = "kubernetes.io~csi";
const FILE = "vol_data.json";
const DIRECTORY_MODE = 0o750;

export function recordDirectory(directories: NodeDirectories, node: string, uid: string, title: string): string {
  return join(directories.volumesOf(node, uid, CSI_PLUGIN), title);
}

export async function writeRecord(directory: string, record: MountedRecord): Promise<void> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  await writeFile(join(directory, `.${FILE}`), JSON.stringify(record));
  await rename(join(directory, `.${FILE}`), join(directory, FILE));
}

export function isRecorded(directory: string): Promise<boolean> {
  return access(join(directory, FILE)).then(
    () => true,
    () => false,
  );
}

/** And its directory, which has nothing else in it any more. */
export async function removeRecord(directory: string): Promise<void> {
  for (const name of [FILE, `.${FILE}`]) await rm(join(directory, name), { force: true });
  await rmdir(directory).catch(() => {});
}

/** Of one pod, or of all pods of the node. */
export async function recordsOf(directories: NodeDirectories, node: string, uid?: string): Promise<readonly Recorded[]> {
  const uids = uid === undefined ? await readdir(directories.podsOf(node)).catch(() => []) : [uid];
  const found = await Promise.all(
    uids.map(async (each) => {
      const volumes = directories.volumesOf(node, each, CSI_PLUGIN);
      const titles = await readdir(volumes).catch(() => []);
      return Promise.all(titles.map((title) => recorded(each, join(volumes, title))));
    }),
  );
  return found.flat().filter((each) => each !== undefined);
}

async function recorded(uid: string, directory: string): Promise<Recorded | undefined> {
  const text = await readFile(join(directory, FILE), "utf8").catch(() => undefined);
  return text === undefined ? undefined : { uid, directory, record: JSON.parse(text) as MountedRecord };
}
