/** Reads a document member by member, and collects what is wrong with it: each with its path, and with what is accepted there. */
export class Fields {
  readonly complaints: string[];
  readonly path: string;
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(value: unknown, path: string, complaints: string[] = []) {
    this.path = path;
    this.complaints = complaints;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) complaints.push(`${path === "" ? "the document" : path} should be an object`);
    this.#members = isObject ? (value as Record<string, unknown>) : {};
  }

  at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  complain(name: string, what: string): undefined {
    this.complaints.push(`${this.at(name)} ${what}`);
  }

  /** Members beyond these are complained of. */
  only(...known: readonly string[]): this {
    for (const name of Object.keys(this.#members)) {
      if (!known.includes(name)) this.complain(name, `is unknown; known are ${known.join(", ")}`);
    }
    return this;
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null;
  }

  text(name: string): string | undefined {
    const value = this.#members[name];
    return !this.has(name) || typeof value === "string" ? (value as string | undefined) : this.complain(name, "should be a text");
  }

  /** A text that has to be there. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined && !this.has(name)) this.complain(name, "is missing");
    return value ?? "";
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined || value === "") return undefined;
    return (
      choices.find((choice) => choice === value) ??
      this.complain(name, `is ${JSON.stringify(value)}, and should be one of ${choices.join(", ")}`)
    );
  }

  /** A whole number from 0. */
  count(name: string): number | undefined {
    const value = this.#members[name];
    if (!this.has(name) || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number | undefined;
    return this.complain(name, "should be a whole number from 0");
  }

  flag(name: string): boolean {
    const value = this.#members[name];
    return !this.has(name) || typeof value === "boolean" ? value === true : (this.complain(name, "should be true or false") ?? false);
  }

  object(name: string): Fields | undefined {
    return this.has(name) ? new Fields(this.#members[name], this.at(name), this.complaints) : undefined;
  }

  /** The values are texts. */
  texts(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.#members[name];
    if (!this.has(name)) return undefined;
    const isRight =
      typeof value === "object" && !Array.isArray(value) && Object.values(value ?? {}).every((each) => typeof each === "string");
    return isRight ? (value as Record<string, string>) : this.complain(name, "should be an object of texts");
  }

  objects(name: string): readonly Fields[] {
    return this.#list(name).map((item, index) => new Fields(item, `${this.at(name)}[${index}]`, this.complaints));
  }

  listOfTexts(name: string): readonly string[] {
    const list = this.#list(name);
    if (list.every((each) => typeof each === "string")) return list;
    this.complain(name, "should be a list of texts");
    return [];
  }

  #list(name: string): readonly unknown[] {
    const value = this.#members[name];
    if (!this.has(name)) return [];
    if (Array.isArray(value)) return value;
    this.complain(name, "should be a list");
    return [];
  }

  /** What `read` gives; what it throws is complained of, in its own words. */
  understood<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      return this.complain(name, `is not understood: ${(error as Error).message}`);
    }
  }
}
