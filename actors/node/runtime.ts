import type { Pod } from "../kinds/generated/types.ts";

/** What a runtime tells the pod's actor, in this order, each at most once. */
export type RuntimeReport =
  /** All containers run. */
  | { readonly type: "started" }
  /** All containers have ended by themselves and are not started again: the pod's restart policy says so. */
  | { readonly type: "exited"; readonly exitCode: number }
  /** All containers have ended after `stop`. */
  | { readonly type: "stopped" };

/** A pod as its runtime holds it. */
export interface PodSandbox {
  /** Ends the containers within the grace period, then reports `stopped`. */
  stop(grace_ms: number): void;
  /** Forgets the pod at once without a report: its node is gone. */
  abandon(): void;
}

/**
 * The plug behind which containers run. A runtime does what the pod's actor asks of it and reports back; it neither reads nor writes
 * the API.
 */
export interface Runtime {
  /** `hollow`, `process`, ...; the value of the label RUNTIME_LABEL on its nodes. */
  readonly name: string;
  /** Starts the containers of a pod. */
  start(pod: Pod, report: (report: RuntimeReport) => void): PodSandbox;
  /** Takes over a pod that was running before this process started. */
  adopt(pod: Pod, report: (report: RuntimeReport) => void): PodSandbox;
}

/** On every node that Troupe plays itself, with the runtime's name as its value. */
export const RUNTIME_LABEL = "troupe.dev/runtime";
