/** Checks the types of expressions, in the words of cel-go's compiler and checker. Source: cel-go's checker/errors.go and common/error.go. */
import { type Environment, ParseError } from "@marcbachmann/cel-js";
import { CelFailure, celEnvironment } from "./cel.ts";
import { refuseDepth } from "./depth.ts";
import { literalProblem } from "./literals.ts";
import { widenPresence } from "./presence.ts";
import type { TypedNode } from "./static-cost.ts";

/** What a variable is. `object`: it has these fields and no others. */
export type CelType =
  | string
  | { readonly object: Readonly<Record<string, CelType>> }
  | { readonly list: CelType }
  | { readonly map: CelType }
  | { readonly optional: CelType };

/** An expression that is right: what it evaluates to, and its nodes with their types. */
export interface Checked {
  readonly type: string;
  readonly tree: TypedNode;
}

/** An environment of typed variables, for checking alone: values are not looked at. */
export class CelChecker {
  readonly #environment: Environment = celEnvironment(true);
  #types = 0;

  /** `extend` adds what the libraries do not have. */
  constructor(variables: Readonly<Record<string, CelType>>, extend?: (environment: Environment) => Environment) {
    extend?.(this.#environment);
    // The same shape is the same type, so that an object can be compared with what it was.
    const made = new Map<CelType, string>();
    for (const [name, type] of Object.entries(variables)) this.#environment.registerVariable(name, this.#nameOf(type, made));
  }

  #nameOf(type: CelType, made: Map<CelType, string>): string {
    if (typeof type === "string") return type;
    if ("list" in type) return `list<${this.#nameOf(type.list, made)}>`;
    if ("map" in type) return `map<string, ${this.#nameOf(type.map, made)}>`;
    if ("optional" in type) return `optional<${this.#nameOf(type.optional, made)}>`;
    const known = made.get(type);
    if (known !== undefined) return known;
    const fields = Object.entries(type.object)
      .filter(([field]) => IDENTIFIER.test(field))
      .map(([field, of]) => [field, this.#nameOf(of, made)]);
    const name = `Object${++this.#types}`;
    this.#environment.registerType(name, { fields: Object.fromEntries(fields) });
    // An object may be none.
    for (const other of [name, "null"]) this.#environment.registerOperator(`${name} == ${other}`, () => true);
    made.set(type, name);
    return name;
  }

  /** What the expression evaluates to, or what is wrong with it. */
  check(expression: string): Checked | { readonly problem: string } {
    try {
      const parsed = this.#environment.parse(expression);
      refuseDepth(parsed.ast);
      widenPresence(parsed.ast);
      const { valid, type, error } = parsed.check();
      if (!valid) return { problem: said(expression, error) };
      const tree = parsed.ast as unknown as TypedNode;
      const key = keyProblem(expression, parsed.ast as unknown as Node);
      if (key !== undefined) return { problem: key };
      const literal = literalProblem(tree);
      return literal === undefined ? { type: type ?? "dyn", tree } : { problem: located(expression, literal.at, literal.words) };
    } catch (error) {
      if (error instanceof CelFailure) return { problem: error.message };
      return { problem: said(expression, error) };
    }
  }
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;

interface Located {
  readonly code?: string;
  readonly summary?: string;
  readonly message?: string;
  readonly range?: { readonly start: number; readonly end: number };
  readonly node?: Node;
}

interface Node {
  readonly op?: string;
  readonly args?: unknown;
  readonly checkedType?: { readonly name: string };
  readonly range?: { readonly start: number; readonly end: number };
}

const EXPECTED =
  "expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

function said(expression: string, error: unknown): string {
  const { code = "", summary = "", message = "", range, node } = error as Located;
  const start = range?.start ?? 0;
  const words = summary || message.split("\n")[0] || String(error);
  if (error instanceof ParseError) {
    return located(expression, start, `Syntax error: ${words.replace("Unexpected token: EOF", `mismatched input '<EOF>' ${EXPECTED}`)}`);
  }
  switch (code) {
    case "unknown_variable":
      return located(expression, start, `undeclared reference to '${words.replace("Unknown variable: ", "")}' (in container '')`);
    case "no_such_key":
      return located(
        expression,
        Math.max(0, expression.lastIndexOf(".", start)),
        `undefined field '${words.replace("No such key: ", "")}'`,
      );
    case "cannot_index_type": {
      const type = /'(.*)'/.exec(words)?.[1] ?? "dyn";
      const dot = Math.max(0, expression.lastIndexOf(".", start));
      return located(expression, dot, `type '${goType(type)}' does not support field selection`);
    }
    case "no_such_overload":
    case "invalid_logical_operand":
      return operatorProblem(expression, node, words, start);
    case "no_matching_overload":
      return located(expression, callAt(expression, node, start), callProblem(words));
    case "invalid_condition_type": {
      const type = /'(.*)'/.exec(words)?.[1] ?? "dyn";
      const question = Math.max(0, expression.indexOf("?", range?.end ?? start));
      return located(expression, question, `expected type 'bool' but found '${goType(type)}'`);
    }
    default:
      return located(expression, start, words.charAt(0).toLowerCase() + words.slice(1));
  }
}

function operatorProblem(expression: string, node: Node | undefined, words: string, start: number): string {
  const { op = "", args } = node ?? {};
  const typeOf = (one: unknown): string => goType((one as Node | undefined)?.checkedType?.name ?? "dyn");
  if (op === "!_" || op === "-_") {
    return located(expression, start, `found no matching overload for '${op}' applied to '(${typeOf(args)})'`);
  }
  if (!Array.isArray(args) || args.length !== 2) return located(expression, start, words);
  const [left, right] = args as readonly Node[];
  const at = expression.indexOf(op, left?.range?.end ?? start);
  const name = op === "in" ? "@in" : `_${op}_`;
  return located(
    expression,
    at < 0 ? start : at,
    `found no matching overload for '${name}' applied to '(${typeOf(left)}, ${typeOf(right)})'`,
  );
}

const KEYS_OF_NAMES: ReadonlySet<string> = new Set(["string", "dyn"]);

/** The library looks anything up in a map of names, cel-go names alone. */
function keyProblem(expression: string, node: unknown): string | undefined {
  if (Array.isArray(node)) {
    for (const one of node) {
      const found = keyProblem(expression, one);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof node !== "object" || node === null || !("op" in node)) return undefined;
  const { op, args } = node as Node;
  const inside = keyProblem(expression, args);
  if (inside !== undefined || op !== "[]" || !Array.isArray(args)) return inside;
  const [map, key] = (args as readonly Node[]).map(({ checkedType }) => checkedType?.name ?? "dyn");
  if (map?.startsWith("map<string,") !== true || KEYS_OF_NAMES.has(key ?? "")) return undefined;
  const at = expression.indexOf("[", (args[0] as Node).range?.end ?? 0);
  return located(expression, at, `found no matching overload for '_[_]' applied to '(${goType(map)}, ${goType(key ?? "")})'`);
}

const NAMES = new Set<string>();

/** Names of functions that there are, whatever they are applied to. */
function functionNames(): ReadonlySet<string> {
  if (NAMES.size === 0) for (const { name } of celEnvironment(true).getDefinitions().functions) NAMES.add(name);
  return NAMES;
}

/** `found no matching overload for 'string.startsWith(int)'`, as the library says it. */
const NO_OVERLOAD = /^found no matching overload for '(?:(.*)\.)?(\w+)\((.*)\)'$/;

function callProblem(words: string): string {
  const [, receiver, name = "", args = ""] = NO_OVERLOAD.exec(words) ?? [];
  if (name === "") return words;
  if (!functionNames().has(name)) return `undeclared reference to '${name}' (in container '')`;
  const applied = `(${goType(args)})`;
  return `found no matching overload for '${name}' applied to '${receiver === undefined ? applied : `${goType(receiver)}.${applied}`}'`;
}

/** Calls stand where their parenthesis does. */
function callAt(expression: string, node: Node | undefined, start: number): number {
  const { op, args } = node ?? {};
  const receiver = op === "rcall" && Array.isArray(args) ? (args[1] as Node).range?.end : undefined;
  const at = expression.indexOf("(", receiver ?? start);
  return at < 0 ? start : at;
}

/** `list<map<string, int>>` as cel-go prints it. */
export function goType(type: string): string {
  return type
    .replaceAll("optional<", "optional_type<")
    .replace(/Object\d+/g, "object")
    .replaceAll("<", "(")
    .replaceAll(">", ")")
    .replace(
      /^(.*\b)?(list|map)$/,
      (_whole, before: string | undefined, kind: string) => `${before ?? ""}${kind === "list" ? "list(dyn)" : "map(dyn, dyn)"}`,
    );
}

/** `ERROR: <input>:1:5: ...` with the line and a pointer, as cel-go prints a problem. */
export function located(expression: string, at: number, words: string): string {
  const before = expression.slice(0, at);
  const line = before.split("\n").length;
  const column = at - (before.lastIndexOf("\n") + 1);
  return `ERROR: <input>:${line}:${column + 1}: ${words}\n | ${expression.split("\n")[line - 1] ?? ""}\n | ${".".repeat(column)}^`;
}
