/**
 * What an evaluation costs, counted while it runs, so that no expression can keep the server busy. Source: cel-go's interpreter/runtimecost.go, and
 * k8s.io/apiserver's pkg/apis/cel/config.go.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Environment } from "@marcbachmann/cel-js";
import { CostExceeded } from "./failures.ts";
import { costOf, iterationCost, type Measured } from "./runtime-cost.ts";

/** What one evaluation of one expression may cost. */
export const CALL_COST_MAX = 1_000_000;

/** The cost of one evaluation so far. */
export class Meter {
  #exceeded: CostExceeded | undefined;
  spent = 0;

  /** Throws again at every step once it is too much: what catches errors in an expression must not go on for long. */
  charge(cost: number): void {
    this.spent += cost;
    if (this.spent <= CALL_COST_MAX) return;
    this.#exceeded ??= new CostExceeded();
    throw this.#exceeded;
  }

  /** Throws what was caught on the way, see `charge`. */
  settle(): void {
    this.charge(0);
  }
}

/** The meter of the evaluation that is under way, which may have to wait for somebody. */
const running = new AsyncLocalStorage<Meter>();

/** For functions of more than linear time, which must not begin what nobody pays for. */
export function prepay(cost: number): void {
  running.getStore()?.charge(cost);
}

interface Evaluator {
  run(node: Measured, context: unknown): unknown;
}

/** The name of the function by which the library hands out its evaluator, once. */
const HANDED_OUT = "evaluator_";

/** Has every step that this environment evaluates, but the outermost, pay for itself. */
export function metered(environment: Environment): Environment {
  let evaluator: Evaluator | undefined;
  environment.registerFunction(`${HANDED_OUT}(): bool`, function (this: unknown) {
    evaluator ??= this as Evaluator;
    return true;
  });
  environment.evaluate(`${HANDED_OUT}()`);
  if (evaluator === undefined) throw new Error("the library hands its evaluator to no function any more: what runs cannot be counted");
  evaluator.run = function (this: Evaluator, node, context) {
    const meter = running.getStore();
    if (meter === undefined) return node.evaluate(this, node, context);
    meter.charge(iterationCost(node));
    const value = node.evaluate(this, node, context);
    meter.charge(costOf(node, value));
    node.value = value;
    return value;
  };
  return environment;
}

/** Evaluates with this meter; `tree` is the outermost step. */
export function runMetered<T>(meter: Meter, tree: Measured, evaluate: () => T): T {
  return running.run(meter, () => {
    meter.charge(iterationCost(tree));
    const value = evaluate();
    meter.charge(costOf(tree, value));
    return value;
  });
}
