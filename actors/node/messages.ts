import type { Allocation } from "../pod/allocation.ts";
import type { PodPlace } from "../pod/pod-status.ts";
import type { Key } from "../store/transaction.ts";
import type { Entry } from "../store/view.ts";
import type { Pressure } from "./allocation/pod-admission.ts";
import type { SpellTurn } from "./hollow/node-troubles.ts";

/** What the fleet is told. */
export type FleetMessage =
  /** Answered with `{ ready }`, the number of nodes, once all of them have reported. */
  | { readonly type: "start"; readonly nodes: number }
  /** A node's agent has reported; `begun`: it is new at this, and knows of no pods. */
  | { readonly type: "nodeReady"; readonly name: string; readonly begun: boolean }
  /** From itself: after a crash nobody says `start` again, and there are as many nodes as were wanted. */
  | { readonly type: "goOn" }
  /** From itself: there are other stages now for these, so what has been looked at is looked at again. */
  | { readonly type: "stagesChanged"; readonly subjects: readonly string[] }
  /** The agent of a node has ended: it crashed, or its host is gone. */
  | { readonly type: "nodeEnded"; readonly name: string }
  /** From itself: play the node again whose agent has ended. */
  | { readonly type: "playAgain"; readonly name: string };

/** What a node's agent is told. */
export type NodeMessage =
  /** Make sure that the Node exists and play it from now on; `index` gives a new one its addresses, and `pods` had theirs from the agent before. */
  | Play
  /** The Node was removed from the API. */
  | { readonly type: "removed" }
  /** A pod bound to this node is new or has changed. */
  | { readonly type: "pod"; readonly entry: Entry }
  /** All pods of this node have been told of now: these, and no others. */
  | { readonly type: "podsTold"; readonly keys: readonly Key[] }
  /** The key of a pod that was bound to this node. */
  | { readonly type: "podGone"; readonly key: Key }
  /** The actor of this pod has ended, whyever. */
  | { readonly type: "podEnded"; readonly key: Key; readonly uid: string }
  /** From itself: make the actor again that ended. */
  | { readonly type: "podAgain"; readonly key: Key; readonly uid: string }
  /** Answered with NodeUsage: what all pods of the node use now. */
  | { readonly type: "usage" }
  /** Answered with the PodUsage of those of these pods that run here. */
  | { readonly type: "podUsage"; readonly pods: readonly Key[] }
  /** What the API says of the Node may be of consequence for how it is played. */
  | { readonly type: "node"; readonly entry: Entry }
  /** From what watches over it: of what it has little left. */
  | { readonly type: "pressure"; readonly pressures: readonly Pressure[] }
  /**
   * Answered with StaticPlaced: a pod that the node runs by itself comes, or is here already. `address`: what it has of a life before this one.
   * Answered with null, until then, where the node has no range yet from which it could have one.
   */
  | { readonly type: "placeStatic"; readonly entry: Entry; readonly address: string | undefined }
  /** Such a pod is over, of this UID. */
  | { readonly type: "staticGone"; readonly uid: string }
  /** From itself: something that its annotations tell begins or ends. */
  | { readonly type: "spell"; readonly turn: SpellTurn }
  /** From itself: measure what the pods use, as long as the node lends what they do not. */
  | { readonly type: "measure" }
  /** The time of a planned stage has come. */
  | { readonly type: "playStage" }
  | { readonly type: "renewLease" }
  | { readonly type: "reportStatus" };

export interface Play {
  readonly type: "play";
  readonly index: number;
  readonly pods?: readonly (PodHere & { readonly key: Key })[];
}

/** Where a pod of the node's own is, and what it has been granted. */
export interface StaticPlaced {
  readonly place: PodPlace;
  readonly allocation?: Allocation;
}

/** What the actors beside a node are told. */
export type CompanionMessage =
  /** The node is played here from now on, by another agent if it was before. */
  | { readonly type: "nodeBegins" }
  /** The Node was removed from the API. */
  | { readonly type: "nodeGone" };

/** A pod of this node: its incarnation and the addresses that it has for life. */
export interface PodHere {
  readonly uid: string;
  readonly place: PodPlace;
}
