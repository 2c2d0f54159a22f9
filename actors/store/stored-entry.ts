import type { KubeObject } from "../kinds/object.ts";
import type { ObjectText } from "../kinds/text.ts";
import { decodeObject } from "../kinds/text.ts";
import type { Template, TextTemplates } from "./text-templates.ts";
import type { Key } from "./transaction.ts";
import type { Entry } from "./view.ts";

/** Something that was worked out of an entry, and by whom. */
interface Found {
  readonly by: object;
  readonly value: unknown;
  readonly next: Found | undefined;
}

/** In the place of what was found, since that may be undefined. */
export const NOT_FOUND: unique symbol = Symbol("not found");

/**
 * An Entry that can remember its decoded object, as long as its DecodedCache lets it, and what was found in it. Its text may be taken apart, and is put together then each
 * time that somebody asks.
 */
export class StoredEntry implements Entry {
  readonly key: Key;
  readonly revision: number;
  readonly managers: string | undefined;
  /** Its text, or what of it is its own where it has a template. */
  #text: string;
  #template: Template | undefined;
  /** Private, as all that follows: an entry says what `toJSON` says, and no more. */
  #decoded: KubeObject | undefined;
  #used = false;
  /** What was found first and by whom, which for most is all that is, and the rest. */
  #foundBy: object | undefined;
  #found: unknown;
  #foundMore: Found | undefined;

  constructor(key: Key, revision: number, text: ObjectText, managers?: string) {
    this.key = key;
    this.revision = revision;
    this.managers = managers;
    this.#text = text;
  }

  get text(): ObjectText {
    return (this.#template === undefined ? this.#text : this.#template.textWith(this.#text)) as ObjectText;
  }

  get characters(): number {
    return this.#template === undefined ? this.#text.length : this.#template.charactersWith(this.#text);
  }

  /** As others print it and pack it: with its text, which is no member of it. */
  toJSON(): Entry {
    const { key, revision, text, managers } = this;
    return { key, revision, text, managers };
  }

  /** From now on it takes less memory and more time, where it has siblings that are like it. */
  static takeApart(entry: StoredEntry, templates: TextTemplates): void {
    if (entry.#template !== undefined) return;
    const apart = templates.takeApart(entry.key, entry.#text as ObjectText);
    if (apart === undefined) return;
    entry.#text = apart.own;
    entry.#template = apart.template;
  }

  /** It is going to be asked often for a moment. */
  static putTogether(entry: StoredEntry): void {
    entry.#text = entry.text;
    entry.#template = undefined;
  }

  /** The remembered object, if any. */
  static recall(entry: StoredEntry): KubeObject | undefined {
    return entry.#decoded;
  }

  /** Marks it as used; gives whether it was marked before. */
  static use(entry: StoredEntry): boolean {
    const before = entry.#used;
    entry.#used = true;
    return before;
  }

  static remember(entry: StoredEntry, object: KubeObject): void {
    entry.#decoded = object;
    entry.#used = false;
  }

  /** What was found in it by this one, or NOT_FOUND. */
  static found(entry: StoredEntry, by: object): unknown {
    if (entry.#foundBy === by) return entry.#found;
    for (let more = entry.#foundMore; more !== undefined; more = more.next) if (more.by === by) return more.value;
    return NOT_FOUND;
  }

  /** Notes what this one found in it, once. */
  static find(entry: StoredEntry, by: object, value: unknown): void {
    if (entry.#foundBy !== undefined) {
      entry.#foundMore = { by, value, next: entry.#foundMore };
      return;
    }
    entry.#foundBy = by;
    entry.#found = value;
  }

  /** Forgets the object, unless it was used since it was remembered or since this was last called. */
  static forgetUnlessUsed(entry: StoredEntry): boolean {
    if (entry.#used) {
      entry.#used = false;
      return false;
    }
    entry.#decoded = undefined;
    return true;
  }
}

/**
 * Bounds how many entries remember their decoded objects, from the second time on that one is asked for: most versions of an object are
 * read once, and to keep those would move them into the old generation of the heap just to die there. CLOCK replacement (Corbató 1968). A hit is two field accesses and no look-up,
 * which matters because controllers and schedulers ask for the same objects again and again.
 */
export class DecodedCache {
  readonly #ring: (StoredEntry | undefined)[];
  #hand = 0;

  constructor(capacity: number) {
    this.#ring = new Array<StoredEntry | undefined>(Math.max(1, capacity));
  }

  decode(entry: Entry): KubeObject {
    if (!(entry instanceof StoredEntry)) return decodeObject(entry.text, entry.revision);
    const again = StoredEntry.use(entry);
    const remembered = StoredEntry.recall(entry);
    if (remembered !== undefined) return remembered;
    const object = decodeObject<KubeObject>(entry.text, entry.revision);
    if (!again) return object;
    this.#makeRoom();
    this.#ring[this.#hand] = entry;
    this.#hand = (this.#hand + 1) % this.#ring.length;
    StoredEntry.remember(entry, object);
    return object;
  }

  /** Moves the hand to a slot that is free. Ends: each pass clears a mark, so the second round finds one at the latest. */
  #makeRoom(): void {
    for (;;) {
      const occupant = this.#ring[this.#hand];
      if (occupant === undefined || StoredEntry.forgetUnlessUsed(occupant)) return;
      this.#hand = (this.#hand + 1) % this.#ring.length;
    }
  }
}
