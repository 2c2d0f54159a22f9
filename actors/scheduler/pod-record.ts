import type { ClassHandle, Peer, Usage } from "../../scheduler-core/mod.ts";
import type { Regarding } from "../registry/event-recorder.ts";
import type { Profile } from "./profile.ts";
import type { QueueTicket } from "./queue.ts";
import type { VolumeReading } from "./volumes.ts";

/** A pod that waits for a node, or whose binding is under way. */
export interface Candidate {
  readonly handle: ClassHandle;
  readonly pin: string | undefined;
  /** Undefined: it has no persistent volumes. */
  readonly volumes: VolumeReading | undefined;
  /** The keys of its claims on devices; undefined: it has none. */
  readonly devices: readonly string[] | undefined;
  /** Why no node will do, whichever it is, in kube-scheduler's words. */
  readonly refusal: string | undefined;
  readonly preemptionPolicy: string | undefined;
  readonly profile: Profile;
  readonly about: Regarding;
  readonly ticket: QueueTicket<PodRecord>;
}

/** What the scheduler remembers of a pod. */
export interface PodRecord {
  readonly key: string;
  readonly uid: string;
  readonly priority: number;
  readonly usage: Usage;
  readonly peer: Peer;
  /** Where it is, or is assumed to be; undefined: it waits. */
  node: string | undefined;
  /** The group that it names, as `<namespace>/<name>`; undefined: none. */
  readonly gang: string | undefined;
  /** It is on a node, and its status has a say in what it takes there. */
  readonly isBeingResized: boolean;
  /** It is being ended to make room for another. */
  isVictim: boolean;
  /** Until the store says that it is bound. */
  candidate: Candidate | undefined;
}
