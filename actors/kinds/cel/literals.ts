/** Texts that stand in an expression as patterns, durations or times, and are none. Source: cel-go's cel/validator.go. */
import { goPattern } from "../custom/patterns.ts";
import { CelFailure, celProgram } from "./cel.ts";
import type { TypedNode } from "./static-cost.ts";

export interface LiteralProblem {
  /** Where the text stands in the expression. */
  readonly at: number;
  readonly words: string;
}

/** The first of them; undefined when there is none. */
export function literalProblem(node: unknown): LiteralProblem | undefined {
  if (Array.isArray(node)) {
    for (const one of node) {
      const problem = literalProblem(one);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (typeof node !== "object" || node === null || !("op" in node)) return undefined;
  const { op, args } = node as TypedNode;
  const [name, ...rest] = Array.isArray(args) ? (args as readonly unknown[]) : [];
  const given = ((op === "call" ? rest[0] : rest[1]) as readonly TypedNode[] | undefined)?.[0];
  if ((op === "call" || op === "rcall") && given?.op === "value" && typeof given.args === "string" && !isRight(String(name), given.args)) {
    return { at: given.start ?? 0, words: `invalid ${String(name)} argument` };
  }
  return literalProblem(args);
}

function isRight(name: string, text: string): boolean {
  switch (name) {
    case "matches":
      return goPattern(text) !== undefined;
    case "duration":
    case "timestamp":
      return evaluates(`${name}(text)`, text);
    default:
      return true;
  }
}

function evaluates(expression: string, text: string): boolean {
  try {
    celProgram(expression).evaluate({ text });
    return true;
  } catch (error) {
    if (error instanceof CelFailure) return false;
    throw error;
  }
}
