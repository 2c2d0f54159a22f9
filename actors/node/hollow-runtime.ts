import type { Clock, Random, Timer } from "../../runtime/mod.ts";
import type { PodSandbox, Runtime, RuntimeReport } from "./runtime.ts";

/** How long hollow containers take, each drawn evenly from `[least, most]`. */
export interface HollowProfile {
  readonly start_ms: readonly [number, number];
  readonly stop_ms: readonly [number, number];
}

export const DEFAULT_PROFILE: HollowProfile = { start_ms: [5, 50], stop_ms: [5, 50] };

/** A runtime of states only: containers that "run" take time from the profile and nothing else. */
export function createHollowRuntime(clock: Clock, random: Random, profile: HollowProfile = DEFAULT_PROFILE): Runtime {
  const draw = ([least, most]: readonly [number, number]): number => least + random.next() * (most - least);
  const sandbox = (report: (report: RuntimeReport) => void, starting: Timer | undefined): PodSandbox => {
    let pending = starting;
    return {
      stop(grace_ms) {
        pending?.cancel();
        pending = clock.after(Math.min(draw(profile.stop_ms), grace_ms), () => report({ type: "stopped" }));
      },
      abandon() {
        pending?.cancel();
      },
    };
  };
  return {
    name: "hollow",
    start: (_pod, report) =>
      sandbox(
        report,
        clock.after(draw(profile.start_ms), () => report({ type: "started" })),
      ),
    adopt: (_pod, report) => sandbox(report, undefined),
  };
}
