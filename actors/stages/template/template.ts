/** Renders Go's templates, as stages use them: on plain data, with functions that are handed in. */
import { TemplateError } from "./lex.ts";
import { type Expression, type Node, parseTemplate } from "./parse.ts";

/** Called with the values of its words; throws TemplateError when it can do nothing with them. */
export type TemplateFunction = (...words: readonly unknown[]) => unknown;
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

/** A template that was understood. */
export interface Template {
  /** Throws TemplateError. */
  render(data: unknown, functions: TemplateFunctions): string;
}

/** Bounds a template that makes text out of text. */
const RENDERED_CHARACTERS_MAX = 1_000_000;

/** Throws TemplateError: also of functions that are none of those named. */
export function template(text: string, functions: readonly string[]): Template {
  const known = new Set(functions);
  const nodes = parseTemplate(text.trim(), (name) => known.has(name) || SHORT_CUTS.has(name), [...SHORT_CUTS, ...functions].join(", "));
  return { render: (data, given) => new Rendering(given, data).whole(nodes) };
}

/** Whose words are evaluated only as far as they are needed. */
const SHORT_CUTS: ReadonlySet<string> = new Set(["and", "or"]);

type Scope = Map<string, unknown>;
type Flow = "on" | "break" | "continue";

class Rendering {
  readonly #functions: TemplateFunctions;
  readonly #root: unknown;
  #out = "";

  constructor(functions: TemplateFunctions, root: unknown) {
    this.#functions = functions;
    this.#root = root;
  }

  whole(nodes: readonly Node[]): string {
    this.#nodes(nodes, this.#root, [new Map([["$", this.#root]])]);
    return this.#out;
  }

  /** `scopes`: variables, the innermost last. */
  #nodes(nodes: readonly Node[], dot: unknown, scopes: readonly Scope[]): Flow {
    const inner = [...scopes, new Map<string, unknown>()];
    for (const node of nodes) {
      const flow = this.#node(node, dot, inner);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #node(node: Node, dot: unknown, scopes: readonly Scope[]): Flow {
    switch (node.type) {
      case "text":
        this.#print(node.text);
        return "on";
      case "break":
      case "continue":
        return node.type;
      case "print":
        this.#print(textOf(this.#at(node.line, () => this.#value(node.pipeline, dot, scopes))));
        return "on";
      case "set": {
        const value = this.#at(node.line, () => this.#value(node.pipeline, dot, scopes));
        const scope = node.declares ? scopes.at(-1) : scopes.findLast((each) => each.has(node.variable));
        if (scope === undefined) throw new TemplateError(`line ${node.line}: there is no variable ${node.variable}`);
        scope.set(node.variable, value);
        return "on";
      }
      case "if":
      case "with": {
        const value = this.#at(node.line, () => this.#value(node.pipeline, dot, scopes));
        const inner: readonly Scope[] = [...scopes, new Map(node.variable === undefined ? [] : [[node.variable, value]])];
        if (!isTrue(value)) return this.#nodes(node.otherwise, dot, inner);
        return this.#nodes(node.body, node.type === "with" ? value : dot, inner);
      }
      case "range":
        return this.#range(node, dot, scopes);
    }
  }

  #range(node: Extract<Node, { type: "range" }>, dot: unknown, scopes: readonly Scope[]): Flow {
    const items = itemsOf(
      this.#at(node.line, () => this.#value(node.pipeline, dot, scopes)),
      node.line,
    );
    if (items.length === 0) return this.#nodes(node.otherwise, dot, scopes);
    for (const [key, item] of items) {
      const scope: Scope = new Map();
      if (node.key !== undefined) scope.set(node.key, key);
      if (node.variable !== undefined) scope.set(node.variable, item);
      if (this.#nodes(node.body, item, [...scopes, scope]) === "break") break;
    }
    return "on";
  }

  #print(text: string): void {
    this.#out += text;
    if (this.#out.length > RENDERED_CHARACTERS_MAX) throw new TemplateError(`it renders more than ${RENDERED_CHARACTERS_MAX} characters`);
  }

  #at<T>(line: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof TemplateError && !error.message.startsWith("line ")) throw new TemplateError(`line ${line}: ${error.message}`);
      throw error;
    }
  }

  #value(expression: Expression, dot: unknown, scopes: readonly Scope[]): unknown {
    switch (expression.type) {
      case "value":
        return expression.value;
      case "path":
        return lead(expression.from === "." ? dot : variable(expression.from, scopes), expression.fields);
      case "fields":
        return lead(this.#value(expression.of, dot, scopes), expression.fields);
      case "call":
        if (SHORT_CUTS.has(expression.name)) return this.#shortCut(expression, dot, scopes);
        return this.#functions[expression.name]?.(...expression.words.map((word) => this.#value(word, dot, scopes)));
    }
  }

  #shortCut({ name, words }: Extract<Expression, { type: "call" }>, dot: unknown, scopes: readonly Scope[]): unknown {
    let value: unknown;
    for (const word of words) {
      value = this.#value(word, dot, scopes);
      if (isTrue(value) === (name === "or")) return value;
    }
    return value;
  }
}

function variable(name: string, scopes: readonly Scope[]): unknown {
  const scope = scopes.findLast((each) => each.has(name));
  if (scope === undefined) throw new TemplateError(`there is no variable ${name}`);
  return scope.get(name);
}

/** A field of nothing is nothing. */
function lead(value: unknown, fields: readonly string[]): unknown {
  let at = value;
  for (const field of fields) {
    if (at === undefined || at === null) return undefined;
    if (typeof at !== "object") throw new TemplateError(`${JSON.stringify(at)} has no field ${field}`);
    at = Object.hasOwn(at, field) ? (at as Record<string, unknown>)[field] : undefined;
  }
  return at;
}

function itemsOf(value: unknown, line: number): readonly (readonly [unknown, unknown])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (typeof value === "object") return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  if (typeof value === "number") return Array.from({ length: value }, (_, index) => [index, index]);
  throw new TemplateError(`line ${line}: range cannot go through ${JSON.stringify(value)}`);
}

/** Not false, 0, nothing, or empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false;
  return typeof value !== "object" || (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0);
}

/** As Go prints it. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(" ")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, each]) => `${key}:${textOf(each)}`).join(" ")}]`;
}
