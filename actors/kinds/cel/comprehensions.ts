/** Comprehensions with two variables: index and value of a list, key and value of a map. Source: cel-go's ext/comprehensions.go. */
import type { Environment } from "@marcbachmann/cel-js";
import { prepay } from "./meter.ts";
import { ALL_TURN_COST, EXISTS_TURN_COST, INSERT_COST, PUSH_COST } from "./runtime-cost.ts";

// What the library hands to macros; its declarations leave it open.
interface Node {
  readonly op: string;
  readonly args: unknown;
}
interface Type {
  readonly kind: string;
  readonly keyType?: Type;
  readonly valueType?: Type;
}
interface Scope {
  forkWithVariable(name: string, type: Type): Scope;
  reuse(outer: Scope): Scope;
  setIterValue(value: unknown, evaluator: Evaluator): Scope;
}
interface Checker {
  check(node: Node, scope: Scope): Type;
  getType(name: string): Type;
  createError(code: string, message: string, node: Node): Error;
}
interface Evaluator {
  run(node: Node, scope: Scope): unknown;
}
interface Call {
  readonly args: readonly Node[];
  readonly receiver: Node;
}
interface Loop {
  outer: Scope | undefined;
  inner: Scope | undefined;
}

type Pairs = Iterable<readonly [unknown, unknown]>;

function pairsOf(value: unknown): Pairs {
  if (Array.isArray(value)) return value.map((item, index) => [BigInt(index), item] as const);
  if (value instanceof Map) return value.entries();
  if (typeof value === "object" && value !== null) return Object.entries(value);
  throw new Error(`expression of type '${typeof value}' cannot be range of a comprehension (must be list, map, or dynamic)`);
}

/** What the loop makes of what its expressions say of each pair. `filter` and `step` evaluate for the current pair. */
type Fold = (pairs: Pairs, step: (key: unknown, value: unknown, which: number) => unknown) => unknown;

/** `turn_cost`: what a turn costs beside its expressions. */
function macro(result: string, turn_cost: number, fold: Fold): (call: Call) => object {
  return ({ args, receiver }) => {
    const [first, second, ...bodies] = args;
    const nameOf = (node: Node | undefined): string => {
      if (node?.op !== "id") throw new Error("argument must be a simple name");
      return String(node.args);
    };
    const [keyName, valueName] = [nameOf(first), nameOf(second)];
    const loop: Loop = { outer: undefined, inner: undefined };
    return {
      typeCheck(checker: Checker, _macro: unknown, scope: Scope): Type {
        const over = checker.check(receiver, scope);
        const dyn = checker.getType("dyn");
        const [key, value] =
          over.kind === "map"
            ? [over.keyType ?? dyn, over.valueType ?? dyn]
            : over.kind === "list"
              ? [checker.getType("int"), over.valueType ?? dyn]
              : [dyn, dyn];
        loop.outer = scope.forkWithVariable(keyName, key);
        loop.inner = loop.outer.forkWithVariable(valueName, value);
        for (const body of bodies) checker.check(body, loop.inner);
        return checker.getType(result);
      },
      evaluate(evaluator: Evaluator, _macro: unknown, scope: Scope): unknown {
        return fold(pairsOf(evaluator.run(receiver, scope)), (key, value, which) => {
          const { outer, inner } = loop;
          const body = bodies[which];
          if (outer === undefined || inner === undefined || body === undefined)
            throw new Error("a comprehension ran before it was checked");
          if (which === bodies.length - 1) prepay(turn_cost);
          return evaluator.run(body, inner.reuse(outer.reuse(scope).setIterValue(key, evaluator)).setIterValue(value, evaluator));
        });
      },
      async: false,
    };
  };
}

function every(pairs: Pairs, holds: (key: unknown, value: unknown) => boolean): boolean {
  let failure: unknown;
  for (const [key, value] of pairs) {
    try {
      if (!holds(key, value)) return false;
    } catch (error) {
      // One that does not hold decides, whatever happened with the others.
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return true;
}

function entriesOf(filtered: boolean, pairs: Pairs, step: (key: unknown, value: unknown, which: number) => unknown): [unknown, unknown][] {
  const made: [unknown, unknown][] = [];
  for (const [key, value] of pairs) {
    if (filtered && step(key, value, 0) !== true) continue;
    made.push([key, step(key, value, filtered ? 1 : 0)]);
  }
  return made;
}

export function addComprehensions(env: Environment): void {
  const on = (signature: string, run: (call: Call) => object): void => {
    env.registerFunction(`list.${signature}`, run as unknown as (...values: unknown[]) => unknown);
  };
  on(
    "all(ast, ast, ast): bool",
    macro("bool", ALL_TURN_COST, (pairs, step) => every(pairs, (key, value) => step(key, value, 0) === true)),
  );
  on(
    "exists(ast, ast, ast): bool",
    macro("bool", EXISTS_TURN_COST, (pairs, step) => !every(pairs, (key, value) => step(key, value, 0) !== true)),
  );
  for (const name of ["existsOne", "exists_one"]) {
    on(
      `${name}(ast, ast, ast): bool`,
      macro("bool", 0, (pairs, step) => [...pairs].filter(([key, value]) => step(key, value, 0) === true).length === 1),
    );
  }
  for (const filtered of [false, true]) {
    const args = filtered ? "ast, ast, ast, ast" : "ast, ast, ast";
    on(
      `transformList(${args}): list<dyn>`,
      macro("list<dyn>", PUSH_COST, (pairs, step) => entriesOf(filtered, pairs, step).map(([, made]) => made)),
    );
    on(
      `transformMap(${args}): map<dyn, dyn>`,
      macro("map<dyn, dyn>", INSERT_COST, (pairs, step) => mapOf(entriesOf(filtered, pairs, step))),
    );
    on(
      `transformMapEntry(${args}): map<dyn, dyn>`,
      macro("map<dyn, dyn>", INSERT_COST, (pairs, step) =>
        mapOf(entriesOf(filtered, pairs, step).flatMap(([, made]) => Object.entries(made as object))),
      ),
    );
  }
}

function mapOf(entries: readonly (readonly [unknown, unknown])[]): unknown {
  const texts = entries.every(([key]) => typeof key === "string");
  return texts ? Object.fromEntries(entries as readonly (readonly [string, unknown])[]) : new Map(entries);
}
