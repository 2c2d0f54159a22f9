/** Go's text/template, the part that needs no other template. Source: https://pkg.go.dev/text/template. */
import { type Piece, piecesOf, TemplateError, type Word, wordsOf } from "./lex.ts";

export type Expression =
  | { readonly type: "value"; readonly value: unknown }
  /** A variable or the dot, and the fields that lead on from it. */
  | { readonly type: "path"; readonly from: string; readonly fields: readonly string[] }
  /** The fields of what an expression gives: `(index .a 0).b`. */
  | { readonly type: "fields"; readonly of: Expression; readonly fields: readonly string[] }
  | { readonly type: "call"; readonly name: string; readonly words: readonly Expression[] };

export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly pipeline: Expression; readonly line: number }
  | { readonly type: "set"; readonly variable: string; readonly declares: boolean; readonly pipeline: Expression; readonly line: number }
  | ({ readonly type: "if" | "with" } & Branch)
  | ({ readonly type: "range"; readonly key: string | undefined } & Branch)
  | { readonly type: "break" | "continue" };

interface Branch {
  /** Set to what the pipeline gives; in a range to each item. */
  readonly variable: string | undefined;
  readonly pipeline: Expression;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
  readonly line: number;
}

const UNDERSTOOD = "if, else, else if, with, range, break, continue, end, variables, pipelines and functions";

/** Throws TemplateError. `knows` says which functions there are. */
export function parseTemplate(template: string, knows: (name: string) => boolean, functions: string): readonly Node[] {
  const pieces = piecesOf(template);
  let at = 0;

  function block(
    ends: readonly string[],
    opened: Piece | undefined,
  ): { readonly nodes: readonly Node[]; readonly end: string; readonly rest: Words } {
    const nodes: Node[] = [];
    for (;;) {
      const piece = pieces[at++];
      if (piece === undefined) {
        if (opened === undefined) return { nodes, end: "", rest: new Words([], { type: "action", text: "", line: 0 }, knows, functions) };
        throw new TemplateError(`line ${opened.line}: {{${opened.text}}} has no {{ end }}`);
      }
      if (piece.type === "text") {
        nodes.push({ type: "text", text: piece.text });
        continue;
      }
      const words = new Words(wordsOf(piece), piece, knows, functions);
      const keyword = words.keyword();
      if (keyword === "end" || keyword === "else") {
        if (!ends.includes(keyword)) throw new TemplateError(`line ${piece.line}: {{ ${keyword} }} has nothing that it belongs to`);
        return { nodes, end: keyword, rest: words };
      }
      nodes.push(node(keyword, words, piece));
    }
  }

  function node(keyword: string | undefined, words: Words, piece: Piece): Node {
    switch (keyword) {
      case "if":
      case "with":
      case "range":
        return branch(keyword, words, piece);
      case "break":
      case "continue":
        words.done();
        return { type: keyword };
      case "define":
      case "template":
      case "block":
        throw new TemplateError(`line ${piece.line}: ${keyword} is not understood; understood of Go's templates are ${UNDERSTOOD}`);
      default: {
        const { line } = piece;
        const set = words.assignment();
        const pipeline = words.pipeline();
        words.done();
        return set === undefined ? { type: "print", pipeline, line } : { type: "set", ...set, pipeline, line };
      }
    }
  }

  function branch(keyword: "if" | "with" | "range", words: Words, piece: Piece): Node {
    const { line } = piece;
    const { key, variable } = keyword === "range" ? words.rangeVariables() : { key: undefined, variable: words.assignment()?.variable };
    const pipeline = words.pipeline();
    words.done();
    const body = block(["end", "else"], piece);
    let otherwise: readonly Node[] = [];
    if (body.end === "else") {
      const next = body.rest.keyword();
      if (next === "if" || next === "with") otherwise = [branch(next, body.rest, piece)];
      else {
        body.rest.done();
        otherwise = block(["end"], piece).nodes;
      }
    } else body.rest.done();
    const parts = { variable, pipeline, body: body.nodes, otherwise, line };
    return keyword === "range" ? { type: keyword, key, ...parts } : { type: keyword, ...parts };
  }

  return block([], undefined).nodes;
}

const KEYWORDS: ReadonlySet<string> = new Set(["if", "with", "range", "else", "end", "break", "continue", "define", "template", "block"]);
const CONSTANTS: Readonly<Record<string, unknown>> = { true: true, false: false, nil: undefined };

/** The words of one action, read from left to right. */
class Words {
  readonly #words: readonly Word[];
  readonly #piece: Piece;
  readonly #knows: (name: string) => boolean;
  readonly #functions: string;
  #at = 0;

  constructor(words: readonly Word[], piece: Piece, knows: (name: string) => boolean, functions: string) {
    this.#words = words;
    this.#piece = piece;
    this.#knows = knows;
    this.#functions = functions;
  }

  get #word(): Word | undefined {
    return this.#words[this.#at];
  }

  #refuse(why: string): never {
    throw new TemplateError(`line ${this.#piece.line}: {{${this.#piece.text}}}: ${why}`);
  }

  #takes(sign: string): boolean {
    if (this.#word?.type !== "sign" || this.#word.text !== sign) return false;
    this.#at++;
    return true;
  }

  keyword(): string | undefined {
    const word = this.#word;
    if (word?.type !== "name" || !KEYWORDS.has(word.text)) return undefined;
    this.#at++;
    return word.text;
  }

  done(): void {
    if (this.#word !== undefined) this.#refuse(`nothing is expected at "${this.#word.text}"`);
  }

  /** `$x :=` or `$x =`. */
  assignment(): { readonly variable: string; readonly declares: boolean } | undefined {
    const [word, sign] = [this.#word, this.#words[this.#at + 1]];
    if (word?.type !== "variable" || sign?.type !== "sign" || (sign.text !== ":=" && sign.text !== "=")) return undefined;
    this.#at += 2;
    return { variable: word.text, declares: sign.text === ":=" };
  }

  /** `$key, $item :=`, `$item :=`, or nothing. */
  rangeVariables(): { readonly key: string | undefined; readonly variable: string | undefined } {
    const [first, comma, second, sign] = this.#words.slice(this.#at, this.#at + 4);
    if (first?.type === "variable" && comma?.text === "," && second?.type === "variable" && sign?.text === ":=") {
      this.#at += 4;
      return { key: first.text, variable: second.text };
    }
    return { key: undefined, variable: this.assignment()?.variable };
  }

  pipeline(): Expression {
    let left = this.#command();
    while (this.#takes("|")) {
      const right = this.#command();
      if (right.type !== "call") this.#refuse("only a function can stand after |");
      left = { ...right, words: [...right.words, left] };
    }
    return left;
  }

  #command(): Expression {
    const word = this.#word;
    if (word?.type !== "name" || Object.hasOwn(CONSTANTS, word.text)) return this.#operand();
    this.#at++;
    this.#mustKnow(word.text);
    const words: Expression[] = [];
    while (this.#word !== undefined && !(this.#word.type === "sign" && (this.#word.text === "|" || this.#word.text === ")")))
      words.push(this.#operand());
    return { type: "call", name: word.text, words };
  }

  #mustKnow(name: string): void {
    if (!this.#knows(name)) this.#refuse(`there is no function ${name}; there are ${this.#functions}`);
  }

  #operand(): Expression {
    const word = this.#word;
    if (word === undefined) this.#refuse("it ends too early");
    this.#at++;
    switch (word.type) {
      case "field":
        return { type: "path", from: ".", fields: [word.text.slice(1), ...this.#fields()] };
      case "variable":
        return { type: "path", from: word.text, fields: this.#fields() };
      case "text":
        return { type: "value", value: word.text.startsWith("`") ? word.text.slice(1, -1) : JSON.parse(word.text) };
      case "number":
        return { type: "value", value: Number(word.text) };
      case "name":
        if (Object.hasOwn(CONSTANTS, word.text)) return { type: "value", value: CONSTANTS[word.text] };
        this.#mustKnow(word.text);
        return { type: "call", name: word.text, words: [] };
      case "sign":
        if (word.text === ".") return { type: "path", from: ".", fields: [] };
        if (word.text !== "(") this.#refuse(`nothing is expected at "${word.text}"`);
    }
    const inner = this.pipeline();
    if (!this.#takes(")")) this.#refuse("a parenthesis is not closed");
    const fields = this.#fields();
    return fields.length === 0 ? inner : { type: "fields", of: inner, fields };
  }

  /** Fields that follow without a space. */
  #fields(): readonly string[] {
    const fields: string[] = [];
    while (this.#word?.type === "field" && !this.#word.apart) fields.push((this.#words[this.#at++] as Word).text.slice(1));
    return fields;
  }
}
