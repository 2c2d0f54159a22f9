/** The one door to the library that reads and evaluates the Common Expression Language. */
import { Environment, Optional } from "@marcbachmann/cel-js";
import { registerFunctions } from "./cel-functions.ts";

/** Nodes of one expression, so that its evaluation is bounded together with the size of what it looks at. */
const NODES_MAX = 10_000;
const DEPTH_MAX = 100;

/** What a rule sees: integers are bigints, numbers doubles. */
export type CelValue = unknown;

/** A node of an expression: an operator and what it is applied to. `pos` is where it stands in the text. */
export interface CelNode {
  readonly op: string;
  readonly args: unknown;
  readonly pos: number;
}

/** An expression that was understood. */
export interface CelProgram {
  /** Throws CelFailure. */
  evaluate(variables: Readonly<Record<string, CelValue>>): CelValue;
  readonly mentions: (name: string) => boolean;
  readonly tree: CelNode;
}

/** An expression that is none, or that could not be evaluated; the message says why in a line. */
export class CelFailure extends Error {
  override readonly name = "CelFailure";
}

const environment = registerFunctions(
  new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX },
  }),
);

/** Reads an expression. Throws CelFailure when it is none. */
export function celProgram(expression: string): CelProgram {
  const parsed = attempt(() => environment.parse(expression));
  return {
    evaluate: (variables) => attempt(() => parsed({ ...variables }) as CelValue),
    tree: parsed.ast as CelNode,
    mentions: (name) => new RegExp(`(^|[^\\w.])${name}\\b`).test(expression),
  };
}

/** A value that may be there or not, as `oldSelf` of a rule that wants to see both. */
export function celOptional(value: CelValue | undefined): CelValue {
  return value === undefined ? Optional.none() : Optional.of(value);
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new CelFailure(wordsOf(error));
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { summary = error.message.split("\n")[0] ?? "" } = error as Error & { readonly summary?: string };
  const key = /^No such key: (.*)$/.exec(summary)?.[1];
  return key === undefined ? summary : key.startsWith("index out of bounds") ? (key.split(",")[0] ?? key) : `no such key: ${key}`;
}
