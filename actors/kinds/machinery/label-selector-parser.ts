/**
 * The parser of label selector texts, in the words of Kubernetes' own recursive descent:
 * `requirement ("," requirement)*`, each `[!] key`, `key (=|==|!=|>|<) value` or `key (in|notin) (value, ...)`.
 * Source: k8s.io/apimachinery/pkg/labels/selector.go.
 */
import { aggregate, goJson, invalid } from "../field-error.ts";
import { labelValue, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

export type SelectorOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

const SYMBOLS: ReadonlySet<string> = new Set(["=", "==", "!=", "!", "(", ")", ",", ">", "<"]);
const BINARY_WORDS = "in, notin, =, ==, !=, gt, lt";
/** What is wrong with the text, in Kubernetes' words. */
export class SelectorSyntax extends Error {
  override readonly name = "SelectorSyntax";
}

/** How Go prints the path of an error that has none. */
const NO_PATH = "<nil>";

interface Token {
  /** A symbol, a word, the end of the text, or symbols that mean nothing. */
  readonly kind: "symbol" | "word" | "end" | "error";
  readonly text: string;
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  const runs = /[ \t\r\n]+|[=!(),<>]+|[^ \t\r\n=!(),<>]+/y;
  while (runs.lastIndex < text.length) {
    const run = runs.exec(text)?.[0];
    if (run === undefined) break;
    if (/^[ \t\r\n]/.test(run)) continue;
    if (!/^[=!(),<>]/.test(run)) {
      tokens.push({ kind: "word", text: run });
      continue;
    }
    for (let at = 0; at < run.length; ) {
      const two = run.slice(at, at + 2);
      const symbol = two.length === 2 && SYMBOLS.has(two) ? two : run.slice(at, at + 1);
      tokens.push({ kind: "symbol", text: symbol });
      at += symbol.length;
    }
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

/** Throws SelectorSyntax. The requirements stand in the order of the text. */
export function parseSelectorText(text: string): Requirement[] {
  const tokens = scan(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const peek = (): Token => tokens[Math.min(at, tokens.length - 1)] ?? { kind: "end", text: "" };
  const take = (): Token => {
    const token = peek();
    at++;
    return token;
  };
  const is = (token: Token, symbol: string): boolean => token.kind === "symbol" && token.text === symbol;
  const startsRequirement = (token: Token): boolean => token.kind === "word" || is(token, "!");

  const readRequirement = (): Requirement => {
    let token = take();
    const absent = is(token, "!");
    if (absent) token = take();
    if (token.kind !== "word") throw new SelectorSyntax(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const wrong = qualifiedName(key);
    if (wrong.length > 0) throw new SelectorSyntax(`${NO_PATH}: ${invalid("", key, wrong.join("; ")).message}`);
    if (absent) return { key, operator: "!", values: [] };
    if (peek().kind === "end" || is(peek(), ",")) return { key, operator: "exists", values: [] };
    const operator = readOperator();
    const values = operator === "in" || operator === "notin" ? readSet() : [readValue()];
    return checked({ key, operator, values: [...new Set(values)].sort() });
  };

  const readOperator = (): SelectorOperator => {
    const token = take();
    if (token.kind === "word" && (token.text === "in" || token.text === "notin")) return token.text;
    if (token.kind === "symbol" && ["=", "==", "!=", ">", "<"].includes(token.text)) return token.text as SelectorOperator;
    throw new SelectorSyntax(`found '${token.text}', expected: ${BINARY_WORDS}`);
  };

  const readValue = (): string => {
    if (peek().kind === "end" || is(peek(), ",")) return "";
    const token = take();
    if (token.kind === "word") return token.text;
    throw new SelectorSyntax(`found '${token.text}', expected: identifier`);
  };

  const readSet = (): string[] => {
    const open = take();
    if (!is(open, "(")) throw new SelectorSyntax(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    if (is(peek(), ")")) {
      take();
      return [""];
    }
    if (peek().kind !== "word" && !is(peek(), ",")) {
      throw new SelectorSyntax(`found '${peek().text}', expected: ',', ')' or identifier`);
    }
    for (;;) {
      const token = take();
      if (token.kind === "word") {
        values.push(token.text);
        if (is(peek(), ")")) break;
        if (!is(peek(), ",")) throw new SelectorSyntax(`found '${peek().text}', expected: ',' or ')'`);
      } else if (is(token, ",")) {
        if (values.length === 0) values.push("");
        if (is(peek(), ")")) {
          values.push("");
          break;
        }
        if (is(peek(), ",")) {
          take();
          values.push("");
        }
      } else throw new SelectorSyntax(`found '${token.text}', expected: ',', or identifier`);
    }
    take();
    return values;
  };

  for (;;) {
    const token = peek();
    if (token.kind === "end") return requirements;
    if (!startsRequirement(token)) throw new SelectorSyntax(`found '${token.text}', expected: !, identifier, or 'end of string'`);
    try {
      requirements.push(readRequirement());
    } catch (error) {
      throw error instanceof SelectorSyntax ? new SelectorSyntax(`unable to parse requirement: ${error.message}`) : error;
    }
    const next = take();
    if (next.kind === "end") return requirements;
    if (!is(next, ",")) throw new SelectorSyntax(`found '${next.text}', expected: ',' or 'end of string'`);
    if (!startsRequirement(peek())) throw new SelectorSyntax(`found '${peek().text}', expected: identifier after ','`);
  }
}

function checked(requirement: Requirement): Requirement {
  const errors: FieldError[] = [];
  const { key, operator, values } = requirement;
  for (const [index, value] of values.entries()) {
    const field = `values[${index}]`;
    if ((operator === ">" || operator === "<") && !/^[+-]?\d+$/.test(value)) {
      errors.push(invalid(field, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
    }
  }
  for (const [index, value] of values.entries()) {
    const wrong = labelValue(value);
    if (wrong.length > 0) errors.push(invalid(`values[${index}][${key}]`, value, wrong.join("; ")));
  }
  if (values.length === 0) errors.push(invalid("values", goJson(values), "for 'in', 'notin' operators, values set can't be empty"));
  if (errors.length > 0) throw new SelectorSyntax(aggregate(errors));
  return requirement;
}
