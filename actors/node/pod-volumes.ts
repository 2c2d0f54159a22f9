import type { Pod } from "../kinds/generated/types.ts";

/** Brings a pod's volumes to its node. The life of a pod asks for them before its first container, and says when the last one has ended. */
export interface PodVolumes {
  /**
   * Where each of the pod's volumes lies on the machine, by its name. Called again whenever containers are started: it makes what is not there yet and
   * brings up to date what is. Throws VolumeFailure, which is told as `FailedMount`, and then is called again.
   */
  mount(pod: Pod): Promise<ReadonlyMap<string, MountedVolume>>;
  /**
   * The pod runs here and is now as it is given: what it was given of the API is kept up to date from now on. `exceeded` hears that it has taken more than
   * one of its volumes may hold, in kubelet's words.
   */
  follow(pod: Pod, exceeded: (message: string) => void): void;
  /** It is followed no more; its files stay. */
  leave(uid: string): void;
  /** Nothing of the pod runs any more. Files of its own go; what others may use stays. */
  unmount(pod: Pod): Promise<void>;
}

export interface MountedVolume {
  readonly path: string;
  /** Whatever its mounts say. */
  readonly readOnly: boolean;
  /** It has no file system: containers get the device itself, at a path of theirs. */
  readonly isDevice?: boolean;
}

/** How soon what is only waited for is looked at again. */
const EXPECTED_RETRY_MS = 300;

export class VolumeFailure extends Error {
  override readonly name = "VolumeFailure";
  /** It is on its way, so nobody is told of it yet. */
  readonly isExpected: boolean;
  /** Before it is tried again; undefined: as soon as other things are. */
  readonly retry_ms: number | undefined;

  constructor(message: string, { isExpected = false, retry_ms }: { readonly isExpected?: boolean; readonly retry_ms?: number } = {}) {
    super(message);
    this.isExpected = isExpected;
    this.retry_ms = retry_ms;
  }

  /** Of setting a volume up, in kubelet's words. */
  static ofSetUp(volume: string, why: string): VolumeFailure {
    return new VolumeFailure(`MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${why}`);
  }

  /** Somebody else is bringing it to the node. */
  static expecting(volume: string): VolumeFailure {
    const options = { isExpected: true, retry_ms: EXPECTED_RETRY_MS };
    return new VolumeFailure(
      `Unable to attach or mount volumes: volume ${JSON.stringify(volume)} is not attached to the node yet`,
      options,
    );
  }

  retriedAfter(retry_ms: number): VolumeFailure {
    return new VolumeFailure(this.message, { isExpected: this.isExpected, retry_ms });
  }
}
