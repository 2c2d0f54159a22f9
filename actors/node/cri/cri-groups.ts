import type { ContainerSize, QosClass, SandboxSpec } from "../container-runtime.ts";
import { groupNames } from "../sandbox/machine.ts";
import type { PodGroups } from "../sandbox/pod-groups.ts";

type Pod = Pick<SandboxSpec, "uid" | "qosClass">;

/** The control groups of pods in which a container runtime makes those of their containers. */
export interface CriGroups {
  /** Makes the pod's, and holds it to its limits. */
  make(pod: SandboxSpec): void;
  /** As the runtime is told of it; empty: it does as it likes. */
  parentOf(pod: Pod): string;
  /** While the container is resized, its pod is no narrower than it. */
  resize(pod: Pod, size: ContainerSize, container: () => Promise<void>): Promise<void>;
  remove(uid: string): void;
  /** What all pods together have left of the memory that is kept for them; undefined: nobody holds them to any. */
  memoryLeft(): { readonly available: number; readonly capacity: number } | undefined;
}

/** Where the runtime makes groups as files, the pods' are Troupe's, as with sandboxes. Undefined: there are none that may be used. */
export function groupsByFiles(groups: PodGroups | undefined): CriGroups {
  return {
    make: (pod) => groups?.makePod(pod),
    parentOf: (pod) => groups?.parentOf(pod) ?? "",
    resize: (pod, size, container) => groups?.resizePod(pod, size, container) ?? container(),
    remove: (uid) => groups?.removePod(uid),
    memoryLeft: () => groups?.memoryLeft,
  };
}

const OF_CLASS: Readonly<Record<QosClass, readonly string[]>> = { Guaranteed: [], Burstable: ["burstable"], BestEffort: ["besteffort"] };

/** Where the runtime has systemd make them, a pod is a slice, which comes and goes with what runs in it; systemd alone may say what it is held to. Source: systemd.slice(5). */
export function groupsBySystemd(directory: string): CriGroups {
  return {
    make() {},
    parentOf({ uid, qosClass }) {
      // A dash leads one slice further down.
      return `${[...groupNames(directory), ...OF_CLASS[qosClass], `pod${uid.replaceAll("-", "_")}`].join("-")}.slice`;
    },
    resize: (_pod, _size, container) => container(),
    remove() {},
    memoryLeft: () => undefined,
  };
}
