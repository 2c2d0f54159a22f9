/** Kubernetes' safe alphabet: no vowels, nothing that looks like something else. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const CHARACTERS_PER_WORD = 5;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Ten characters that stand for a pod template or a revision of it, the same for the same one whatever the order of its members. `collisions` makes
 * another ten for the same template, for when a name is taken. The value need not be Kubernetes' (which hashes Go's print of the struct).
 */
export function templateHash(template: object, collisions: number | undefined): string {
  const text = canonical(template) + (collisions === undefined ? "" : `#${collisions}`);
  return encode(fnv(text, FNV_OFFSET)) + encode(fnv(text, fnv("second word", FNV_OFFSET)));
}

/** JSON with members in the order of their names. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function fnv(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}

function encode(word: number): string {
  let rest = word;
  let text = "";
  for (let i = 0; i < CHARACTERS_PER_WORD; i++) {
    text += ALPHABET.charAt(rest % ALPHABET.length);
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}
