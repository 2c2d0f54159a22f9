import type { Clock, Random, Timer } from "../../runtime/mod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { type Fate, fates } from "./hollow/fate.ts";
import { podBehaviour } from "./hollow/pod-behaviour.ts";
import { troubledSandbox } from "./hollow/troubled-sandbox.ts";
import type { HollowProfile, HollowWorld } from "./hollow/world.ts";
import type { PodSandbox, Reporter, Runtime, RuntimeReport } from "./runtime.ts";

const DEFAULT_PROFILE: HollowProfile = { start_ms: [5, 50], stop_ms: [5, 50], run_ms: [100, 500] };

export interface HollowOptions {
  readonly profile?: HollowProfile;
  /** What befalls pods that are to be befallen by something; the same seed, the same fate. */
  readonly fate?: Fate;
}

const STARTED: RuntimeReport = { type: "started", ready: true };
const COMPLETED: RuntimeReport = { type: "exited", exitCode: 0 };
const STOPPED: RuntimeReport = { type: "stopped" };

/**
 * A runtime of states only: containers that "run" take time from the profile and nothing else. A pod whose restart policy is not `Always` is
 * meant to end, so its containers do, with exit code 0: what waits for jobs, hooks and tests has something to wait for. What annotations tell otherwise is
 * played by the troubled sandbox; all other pods pay nothing for it.
 */
export function createHollowRuntime(clock: Clock, random: Random, options: HollowOptions = {}): Runtime {
  const { profile = DEFAULT_PROFILE, fate = fates(0) } = options;
  const draw = ([least, most]: readonly [number, number]): number => least + random.next() * (most - least);
  const world: HollowWorld = { clock, draw, profile };
  const begin = (pod: Pod, to: Reporter, adopted: boolean): PodSandbox => {
    const behaviour = podBehaviour(pod, fate);
    if (behaviour !== undefined) return troubledSandbox({ world, pod, behaviour, to, adopted });
    return new QuietSandbox(world, to, pod.spec.restartPolicy !== "Always", adopted);
  };
  return {
    name: "hollow",
    start: (pod, to) => begin(pod, to, false),
    adopt: (pod, to) => begin(pod, to, true),
  };
}

/** A pod that nothing befalls. There are a great many of them, so it holds next to nothing. */
class QuietSandbox implements PodSandbox {
  readonly #world: HollowWorld;
  readonly #to: Reporter;
  #pending: Timer | undefined;

  constructor(world: HollowWorld, to: Reporter, ends: boolean, adopted: boolean) {
    this.#world = world;
    this.#to = to;
    if (adopted) this.#started(ends);
    else
      this.#pending = world.clock.after(world.draw(world.profile.start_ms), () => {
        to.reported(STARTED);
        this.#started(ends);
      });
  }

  #started(ends: boolean): void {
    const { clock, draw, profile } = this.#world;
    this.#pending = ends ? clock.after(draw(profile.run_ms), () => this.#to.reported(COMPLETED)) : undefined;
  }

  stop(grace_ms: number): void {
    this.#pending?.cancel();
    const { clock, draw, profile } = this.#world;
    this.#pending = clock.after(Math.min(draw(profile.stop_ms), grace_ms), () => this.#to.reported(STOPPED));
  }

  abandon(): void {
    this.#pending?.cancel();
    this.#pending = undefined;
  }
}
