import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where volumes that are made on demand have their directories: each has its name's. */
export interface VolumeDirectories {
  pathOf(volume: string): string;
  /** Makes it, or finds it as it is. Throws what the disk says. */
  make(volume: string): Promise<void>;
  /** With all that is in it; one that is gone is no error. */
  remove(volume: string): Promise<void>;
  /** One that somebody else has made, with all that is in it; one that is gone is no error. */
  removeOther(path: string): Promise<void>;
}

/** The same on machines that have joined, by the name of their node. Each throws what the machine says, or that it does not answer. */
export interface MachineVolumes {
  /** Resolves to the path there. */
  makeVolume(node: string, volume: string): Promise<string>;
  removeVolume(node: string, volume: string): Promise<void>;
}

/** What a machine says of a volume that was made there. */
export interface VolumeMade {
  readonly path: string;
}

/** Whoever a container runs as is to be able to write there; that others cannot come here is the directory's above it. */
const VOLUME_MODE = 0o777;

export function volumeDirectoriesIn(directory: string): VolumeDirectories {
  const pathOf = (volume: string): string => join(directory, volume);
  return {
    pathOf,
    async make(volume) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await mkdir(pathOf(volume), { recursive: true });
      await chmod(pathOf(volume), VOLUME_MODE);
    },
    remove: (volume) => rm(pathOf(volume), { recursive: true, force: true }),
    removeOther: (path) => rm(path, { recursive: true, force: true }),
  };
}
