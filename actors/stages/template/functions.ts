/**
 * Functions that every template of a stage has: Go's own, those of kwok, and of sprig those that statuses are written with.
 * Sources: https://pkg.go.dev/text/template#hdr-Functions, https://kwok.sigs.k8s.io/docs/user/stages-configuration/, https://masterminds.github.io/sprig/.
 */
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { TemplateError } from "./lex.ts";
import { isTrue, type TemplateFunctions, textOf } from "./template.ts";

const YAML_INDENT = "  ";

/** Source: Go's builtins. */
const GO: TemplateFunctions = {
  eq: (first, ...others) => others.some((other) => same(first, other)),
  ne: (a, b) => !same(a, b),
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(member, value),
  print: (...words) => words.map(textOf).join(" "),
  printf: (format, ...words) => printf(String(format), words),
};

const SPRIG: TemplateFunctions = {
  default: (otherwise, value) => (isTrue(value) ? value : otherwise),
  empty: (value) => !isTrue(value),
  coalesce: (...values) => values.find(isTrue),
  ternary: (yes, no, condition) => (isTrue(condition) ? yes : no),
  dict: (...words) =>
    Object.fromEntries(Array.from({ length: words.length >> 1 }, (_, pair) => [textOf(words[pair * 2]), words[pair * 2 + 1]])),
  list: (...words) => words,
  get: (dict, key) => member(dict, key) ?? "",
  hasKey: (dict, key) => isObject(dict) && Object.hasOwn(dict, textOf(key)),
  first: (list) => listOf(list)[0],
  last: (list) => listOf(list).at(-1),
  has: (item, list) => listOf(list).some((each) => same(each, item)),
  until: (count) => Array.from({ length: number(count) }, (_, index) => index),
  join: (separator, list) => listOf(list).map(textOf).join(textOf(separator)),
  splitList: (separator, text) => textOf(text).split(textOf(separator)),
  lower: (text) => textOf(text).toLowerCase(),
  upper: (text) => textOf(text).toUpperCase(),
  trim: (text) => textOf(text).trim(),
  trimPrefix: (prefix, text) => (textOf(text).startsWith(textOf(prefix)) ? textOf(text).slice(textOf(prefix).length) : text),
  trimSuffix: (suffix, text) => (textOf(text).endsWith(textOf(suffix)) ? textOf(text).slice(0, -textOf(suffix).length || undefined) : text),
  replace: (old, next, text) => textOf(text).replaceAll(textOf(old), textOf(next)),
  contains: (part, text) => textOf(text).includes(textOf(part)),
  hasPrefix: (prefix, text) => textOf(text).startsWith(textOf(prefix)),
  hasSuffix: (suffix, text) => textOf(text).endsWith(textOf(suffix)),
  trunc: (length, text) => textOf(text).slice(0, number(length)),
  quote: (...words) =>
    words
      .filter((word) => word !== undefined && word !== null)
      .map((word) => JSON.stringify(textOf(word)))
      .join(" "),
  squote: (...words) => words.map((word) => `'${textOf(word)}'`).join(" "),
  indent: (spaces, text) => indented(number(spaces), textOf(text)),
  nindent: (spaces, text) => `\n${indented(number(spaces), textOf(text))}`,
  toString: (value: unknown) => textOf(value),
  toJson: (value: unknown) => JSON.stringify(value ?? null),
  b64enc: (text) => Buffer.from(textOf(text)).toString("base64"),
  int: (value) => Math.trunc(Number(value) || 0),
  add: (...words) => words.reduce<number>((sum, word) => sum + number(word), 0),
  sub: (a, b) => number(a) - number(b),
  mul: (...words) => words.reduce<number>((product, word) => product * number(word), 1),
  div: (a, b) => quotient(a, b),
  mod: (a, b) => number(a) - quotient(a, b) * number(b),
  max: (...words) => Math.max(...words.map(number)),
  min: (...words) => Math.min(...words.map(number)),
};

const KWOK: TemplateFunctions = {
  Quote: (value) => {
    const json = JSON.stringify(value ?? null);
    return json.startsWith('"') ? json : JSON.stringify(json);
  },
  YAML: (value: unknown, indent: unknown = 0) => {
    const text = stringify(value ?? null);
    return number(indent) > 0 ? `\n${text}`.replaceAll("\n", `\n${YAML_INDENT.repeat(number(indent))}`) : text;
  },
};

/** What does not depend on time, place or chance. */
export const COMMON_FUNCTIONS: TemplateFunctions = { ...GO, ...SPRIG, ...KWOK };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a ?? null, b ?? null);
}

function number(value: unknown): number {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof found !== "number" || Number.isNaN(found)) throw new TemplateError(`${JSON.stringify(value ?? null)} is not a number`);
  return found;
}

function quotient(a: unknown, b: unknown): number {
  if (number(b) === 0) throw new TemplateError("division by zero");
  return Math.trunc(number(a) / number(b));
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TemplateError(`${JSON.stringify(value)} is not a list`);
  return value;
}

function order(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return number(a) - number(b);
}

function lengthOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === "string") return Buffer.byteLength(value);
  return isObject(value) ? Object.keys(value).length : listOf(value).length;
}

/** Of what is not there nothing is found; beyond the end of a list is a mistake. */
function member(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return Object.hasOwn(value, textOf(key)) ? value[textOf(key)] : undefined;
  const list = listOf(value);
  if (number(key) < 0 || number(key) >= list.length) throw new TemplateError(`index out of range: ${textOf(key)}`);
  return list[number(key)];
}

function indented(spaces: number, text: string): string {
  const pad = " ".repeat(spaces);
  return pad + text.replaceAll("\n", `\n${pad}`);
}

function printf(format: string, words: readonly unknown[]): string {
  let next = 0;
  return format.replace(/%(%|[sdvqf])/g, (_, verb: string) => {
    if (verb === "%") return "%";
    const word = words[next++];
    if (verb === "q") return JSON.stringify(textOf(word));
    if (verb === "d") return String(Math.trunc(number(word)));
    return verb === "f" ? number(word).toFixed(6) : textOf(word);
  });
}
