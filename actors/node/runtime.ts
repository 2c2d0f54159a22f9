import type { Pod } from "../kinds/generated/types.ts";

/** What a runtime tells the pod's actor. `started` may come again after `ended`, all others at most once after what they follow on. */
export type RuntimeReport =
  /** All containers run. Those that are not `ready` say so later, if ever. */
  | { readonly type: "started"; readonly ready: boolean }
  /** The containers that run have become ready. */
  | { readonly type: "ready" }
  /** The containers do not run, and the runtime goes on trying to start them: what they wait for, as in a container's state. */
  | { readonly type: "waiting"; readonly reason: string; readonly message: string }
  /** All containers have ended by themselves and will be started again: the pod's restart policy says so. */
  | { readonly type: "ended"; readonly exitCode: number }
  /** All containers have ended by themselves and are not started again: the pod's restart policy says so. */
  | { readonly type: "exited"; readonly exitCode: number }
  /** All containers have ended after `stop`. */
  | { readonly type: "stopped" }
  /** For people who look at the pod: an Event about it, or about one of its containers. */
  | {
      readonly type: "event";
      readonly severity: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
      readonly container?: string;
    };

/** Who a runtime reports to; each pod's actor is one. */
export interface Reporter {
  reported(report: RuntimeReport): void;
}

/** A pod as its runtime holds it. */
export interface PodSandbox {
  /** Ends the containers within the grace period, then reports `stopped`. */
  stop(grace_ms: number): void;
  /** Forgets the pod at once without a report: its node is gone. */
  abandon(): void;
}

/**
 * The plug behind which hollow containers run: it takes a pod as a whole, since a pod of which nothing is real should cost next to nothing. Real
 * containers are behind another, ContainerRuntime. A runtime does what the pod's actor asks of it and reports back; it neither reads nor writes the API.
 */
export interface Runtime {
  /** The value of the label RUNTIME_LABEL on its nodes. */
  readonly name: string;
  /** Starts the containers of a pod. */
  start(pod: Pod, to: Reporter): PodSandbox;
  /** Takes over a pod that was running before this process started. */
  adopt(pod: Pod, to: Reporter): PodSandbox;
}

/** On every node that Troupe plays itself, with the runtime's name as its value. */
export const RUNTIME_LABEL = "troupe.dev/runtime";

/** The same on the Node of a machine that has joined: it is played there, by a client of the API, and nowhere else. */
export const MACHINE_LABEL = "troupe.dev/machine";
