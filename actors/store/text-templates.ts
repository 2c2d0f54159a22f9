import type { ObjectText } from "../kinds/text.ts";
import { Recent } from "./recent.ts";
import type { Key } from "./transaction.ts";

const QUOTE = '"';
/** Stands for a piece that is a text's own. JSON has no such character in it. */
const OWN = "\u0000";
/** A shorter text is not taken apart: what there is to win does not pay for it. */
const CHARACTERS_MIN = 512;
/** Templates that a family may have: a pod that waits, one that runs and one that has ended do not look alike. */
const TEMPLATES_MAX = 4;
/** Families that are remembered. What was taken apart with a template keeps that. */
const FAMILIES_MAX = 16_384;
/** With more than this part of a text its own, a template is not worth it. */
const OWN_PART_MAX = 0.5;
/** So many more pieces may become each sibling's own in a template. Who differs in more has another shape, and gets a template of that. */
const WIDER_MAX = 8;

/** A text without what it has in common with its siblings. */
export interface TakenApart {
  readonly template: Template;
  readonly own: string;
}

/**
 * What the texts of siblings have in common. To a template a text is pieces with quotes in between, whatever those mean in it. Some pieces are all siblings', the others are each
 * one's own.
 */
export class Template {
  /** What stands before, between and after the pieces that are a text's own, with the quotes around those. */
  readonly #parts: readonly string[];
  /** Of both kinds. */
  readonly #pieces: number;
  /** How much longer a text is than what is its own. */
  readonly #characters: number;

  /** `pieces`: OWN in the place of those that are each one's own. */
  constructor(pieces: readonly string[]) {
    const parts: string[] = [];
    let common: string[] = [];
    for (const piece of pieces) {
      if (piece !== OWN) common.push(piece);
      else {
        parts.push(common.length === 0 ? "" : [...common, ""].join(QUOTE));
        common = [""];
      }
    }
    // What was joined is a string of its own, while a piece holds on to the text that it was cut from.
    this.#parts = [...parts, common.join(QUOTE)];
    this.#pieces = pieces.length;
    const quotesBetween = parts.length - 1;
    this.#characters = this.#parts.reduce((sum, { length }) => sum + length, 0) - quotesBetween;
  }

  /** What this and a text of these pieces have in common; undefined: that is too little. */
  with(pieces: readonly string[]): Template | undefined {
    if (pieces.length !== this.#pieces) return undefined;
    const own = new Array<string>(this.#parts.length - 1).fill(OWN).join(QUOTE);
    return inCommon(this.textWith(own).split(QUOTE), pieces, WIDER_MAX);
  }

  /** What of a text is its own, in order, with quotes in between; undefined: the rest is not what all have. */
  ownOf(text: string): string | undefined {
    const first = this.#parts[0] as string;
    // To compare slices is four times as quick as `startsWith`.
    if (text.slice(0, first.length) !== first) return undefined;
    const own: string[] = [];
    let at = first.length;
    for (let index = 1; index < this.#parts.length; index++) {
      const part = this.#parts[index] as string;
      const end = endOfPiece(text, at);
      if (text.slice(end, end + part.length) !== part) return undefined;
      own.push(text.slice(at, end));
      at = end + part.length;
    }
    // Joined, they are a string of their own.
    return at === text.length ? own.join(QUOTE) : undefined;
  }

  /** How long `textWith` is. */
  charactersWith(own: string): number {
    return this.#characters + own.length;
  }

  textWith(own: string): string {
    let text = this.#parts[0] as string;
    let at = 0;
    for (let index = 1; index < this.#parts.length; index++) {
      const end = endOfPiece(own, at);
      text += own.slice(at, end) + (this.#parts[index] as string);
      at = end + 1;
    }
    return text;
  }
}

/** The template of what both have; undefined: they are not alike, or more than so many pieces that are not OWN yet would be. */
function inCommon(some: readonly string[], others: readonly string[], moreMax: number): Template | undefined {
  if (some.length !== others.length) return undefined;
  let [own, more] = [0, 0];
  const pieces = some.map((piece, index) => {
    if (piece === others[index]) return piece;
    own++;
    if (piece !== OWN) more++;
    return OWN;
  });
  // One alone, joined, would be the slice that it is.
  return own < 2 || more > moreMax ? undefined : new Template(pieces);
}

function endOfPiece(text: string, from: number): number {
  const quote = text.indexOf(QUOTE, from);
  return quote < 0 ? text.length : quote;
}

interface Family {
  /** The one that was of use last comes first. */
  templates: readonly Template[];
  /** The last text for which none was. */
  sample: ObjectText | undefined;
}

/**
 * Takes texts apart into what siblings have in common, which is there once, and what is their own. Siblings are objects whose keys are alike up to the last dash: a controller has made them for one
 * owner, most likely.
 */
export class TextTemplates {
  readonly #families = new Recent<Family>(FAMILIES_MAX);

  /** Undefined: it has no siblings that are like it, so far. */
  takeApart(key: Key, text: ObjectText): TakenApart | undefined {
    const family = text.length < CHARACTERS_MIN ? undefined : this.#familyOf(key);
    if (family === undefined) return undefined;
    for (const template of family.templates) {
      const own = template.ownOf(text);
      if (own !== undefined) return used(family, template, own);
    }
    const pieces = text.split(QUOTE);
    for (const template of family.templates) {
      const apart = tried(family, template.with(pieces), text, template);
      if (apart !== undefined) return apart;
    }
    const { sample } = family;
    const apart = sample === undefined ? undefined : tried(family, inCommon(sample.split(QUOTE), pieces, Number.POSITIVE_INFINITY), text);
    family.sample = apart === undefined ? text : undefined;
    return apart;
  }

  #familyOf(key: Key): Family | undefined {
    const name = key.slice(0, key.lastIndexOf("-") + 1);
    if (name === "") return undefined;
    const known = this.#families.find(name);
    if (known !== undefined) return known;
    const family: Family = { templates: [], sample: undefined };
    this.#families.remember(name, family);
    return family;
  }
}

/** `instead`: the template that this one is a wider one of. */
function tried(family: Family, template: Template | undefined, text: string, instead?: Template): TakenApart | undefined {
  const own = template?.ownOf(text);
  if (template === undefined || own === undefined || own.length > text.length * OWN_PART_MAX) return undefined;
  return used(family, template, own, instead);
}

function used(family: Family, template: Template, own: string, instead?: Template): TakenApart {
  if (family.templates[0] !== template) {
    const others = family.templates.filter((other) => other !== template && other !== instead);
    family.templates = [template, ...others.slice(0, TEMPLATES_MAX - 1)];
  }
  return { template, own };
}
