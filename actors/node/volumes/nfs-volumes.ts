import { mkdir, readdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { NFSVolumeSource, Pod, Volume } from "../../kinds/generated/types.ts";
import type { NodeDirectories } from "../csi/node-directories.ts";
import { VolumeFailure } from "../pod-volumes.ts";
import type { Claimed } from "./claimed-volume.ts";
import type { MountCommand } from "./mount-command.ts";
import { isMountPoint, mountPointsIn, removeMountPoint } from "./mount-points.ts";
import { RetryDelays } from "./retry-delays.ts";
import type { PluginVolume, VolumePlugin } from "./volume-plugin.ts";

const PLUGIN = "kubernetes.io~nfs";
const DIRECTORY_MODE = 0o750;

interface Export {
  /** The persistent volume's name, or that of the pod's volume. */
  readonly title: string;
  readonly source: NFSVolumeSource;
  readonly readOnly: boolean;
  readonly options: readonly string[];
}

/** Directories of NFS servers, mounted for each pod anew by the machine's kernel. Rights to mount are needed, and a kernel that knows NFS. Source: pkg/volume/nfs. */
export class NfsVolumes implements VolumePlugin {
  readonly #directories: NodeDirectories;
  readonly #command: MountCommand;
  readonly #retries = new RetryDelays();

  constructor(directories: NodeDirectories, command: MountCommand) {
    this.#directories = directories;
    this.#command = command;
  }

  mount(pod: Pod, volume: Volume, claimed: Claimed | undefined): Promise<PluginVolume> | undefined {
    const wanted = exportOf(volume, claimed);
    return wanted === undefined ? undefined : this.#retries.try(`${pod.metadata.uid}/${wanted.title}`, () => this.#mount(pod, wanted));
  }

  async #mount({ metadata: { uid }, spec: { nodeName = "" } }: Pod, { title, source, readOnly, options }: Export): Promise<PluginVolume> {
    const path = join(this.#directories.volumesOf(nodeName, uid, PLUGIN), title);
    if (!(await isMountPoint(path))) {
      try {
        await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
        await this.#command.mount(`${source.server}:${source.path}`, path, "nfs", readOnly ? [...options, "ro"] : options);
      } catch (error) {
        await removeMountPoint(path).catch(() => {});
        throw VolumeFailure.ofSetUp(title, (error as Error).message);
      }
    }
    // Whose the files are is the server's affair.
    return { path, readOnly, takesGroup: false };
  }

  follow(): void {
    // What is mounted is as the server has it.
  }

  leave(uid: string): void {
    this.#retries.forgetPod(uid);
  }

  async unmount(node: string, uid: string): Promise<void> {
    this.leave(uid);
    const volumes = this.#directories.volumesOf(node, uid, PLUGIN);
    const names = await readdir(volumes).catch(() => []);
    if (names.length === 0) return;
    for (const mounted of await mountPointsIn(volumes)) await this.#command.unmount(mounted);
    for (const name of names) await removeMountPoint(join(volumes, name));
    for (const path of [volumes, dirname(volumes), dirname(dirname(volumes))]) await rmdir(path).catch(() => {});
  }

  async close(): Promise<void> {
    // What is mounted stays: pods go on.
  }
}

function exportOf({ name, nfs }: Volume, claimed: Claimed | undefined): Export | undefined {
  if (nfs !== undefined) return { title: name, source: nfs, readOnly: nfs.readOnly === true, options: [] };
  const { nfs: source, mountOptions = [] } = claimed?.volume.spec ?? {};
  if (claimed === undefined || source === undefined) return undefined;
  return { title: claimed.volume.metadata.name, source, readOnly: claimed.readOnly || source.readOnly === true, options: mountOptions };
}
