import type { Clock } from "../../../runtime/mod.ts";

/** How long hollow containers take, each drawn evenly from `[least, most]`. */
export interface HollowProfile {
  readonly start_ms: readonly [number, number];
  readonly stop_ms: readonly [number, number];
  /** How long the containers of a pod run that is meant to end, where it does not say. */
  readonly run_ms: readonly [number, number];
}

/** What the sandboxes of one runtime share. */
export interface HollowWorld {
  readonly clock: Clock;
  draw(span: readonly [number, number]): number;
  readonly profile: HollowProfile;
}
