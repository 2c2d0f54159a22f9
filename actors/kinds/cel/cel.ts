/** The one door to the library that reads and evaluates the Common Expression Language. */
import { Environment, Optional } from "@marcbachmann/cel-js";
import { refuseDepth } from "./depth.ts";
import { BudgetSpent, CelFailure } from "./failures.ts";
import { addLibraries } from "./library.ts";
import { Meter, metered, runMetered } from "./meter.ts";
import { widenPresence } from "./presence.ts";
import type { Measured } from "./runtime-cost.ts";
import { MATCHES } from "./texts.ts";

export { BudgetSpent, CelFailure, CostExceeded } from "./failures.ts";

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
  /**
   * Throws CelFailure; a promise where it asks somebody who has to be waited for, which only an authorizer is. `budget` pays for it, whatever comes of it.
   */
  evaluate(variables: Readonly<Record<string, CelValue>>, budget?: CelBudget): CelValue;
  readonly mentions: (name: string) => boolean;
  readonly tree: CelNode;
}

/** What all expressions about one object may cost together. Source: RuntimeCELCostBudget in k8s.io/apiserver's pkg/apis/cel/config.go. */
export const BUDGET_COST = 10_000_000;

/** Pays for evaluations, as long as it lasts. */
export class CelBudget {
  #left: number;

  constructor(cost: number = BUDGET_COST) {
    this.#left = cost;
  }

  get left(): number {
    return this.#left;
  }

  /** Throws BudgetSpent when there is not so much left. */
  pay(cost: number): void {
    const enough = cost <= this.#left;
    this.#left = enough ? this.#left - cost : 0;
    if (!enough) throw new BudgetSpent();
  }
}

/** An environment with all libraries. Expressions of a `typed` one name declared variables only. */
export function celEnvironment(typed: boolean): Environment {
  const environment = addLibraries(
    new Environment({
      unlistedVariablesAreDyn: !typed,
      homogeneousAggregateLiterals: false,
      enableOptionalTypes: true,
      limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX },
    }),
  );
  return typed ? environment : metered(environment);
}

const environment = celEnvironment(false);

/** For rules that want to see whether there was something before: their `oldSelf` may have no value. */
export const CORRELATING: Environment = celEnvironment(false);
CORRELATING.registerVariable("oldSelf", "optional<dyn>");

/** Reads an expression. Throws CelFailure when it is none. */
export function celProgram(expression: string, within: Environment = environment): CelProgram {
  const parsed = attempt(() => within.parse(expression));
  const tree = parsed.ast as unknown as CelNode & Measured;
  refuseDepth(tree);
  withGoPatterns(tree);
  widenPresence(tree);
  return {
    evaluate: (variables, budget) => attempt(() => evaluated(tree, () => parsed({ ...variables }) as CelValue, budget)),
    tree,
    mentions: (name) => new RegExp(`(^|[^\\w.])${name}\\b`).test(expression),
  };
}

function evaluated(tree: Measured, run: () => CelValue, budget: CelBudget | undefined): CelValue {
  const meter = new Meter();
  const settled = (): void => {
    budget?.pay(meter.spent);
    meter.settle();
  };
  let value: CelValue;
  try {
    value = runMetered(meter, tree, run);
  } catch (error) {
    settled();
    throw error;
  }
  if (value instanceof Promise) return value.finally(settled);
  settled();
  return value;
}

/** `matches` of the library reads patterns as JavaScript does; ours has another name, and takes its place. */
function withGoPatterns(node: unknown): void {
  if (Array.isArray(node)) {
    for (const one of node) withGoPatterns(one);
    return;
  }
  if (typeof node !== "object" || node === null || !("op" in node)) return;
  const { op, args } = node as CelNode;
  if (op === "rcall" && Array.isArray(args) && args[0] === "matches") args[0] = MATCHES;
  withGoPatterns(args);
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

function attempt<T>(work: () => T): T {
  try {
    const done = work();
    return done instanceof Promise ? (done.catch(fail) as T) : done;
  } catch (error) {
    return fail(error);
  }
}

function fail(error: unknown): never {
  if (error instanceof CelFailure) throw error;
  throw new CelFailure(wordsOf(error));
}

/** The library says which bound it is, cel-go the index. */
function boundsWords(words: string): string {
  return words.replace(/, index (-?\d+).*$/, ": $1");
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { summary: words = error.message.split("\n")[0] ?? "" } = error as Error & { readonly summary?: string };
  const summary = words.replace(`.${MATCHES}(`, ".matches(");
  const key = /^No such key: (.*)$/.exec(summary)?.[1];
  return key === undefined ? summary : key.startsWith("index out of bounds") ? boundsWords(key) : `no such key: ${key}`;
}
