/** How Go speaks of JSON. What its decoder says of a text that is none: source encoding/json's scanner. */

/** A decoded value as Go's `%v` prints it. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([name, one]) => `${name}:${goText(one)}`).join(" ")}]`;
}

const END = "unexpected end of JSON input";

class SyntaxWords extends Error {}

/** How Go quotes a character. */
function quoteChar(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}

/** The words for the first thing that is wrong; undefined when the text is JSON after all. */
export function goSyntaxError(text: string): string | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.value();
    scanner.end();
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxWords) return error.message;
    throw error;
  }
}

/** How deep Go follows. Source: encoding/json's maxNestingDepth. */
const DEPTH_MAX = 10_000;

class Scanner {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #space(): void {
    while (this.#at < this.#text.length && " \t\r\n".includes(this.#text[this.#at] ?? "")) this.#at++;
  }

  #fail(context: string): SyntaxWords {
    const character = this.#text[this.#at];
    return new SyntaxWords(character === undefined ? END : `invalid character ${quoteChar(character)} ${context}`);
  }

  value(): void {
    this.#space();
    const character = this.#text[this.#at];
    if (character === "{") this.#members();
    else if (character === "[") this.#items();
    else if (character === '"') this.#string();
    else if (character === "-" || (character !== undefined && character >= "0" && character <= "9")) this.#number();
    else if (character === "t") this.#literal("true");
    else if (character === "f") this.#literal("false");
    else if (character === "n") this.#literal("null");
    else throw this.#fail("looking for beginning of value");
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#fail("after top-level value");
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) throw new SyntaxWords("exceeded max depth");
    this.#at++;
    this.#space();
  }

  #leave(): void {
    this.#depth--;
    this.#at++;
  }

  #members(): void {
    this.#enter();
    if (this.#text[this.#at] === "}") {
      this.#leave();
      return;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#fail("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":") throw this.#fail("after object key");
      this.#at++;
      this.value();
      this.#space();
      if (this.#text[this.#at] === "}") break;
      if (this.#text[this.#at] !== ",") throw this.#fail("after object key:value pair");
      this.#at++;
    }
    this.#leave();
  }

  #items(): void {
    this.#enter();
    if (this.#text[this.#at] === "]") {
      this.#leave();
      return;
    }
    for (;;) {
      this.value();
      this.#space();
      if (this.#text[this.#at] === "]") break;
      if (this.#text[this.#at] !== ",") throw this.#fail("after array element");
      this.#at++;
    }
    this.#leave();
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const character = this.#text[this.#at];
      if (character === '"') break;
      if (character === undefined || character < " ") throw this.#fail("in string literal");
      if (character !== "\\") continue;
      const escaped = this.#text[++this.#at] ?? "";
      if (escaped === "u") {
        for (let digit = 0; digit < 4; digit++) {
          this.#at++;
          if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? "")) throw this.#fail("in \\u hexadecimal character escape");
        }
      } else if (escaped === "" || !'"\\/bfnrt'.includes(escaped)) throw this.#fail("in string escape code");
    }
    this.#at++;
  }

  #number(): void {
    if (this.#text[this.#at] === "-") this.#at++;
    const first = this.#text[this.#at] ?? "";
    if (!/\d/.test(first)) throw this.#fail("in numeric literal");
    this.#at++;
    if (first !== "0") this.#digits();
    if (this.#text[this.#at] === ".") {
      this.#at++;
      if (!/\d/.test(this.#text[this.#at] ?? "")) throw this.#fail("after decimal point in numeric literal");
      this.#digits();
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[-+]/.test(this.#text[this.#at] ?? "")) this.#at++;
      if (!/\d/.test(this.#text[this.#at] ?? "")) throw this.#fail("in exponent of numeric literal");
      this.#digits();
    }
  }

  #digits(): void {
    while (/\d/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #literal(word: string): void {
    for (let index = 1; index < word.length; index++) {
      this.#at++;
      if (this.#text[this.#at] !== word[index]) throw this.#fail(`in literal ${word} (expecting ${quoteChar(word[index] ?? "")})`);
    }
    this.#at++;
  }
}

export function jsonKind(value: unknown): string {
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "array";
  return typeof value;
}
