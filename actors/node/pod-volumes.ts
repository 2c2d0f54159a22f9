import type { Pod } from "../kinds/generated/types.ts";

/** Brings a pod's volumes to its node. The life of a pod asks for them before its first container, and says when the last one has ended. */
export interface PodVolumes {
  /**
   * Where each of the pod's volumes lies on the machine, by its name. Called again whenever containers are started: it makes what is not there yet and
   * brings up to date what is. Throws VolumeFailure, which is told as `FailedMount`, and then is called again.
   */
  mount(pod: Pod): Promise<ReadonlyMap<string, string>>;
  /** Nothing of the pod runs any more. Files of its own go; what others may use stays. */
  unmount(pod: Pod): Promise<void>;
}

export class VolumeFailure extends Error {
  override readonly name = "VolumeFailure";
}
