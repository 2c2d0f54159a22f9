import type { Entry } from "../store/view.ts";
import type { Allocation } from "./allocation.ts";
import type { PodPlace } from "./pod-status.ts";

/** What a node tells the actors of its pods, `pod/<uid>`, whatever they run in. */
export type PodOrder =
  | PodSync
  /** The pod is gone from the API, or from this node. */
  | { readonly type: "gone" }
  /** The node can no longer tell the API anything, or can again. */
  | { readonly type: "silence"; readonly on: boolean };

/** The pod as the API has it now, or as its manifest says. */
export interface PodSync {
  readonly type: "sync";
  readonly entry: Entry;
  readonly place: PodPlace;
  /** Its node cannot tell the API anything. */
  readonly silent?: boolean;
  /** Absent: all that it asks for. */
  readonly allocation?: Allocation;
  /** It is its node's own: the API only shows it. */
  readonly isStatic?: boolean;
}

/** To the actor of a pod whose containers really run: its node wants it to end, for it has too little left for all, or the pod takes too much. */
export interface PodEviction {
  readonly type: "evict";
  readonly message: string;
  readonly grace_s: number;
  /** It is not to blame for it: who counts failures is not to count this one. */
  readonly isDisruption: boolean;
}
