import { seededRandom } from "../../../runtime/mod.ts";

/**
 * Chance that can be repeated: what falls to one object in one respect, a number in [0, 1). The same seed, object and respect give the same number, in
 * whatever order they are asked for and on whichever host; so a run with the same names goes wrong in the same places.
 */
export type Fate = (key: string, respect: string) => number;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export function fates(seed: number): Fate {
  return (key, respect) => seededRandom(hash(`${seed}\0${key}\0${respect}`)).next();
}

/** FNV-1a. */
function hash(text: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  return hash;
}
