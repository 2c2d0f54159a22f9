import type { Random } from "../../runtime/mod.ts";

/** Hexadecimal digits of a UUID, its dashes included, that tell one maker of ids from all others: some 60 random bits. */
const PREFIX_CHARACTERS = 18;

/** Makes ids for transactions: random once for each maker, counted from there, so that one costs no system call. */
export function requestIds(random: Random): () => string {
  const prefix = random.uuid().slice(0, PREFIX_CHARACTERS);
  let count = 0;
  return () => `${prefix}.${(count++).toString(36)}`;
}
