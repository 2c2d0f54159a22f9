import type { Pod, Volume } from "../../kinds/generated/types.ts";
import type { MountedVolume } from "../pod-volumes.ts";
import type { Claimed } from "./claimed-volume.ts";

/** A type of volume that is mounted, or brought by somebody else, so that it has to be let go of when its pod has ended. */
export interface VolumePlugin {
  /** Undefined: the volume, or what is claimed by it, is of another type. Called again, it does again what may not have been done. Throws VolumeFailure. */
  mount(pod: Pod, volume: Volume, claimed: Claimed | undefined): Promise<PluginVolume> | undefined;
  /** The pod runs with its volumes, and is now as it is given. */
  follow(pod: Pod): void;
  /** It is followed no more. */
  leave(uid: string): void;
  /** Nothing of the pod runs any more. Called again until it does not throw. */
  unmount(node: string, uid: string): Promise<void>;
  /** Resolves when nothing is done any more. */
  close(): Promise<void>;
}

export interface PluginVolume extends MountedVolume {
  /** The pod's group is to be given its files. */
  readonly takesGroup: boolean;
}
