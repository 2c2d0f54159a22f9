import type { Change, ChangeListener } from "./compare.ts";

/** Where all walks that begin alike have come to. */
export class Place<Outcome> {
  outcome: Outcome | undefined = undefined;
  /** Most places lead to one other. */
  #mark: string | symbol | undefined = undefined;
  #next: Place<Outcome> | undefined = undefined;
  #others: Map<string | symbol, Place<Outcome>> | undefined = undefined;

  find(mark: string | symbol): Place<Outcome> | undefined {
    return mark === this.#mark ? this.#next : this.#others?.get(mark);
  }

  lead(mark: string | symbol): Place<Outcome> {
    const place = new Place<Outcome>();
    if (this.#next === undefined) {
      this.#mark = mark;
      this.#next = place;
    } else {
      this.#others ??= new Map();
      this.#others.set(mark, place);
    }
    return place;
  }
}

const ITEM = Symbol("item");
const LEAVE = Symbol("leave");
const CHANGES: Readonly<Record<Change, symbol>> = { added: Symbol("added"), modified: Symbol("modified"), removed: Symbol("removed") };

/** Over that all is forgotten. */
const PLACES_MAX = 65_536;
/** What a place takes, about; a beginning takes the room of as many as its text has. */
const PLACE_BYTES = 64;
/** A change with more marks, or of an object with more to begin with, is hardly made a second time alike, and would not be worth its places. */
const MARKS_MAX = 1_024;
const BEGINNING_CHARS_MAX = 8_192;

/**
 * Remembers outcomes of changes: which fields have changed and how, but not from what to what. The pods of one template are made alike, and one kubelet's reports
 * are. What a walk over the changes meets is a way through a tree, so that it ends where one before has ended that met the same; nothing is written down for
 * it, which for each new object would be as much text as the object has.
 */
export class Alike<Outcome> {
  readonly #beginnings = new Map<string, Place<Outcome>>();
  #places = 0;

  /** A walk, where it is worth one; `beginning` is what else the outcome depends on, `markOf` gives items of lists other marks than their steps. */
  walk(beginning: string, markOf: (step: string) => string): AlikeWalk<Outcome> | undefined {
    if (beginning.length > BEGINNING_CHARS_MAX) return undefined;
    if (this.#places >= PLACES_MAX) {
      this.#beginnings.clear();
      this.#places = 0;
    }
    let place = this.#beginnings.get(beginning);
    if (place === undefined) {
      place = new Place();
      this.#beginnings.set(beginning, place);
      this.#places += 1 + beginning.length / PLACE_BYTES;
    }
    return new AlikeWalk(place, markOf, () => {
      this.#places += 1;
    });
  }
}

class AlikeWalk<Outcome> implements ChangeListener {
  #place: Place<Outcome> | undefined;
  #left = MARKS_MAX;
  readonly #markOf: (step: string) => string;
  readonly #made: () => void;

  constructor(begin: Place<Outcome>, markOf: (step: string) => string, made: () => void) {
    this.#place = begin;
    this.#markOf = markOf;
    this.#made = made;
  }

  /** Where the walk has ended; undefined when it was too long. */
  get end(): Place<Outcome> | undefined {
    return this.#place;
  }

  field(name: string): void {
    this.#go(name);
  }

  item(step: string): void {
    this.#go(ITEM);
    this.#go(this.#markOf(step));
  }

  changed(change: Change): void {
    this.#go(CHANGES[change]);
  }

  leave(): void {
    this.#go(LEAVE);
  }

  #go(mark: string | symbol): void {
    const place = this.#place;
    if (place === undefined) return;
    this.#left -= 1;
    if (this.#left < 0) {
      this.#place = undefined;
      return;
    }
    let next = place.find(mark);
    if (next === undefined) {
      next = place.lead(mark);
      this.#made();
    }
    this.#place = next;
  }
}
