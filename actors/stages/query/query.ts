/**
 * The part of jq that stages ask objects with: paths, and conditions on what they lead to. What is beyond it is refused when the query is read, so that no
 * stage waits for ever for what nobody understood. Source: jq's manual, https://jqlang.org/manual/v1.7/.
 */
import { isDeepStrictEqual } from "node:util";
import { QueryError, type Token, tokensOf, UNDERSTOOD } from "./tokens.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** All values that the query yields for an object; null is one of them. Throws NoAnswer where jq ends with an error. */
type Filter = (input: Json) => readonly Json[];

/** What jq cannot do with this object, such as a field of a string. */
class NoAnswer extends Error {}

/** The values that a query yields for an object, null left out; undefined where it ends with an error. */
export type Query = (object: unknown) => readonly Json[] | undefined;

/** Throws QueryError. */
export function query(text: string): Query {
  const filter = new Reader(text).whole();
  return (object) => {
    try {
      return filter(object as Json).filter((value) => value !== null);
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  };
}

const COMPARISONS: Readonly<Record<string, (a: Json, b: Json) => boolean>> = {
  "==": (a, b) => isDeepStrictEqual(a, b),
  "!=": (a, b) => !isDeepStrictEqual(a, b),
  "<": (a, b) => order(a, b) < 0,
  "<=": (a, b) => order(a, b) <= 0,
  ">": (a, b) => order(a, b) > 0,
  ">=": (a, b) => order(a, b) >= 0,
};

/** Functions of the input alone. */
const FUNCTIONS: Readonly<Record<string, Filter>> = {
  not: (input) => [!truth(input)],
  empty: () => [],
  length: (input) => [lengthOf(input)],
  keys: (input) => [isObject(input) ? Object.keys(input).sort() : items(input).map((_, index) => index)],
  first: (input) => [items(input)[0] ?? null],
  last: (input) => [items(input).at(-1) ?? null],
  any: (input) => [items(input).some(truth)],
  all: (input) => [items(input).every(truth)],
  tostring: (input) => [typeof input === "string" ? input : JSON.stringify(input)],
  tonumber: (input) => [numberOf(input)],
};

/** Functions of the input and a query. */
const FUNCTIONS_OF_QUERY: Readonly<Record<string, (argument: Filter) => Filter>> = {
  select: (argument) => (input) => argument(input).flatMap((chosen) => (truth(chosen) ? [input] : [])),
  map: (argument) => (input) => [items(input).flatMap(argument)],
  any: (argument) => (input) => [items(input).some((item) => argument(item).some(truth))],
  all: (argument) => (input) => [items(input).every((item) => argument(item).every(truth))],
  has: (argument) => (input) => argument(input).map((name) => hasMember(input, name)),
};

class Reader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  whole(): Filter {
    const filter = this.#pipe();
    if (this.#token.type !== "end") this.#refuse();
    return filter;
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #refuse(): never {
    const { text, at } = this.#token;
    const where = text === "" ? "ends too early" : `is not understood from character ${at} on (${text})`;
    throw new QueryError(`${JSON.stringify(this.#text)} ${where}; ${UNDERSTOOD}`);
  }

  #takes(text: string): boolean {
    if (this.#token.text !== text || this.#token.type === "string") return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) this.#refuse();
  }

  #pipe(): Filter {
    let left = this.#alternative();
    while (this.#takes("|")) {
      const [before, after] = [left, this.#alternative()];
      left = (input) => before(input).flatMap(after);
    }
    return left;
  }

  #alternative(): Filter {
    const left = this.#or();
    if (!this.#takes("//")) return left;
    const right = this.#alternative();
    return (input) => {
      const found = attempt(left, input).filter(truth);
      return found.length > 0 ? found : right(input);
    };
  }

  #or(): Filter {
    let left = this.#and();
    while (this.#takes("or")) left = combined(left, this.#and(), (a, b) => truth(a) || truth(b));
    return left;
  }

  #and(): Filter {
    let left = this.#comparison();
    while (this.#takes("and")) left = combined(left, this.#comparison(), (a, b) => truth(a) && truth(b));
    return left;
  }

  #comparison(): Filter {
    const left = this.#postfix();
    const compare = this.#token.type === "sign" ? COMPARISONS[this.#token.text] : undefined;
    if (compare === undefined) return left;
    this.#at++;
    return combined(left, this.#postfix(), compare);
  }

  #postfix(): Filter {
    let filter = this.#term();
    for (;;) {
      const step = this.#step();
      if (step === undefined) return filter;
      filter = step(filter);
    }
  }

  /** What a path goes on with: `.a`, `."a"`, `.[...]`, `[...]`, `?`. */
  #step(): ((before: Filter) => Filter) | undefined {
    const { type, text } = this.#token;
    if (type === "field") {
      this.#at++;
      return memberOf(text.slice(1));
    }
    if (this.#takes("?")) return (before) => (input) => attempt(before, input);
    if (text === "." && type === "sign") {
      this.#at++;
      if (this.#token.type === "string") return memberOf(this.#string());
      if (this.#token.text !== "[") this.#refuse();
    }
    return this.#takes("[") ? this.#bracket() : undefined;
  }

  #bracket(): (before: Filter) => Filter {
    if (this.#takes("]"))
      return (before) => (input) => before(input).flatMap((value) => (isObject(value) ? Object.values(value) : items(value)));
    const { type, text } = this.#token;
    if (type === "string") {
      const name = this.#string();
      this.#expect("]");
      return memberOf(name);
    }
    if (type !== "number") this.#refuse();
    this.#at++;
    this.#expect("]");
    return (before) => (input) => before(input).map((value) => (value === null ? null : (items(value).at(Number(text)) ?? null)));
  }

  #string(): string {
    const { text } = this.#token;
    this.#at++;
    return JSON.parse(text) as string;
  }

  #term(): Filter {
    const { type, text } = this.#token;
    if (type === "field" || (type === "sign" && text === ".")) return this.#beginning();
    if (type === "string") {
      const value = this.#string();
      return () => [value];
    }
    this.#at++;
    if (type === "number") return () => [Number(text)];
    if (type === "sign" && text === "(") {
      const inner = this.#pipe();
      this.#expect(")");
      return inner;
    }
    if (type === "name") {
      if (text === "null" || text === "true" || text === "false") return () => [JSON.parse(text) as Json];
      if (this.#token.text === "(" && Object.hasOwn(FUNCTIONS_OF_QUERY, text)) return this.#call(text);
      if (this.#token.text !== "(" && Object.hasOwn(FUNCTIONS, text)) return FUNCTIONS[text] as Filter;
    }
    this.#at--;
    return this.#refuse();
  }

  /** A path begins at the object: `.`, `.a`, `."a"`, `.[0]`. */
  #beginning(): Filter {
    const itself: Filter = (input) => [input];
    const next = this.#tokens[this.#at + 1];
    const alone = this.#token.text === "." && next?.type !== "string" && next?.text !== "[";
    if (!alone) return this.#step()?.(itself) ?? this.#refuse();
    this.#at++;
    return itself;
  }

  #call(name: string): Filter {
    this.#expect("(");
    const argument = this.#pipe();
    this.#expect(")");
    return FUNCTIONS_OF_QUERY[name]?.(argument) ?? this.#refuse();
  }
}

function memberOf(name: string): (before: Filter) => Filter {
  return (before) => (input) =>
    before(input).map((value) => {
      if (value === null) return null;
      if (!isObject(value)) throw new NoAnswer();
      return Object.hasOwn(value, name) ? (value[name] ?? null) : null;
    });
}

function combined(left: Filter, right: Filter, combine: (a: Json, b: Json) => boolean): Filter {
  return (input) => right(input).flatMap((b) => left(input).map((a) => combine(a, b)));
}

function attempt(filter: Filter, input: Json): readonly Json[] {
  try {
    return filter(input);
  } catch (error) {
    if (error instanceof NoAnswer) return [];
    throw error;
  }
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function items(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new NoAnswer();
  return value;
}

const truth = (value: Json): boolean => value !== null && value !== false;

function lengthOf(value: Json): number {
  if (value === null) return 0;
  if (typeof value === "number") return Math.abs(value);
  if (typeof value === "string") return [...value].length;
  return isObject(value) ? Object.keys(value).length : items(value).length;
}

function numberOf(value: Json): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) throw new NoAnswer();
  return number;
}

function hasMember(value: Json, name: Json): boolean {
  if (isObject(value)) return Object.hasOwn(value, String(name));
  return Number(name) < items(value).length;
}

/** Of numbers and of texts; jq's order of other things is nobody's business here. */
function order(a: Json, b: Json): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new NoAnswer();
}
