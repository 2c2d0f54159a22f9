import type { Random } from "../time.ts";
import { seededRandom } from "../virtual.ts";
import { type Fault, planFaults } from "./fault.ts";
import type { Size } from "./scenario.ts";

/** All that decides a run, besides its scenario: the same plan gives the same run. Plain data, so that it can be cut. */
export interface Plan {
  readonly seed: number;
  readonly duration_ms: number;
  readonly size: Size;
  readonly faults: readonly Fault[];
}

const HOSTS_MIN = 2;
const HOSTS_MAX = 5;
const ACTORS_MIN = 1;
const ACTORS_MAX = 8;

/** The plan that a seed stands for. */
export function planOf(seed: number, duration_ms: number): Plan {
  const random = streamOf(seed, "plan");
  const size = {
    hosts: HOSTS_MIN + random.below(HOSTS_MAX - HOSTS_MIN + 1),
    actors: ACTORS_MIN + random.below(ACTORS_MAX - ACTORS_MIN + 1),
  };
  return { seed, duration_ms, size, faults: planFaults(random, duration_ms) };
}

/** Randomness for one purpose: what is drawn for another does not change it, so that a plan that is cut stays like itself. */
export function streamOf(seed: number, purpose: string): Random {
  let mixed = seed | 0;
  for (let index = 0; index < purpose.length; index++) mixed = Math.imul(mixed ^ purpose.charCodeAt(index), 0x01000193) + 0x9e3779b9;
  return seededRandom(mixed);
}
