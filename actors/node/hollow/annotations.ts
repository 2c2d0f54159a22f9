/** How hollow pods and nodes are told by annotation what is to befall them: one prefix, a few forms of values, and a word about each that is none. */
import type { Fate } from "./fate.ts";

/** Every annotation that a hollow runtime reads begins with it. */
export const HOLLOW_PREFIX = "troupe.dev/hollow-";
/** With it, the annotation of the same name holds for this share of the objects that have it: `0.1` for one in ten. */
const PROBABILITY = "-probability";
/** Longer timers would overflow; nobody waits for them either. */
const SECONDS_MAX = 1_000_000;
const MS_PER_S = 1_000;
const SPAN = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/;

/** The annotations of one object, read once. Whatever is not understood is left out, and said in `complaints`. */
export class HollowAnnotations {
  readonly complaints: string[] = [];
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #key: string;
  readonly #fate: Fate;

  /** `key` is the object's name for fate. */
  constructor(annotations: Readonly<Record<string, string>>, key: string, fate: Fate) {
    this.#annotations = annotations;
    this.#key = key;
    this.#fate = fate;
  }

  /** A duration in milliseconds: seconds, `5`, or drawn evenly from a span, `1-5`. `never` where it may be, and then it is infinite. */
  span_ms(name: string, { never = false }: { readonly never?: boolean } = {}): number | undefined {
    const text = this.#text(name);
    if (text === undefined) return undefined;
    if (never && text === "never") return Number.POSITIVE_INFINITY;
    const [, least, most = least] = SPAN.exec(text) ?? [];
    if (least === undefined || Number(most) < Number(least) || Number(most) > SECONDS_MAX)
      return this.#complain(name, text, `seconds such as 5 or 0.5-10${never ? ", or never" : ""}`);
    return (Number(least) + this.draw(name) * (Number(most) - Number(least))) * MS_PER_S;
  }

  /** A whole number up to `most`; `always` where it may be, and then it is infinite. */
  count(name: string, most: number, { always = false }: { readonly always?: boolean } = {}): number | undefined {
    const text = this.#text(name);
    if (text === undefined) return undefined;
    if (always && text === "always") return Number.POSITIVE_INFINITY;
    if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
    return this.#complain(name, text, `a whole number from 0 to ${most}${always ? ", or always" : ""}`);
  }

  flag(name: string): boolean {
    const text = this.#text(name);
    if (text === undefined || text === "false") return false;
    if (text === "true") return true;
    return this.#complain(name, text, "true or false") ?? false;
  }

  /** What the annotation says as `read` understands it; undefined from there: it is not as `form` says. */
  words<T>(name: string, form: string, read: (text: string) => T | undefined): T | undefined {
    const text = this.#text(name);
    return text === undefined ? undefined : (read(text) ?? this.#complain(name, text, form));
  }

  /** Whether what it says befalls this object, this time: by the probability beside it. */
  befalls(name: string, time = 0): boolean {
    const text = this.#text(name + PROBABILITY);
    if (text === undefined) return true;
    const probability = Number(text);
    if (text.trim() !== "" && probability >= 0 && probability <= 1) return this.draw(`${name}${PROBABILITY}/${time}`) < probability;
    this.#complain(name + PROBABILITY, text, "a number from 0 to 1");
    return true;
  }

  /** Chance for this object in one respect. */
  draw(respect: string): number {
    return this.#fate(this.#key, respect);
  }

  /** Names with the prefix that are none of these are complained of too. */
  refuseOthers(known: readonly string[]): void {
    for (const name of Object.keys(this.#annotations)) {
      if (!name.startsWith(HOLLOW_PREFIX) || known.includes(name.slice(HOLLOW_PREFIX.length).replace(/-probability$/, ""))) continue;
      this.complaints.push(`${name} means nothing here; what does is ${known.map((each) => HOLLOW_PREFIX + each).join(", ")}`);
    }
  }

  #text(name: string): string | undefined {
    return this.#annotations[HOLLOW_PREFIX + name];
  }

  #complain(name: string, text: string, form: string): undefined {
    this.complaints.push(`${HOLLOW_PREFIX}${name}: ${JSON.stringify(text)} is left out; it should be ${form}`);
  }
}

/** Whether an object has anything to do with the annotations at all: nearly none has, and pays no more than this look. */
export function hasHollowAnnotations(annotations: Readonly<Record<string, string>> | undefined): boolean {
  if (annotations === undefined) return false;
  for (const name in annotations) if (name.startsWith(HOLLOW_PREFIX)) return true;
  return false;
}
