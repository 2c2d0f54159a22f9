import { cutManagers, type ObjectText, type StoredText } from "../kinds/text.ts";
import { UTF8_BYTES_PER_UNIT_MAX } from "../kinds/utf8.ts";

/** As many are made within the seconds in which pods of a template are created, read back, or started. */
const REMEMBERED_MAX = 1_024;
const SCRATCH_BYTES = 64 * 1024;

/** Texts are copied through it, one at a time: a slice of a string holds on to the whole of it. */
const scratch: Buffer = Buffer.allocUnsafe(SCRATCH_BYTES);

/**
 * Keeps the managers of fields apart from the texts of objects, once for all objects in which they are alike: the pods of a template that were created in the
 * same second, and all later versions of one pod, of which nodes report without being recorded. See docs/adr/0010.
 */
export class SharedManagers {
  /** The newest ones, each by itself, in the order in which they came. */
  readonly #remembered = new Map<string, string>();

  /** What is to be held of a whole text. `before`: the managers of the version before it. */
  apart(whole: ObjectText, before: string | undefined): StoredText {
    if (before !== undefined && whole.startsWith(before)) return { managers: before, text: copyFrom(whole, before.length) };
    const from = cutManagers(whole);
    return from === 0 ? { text: whole } : { managers: this.#shared(whole.slice(0, from)), text: copyFrom(whole, from) };
  }

  #shared(managers: string): string {
    const known = this.#remembered.get(managers);
    if (known !== undefined) return known;
    const own = copyFrom(managers, 0);
    if (this.#remembered.size >= REMEMBERED_MAX) for (const oldest of this.#remembered.keys()) if (this.#remembered.delete(oldest)) break;
    this.#remembered.set(own, own);
    return own;
  }
}

function copyFrom<Text extends string>(text: Text, from: number): Text {
  const rest = text.slice(from);
  if (rest.length * UTF8_BYTES_PER_UNIT_MAX > SCRATCH_BYTES) return Buffer.from(rest).toString() as Text;
  return scratch.toString("utf8", 0, scratch.write(rest)) as Text;
}
