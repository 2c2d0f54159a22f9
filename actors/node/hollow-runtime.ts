import type { Clock, Random, Timer } from "../../runtime/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { PodSandbox, Runtime, RuntimeReport } from "./runtime.ts";

/** How long hollow containers take, each drawn evenly from `[least, most]`. */
export interface HollowProfile {
  readonly start_ms: readonly [number, number];
  readonly stop_ms: readonly [number, number];
  /** How long the containers of a pod run that is meant to end, where it does not say. */
  readonly run_ms: readonly [number, number];
}

export const DEFAULT_PROFILE: HollowProfile = { start_ms: [5, 50], stop_ms: [5, 50], run_ms: [100, 500] };

/** On a pod that is meant to end: how long its hollow containers run, seconds. */
export const RUN_SECONDS_ANNOTATION = "troupe.dev/hollow-run-seconds";
/** On a pod that is never started again: how its hollow containers exit; 0 by default. */
export const EXIT_CODE_ANNOTATION = "troupe.dev/hollow-exit-code";

const MS_PER_S = 1_000;
/** Longer timers would overflow; nobody waits for them either. */
const RUN_S_MAX = 1_000_000;
const EXIT_CODE_MAX = 255;

/**
 * A runtime of states only: containers that "run" take time from the profile and nothing else. A pod whose restart policy is not `Always` is
 * meant to end, so its containers do, with exit code 0: what waits for jobs, hooks and tests has something to wait for.
 */
export function createHollowRuntime(clock: Clock, random: Random, profile: HollowProfile = DEFAULT_PROFILE): Runtime {
  const draw = ([least, most]: readonly [number, number]): number => least + random.next() * (most - least);
  const sandboxOf = (pod: Pod, report: (report: RuntimeReport) => void): PodSandbox & { run(after_ms: number | undefined): void } => {
    let pending: Timer | undefined;
    const runsToItsEnd = (): void => {
      if (pod.spec.restartPolicy === "Always") return;
      const told_s = numberIn(pod, RUN_SECONDS_ANNOTATION, RUN_S_MAX);
      pending = clock.after(told_s === undefined ? draw(profile.run_ms) : told_s * MS_PER_S, () =>
        report({ type: "exited", exitCode: exitCodeOf(pod) }),
      );
    };
    return {
      run(after_ms) {
        if (after_ms === undefined) return runsToItsEnd();
        pending = clock.after(after_ms, () => {
          report({ type: "started" });
          runsToItsEnd();
        });
      },
      stop(grace_ms) {
        pending?.cancel();
        pending = clock.after(Math.min(draw(profile.stop_ms), grace_ms), () => report({ type: "stopped" }));
      },
      abandon() {
        pending?.cancel();
      },
    };
  };
  const begun = (pod: Pod, report: (report: RuntimeReport) => void, after_ms: number | undefined): PodSandbox => {
    const sandbox = sandboxOf(pod, report);
    sandbox.run(after_ms);
    return sandbox;
  };
  return {
    name: "hollow",
    start: (pod, report) => begun(pod, report, draw(profile.start_ms)),
    adopt: (pod, report) => begun(pod, report, undefined),
  };
}

/** Containers that are started again until they succeed do. */
function exitCodeOf(pod: Pod): number {
  return pod.spec.restartPolicy === "Never" ? Math.trunc(numberIn(pod, EXIT_CODE_ANNOTATION, EXIT_CODE_MAX) ?? 0) : 0;
}

/** A number from an annotation; undefined where there is none, or none in `[0, most]`. */
function numberIn(pod: Pod, annotation: string, most: number): number | undefined {
  const told = pod.metadata.annotations?.[annotation];
  const number = told === undefined || told.trim() === "" ? Number.NaN : Number(told);
  return number >= 0 && number <= most ? number : undefined;
}
