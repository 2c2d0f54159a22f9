import type { Random } from "../../runtime/mod.ts";

/** No vowels and no digits that look like letters, so that no name spells a word. Source: apimachinery's util/rand. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_CHARACTERS = 5;
const NAME_CHARACTERS_MAX = 63;

/** `count` characters of Kubernetes' safe alphabet. */
export function randomSuffix(random: Random, count: number = SUFFIX_CHARACTERS): string {
  let text = "";
  for (let i = 0; i < count; i++) text += ALPHABET.charAt(random.below(ALPHABET.length));
  return text;
}

/** A name for `generateName`, cut so that it fits a label. Source: apiserver's storage/names. */
export function generateName(base: string, random: Random): string {
  return base.slice(0, NAME_CHARACTERS_MAX - SUFFIX_CHARACTERS) + randomSuffix(random);
}
