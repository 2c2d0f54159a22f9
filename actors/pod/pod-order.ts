import type { Entry } from "../store/view.ts";
import type { PodPlace } from "./pod-status.ts";

/** What a node tells the actors of its pods, `pod/<uid>`, whatever they run in. */
export type PodOrder =
  /** The pod as the API has it now, and whether its node cannot tell the API anything. */
  | { readonly type: "sync"; readonly entry: Entry; readonly place: PodPlace; readonly silent?: boolean }
  /** The pod is gone from the API, or from this node. */
  | { readonly type: "gone" }
  /** The node can no longer tell the API anything, or can again. */
  | { readonly type: "silence"; readonly on: boolean };
