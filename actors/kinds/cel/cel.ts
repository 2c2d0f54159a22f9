/** The one door to the library that reads and evaluates the Common Expression Language. */
import { Environment, Optional } from "@marcbachmann/cel-js";
import { addLibraries } from "./library.ts";

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
  /** Throws CelFailure; a promise where it asks somebody who has to be waited for, which only an authorizer is. */
  evaluate(variables: Readonly<Record<string, CelValue>>): CelValue;
  readonly mentions: (name: string) => boolean;
  readonly tree: CelNode;
  /** How often its deepest part runs at most, as a power of how many values it looks at. */
  readonly loops: number;
}

/** An expression that is none, or that could not be evaluated; the message says why in a line. */
export class CelFailure extends Error {
  override readonly name = "CelFailure";
}

/** An environment with all libraries. Expressions of a `typed` one name declared variables only. */
export function celEnvironment(typed: boolean): Environment {
  return addLibraries(
    new Environment({
      unlistedVariablesAreDyn: !typed,
      homogeneousAggregateLiterals: false,
      enableOptionalTypes: true,
      limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX },
    }),
  );
}

const environment = celEnvironment(false);

/** Reads an expression. Throws CelFailure when it is none. */
export function celProgram(expression: string, within: Environment = environment): CelProgram {
  const parsed = attempt(() => within.parse(expression));
  const tree = parsed.ast as CelNode;
  return {
    evaluate: (variables) => attempt(() => parsed({ ...variables }) as CelValue),
    tree,
    mentions: (name) => new RegExp(`(^|[^\\w.])${name}\\b`).test(expression),
    loops: loopsIn(tree),
  };
}

/** A value that may be there or not, as `oldSelf` of a rule that wants to see both. */
export function celOptional(value: CelValue | undefined): CelValue {
  return value === undefined ? Optional.none() : Optional.of(value);
}

const durations = environment.parse("duration(text)");

/** The duration that a text says; the text itself when it says none. */
export function celDuration(text: string): CelValue {
  try {
    return durations({ text });
  } catch {
    return text;
  }
}

const COMPREHENSIONS: ReadonlySet<string> = new Set([
  ...["all", "exists", "exists_one", "existsOne", "map", "filter"],
  ...["transformList", "transformMap", "transformMapEntry"],
]);

/** Comprehensions inside one another: what the outer goes through, the inner goes through once for each. */
function loopsIn(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((most, one) => Math.max(most, loopsIn(one)), 0);
  if (typeof node !== "object" || node === null || !("op" in node)) return 0;
  const { op, args } = node as CelNode;
  const below = loopsIn(args);
  if (op !== "rcall" || !Array.isArray(args) || !COMPREHENSIONS.has(String(args[0]))) return below;
  return Math.max(loopsIn(args[1]), loopsIn(args[2]) + 1);
}

function attempt<T>(work: () => T): T {
  try {
    const done = work();
    return done instanceof Promise ? (done.catch(fail) as T) : done;
  } catch (error) {
    return fail(error);
  }
}

function fail(error: unknown): never {
  throw new CelFailure(wordsOf(error));
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { summary = error.message.split("\n")[0] ?? "" } = error as Error & { readonly summary?: string };
  const key = /^No such key: (.*)$/.exec(summary)?.[1];
  return key === undefined ? summary : key.startsWith("index out of bounds") ? (key.split(",")[0] ?? key) : `no such key: ${key}`;
}
