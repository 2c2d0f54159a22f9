const SPECS_MAX = 256;
/** A larger one is not worth its place. */
const CHARS_MAX = 8_192;

/** Specs of pods of which something is known, as JSON. */
export class KnownSpecs {
  readonly #known = new Set<string>();

  has(json: string): boolean {
    return this.#known.has(json);
  }

  add(json: string): void {
    if (json.length > CHARS_MAX || this.#known.has(json)) return;
    if (this.#known.size >= SPECS_MAX) this.#known.clear();
    this.#known.add(json);
  }
}
