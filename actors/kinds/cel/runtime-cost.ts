/** What single steps of an evaluation cost. Source: cel-go's interpreter/runtimecost.go, and k8s.io/apiserver's pkg/cel/library/cost.go, CallCost. */

/** A step of an expression, with the value that it had last. */
export interface Measured {
  readonly op: string;
  readonly args: unknown;
  /** What the library puts in the place of a macro or a constant. */
  readonly meta?: { readonly alternate?: Measured };
  readonly receiverWithArgs?: readonly Measured[];
  evaluate(evaluator: unknown, node: Measured, context: unknown): unknown;
  value?: unknown;
  /** It is the same each time. */
  constant?: boolean;
  /** What each turn costs of the comprehension that this is the step of, beside the step itself. */
  turnCost?: number;
}

export const STRING_FACTOR = 0.1;
export const REGEX_FACTOR = 0.25;
export const LIST_COST = 10;
export const MAP_COST = 30;
export const CHECK_COST = 350_000;
/** Patterns of named formats are not seen: as if they were so long. */
export const FORMAT_REGEX_SIZE = 128;

/** Items of a list, members of a map, characters of a text, bytes; 1 of anything else. */
export function sizeOfValue(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map || value instanceof Set) return value.size;
  if (typeof value === "object" && value !== null && value.constructor === Object) return Object.keys(value).length;
  return 1;
}

function traversal(value: unknown, factor = 1): number {
  return Math.ceil(sizeOfValue(value) * factor * STRING_FACTOR);
}

function regex(text: unknown, patternSize: number): number {
  return Math.ceil((1 + sizeOfValue(text)) * STRING_FACTOR) * Math.ceil(patternSize * REGEX_FACTOR);
}

/** Going through all of a value, to its leaves. */
function treeCost(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return Math.floor(value.length * STRING_FACTOR);
  if (Array.isArray(value)) return value.reduce<number>((all, one) => all + treeCost(one), 0);
  if (typeof value === "object" && value !== null && value.constructor === Object)
    return Object.entries(value).reduce((all, [key, one]) => all + treeCost(key) + treeCost(one), 0);
  return 1;
}

/**
 * Each turn of a comprehension looks at its condition and at what was gathered. cel-go has these as steps of their own, the library has not.
 */
export const ALL_TURN_COST = 3;
export const EXISTS_TURN_COST = 4;
export const PUSH_COST = 12;
export const INSERT_COST = 3;
export const COUNT_COST = 2;
/** What was gathered is asked for at the end. */
const FOUND_COST = 1;

/** What is to be paid before the step: for a turn of a comprehension. */
export function iterationCost(node: Measured): number {
  if (node.turnCost !== undefined) return node.turnCost;
  const real = node.meta?.alternate ?? node;
  if (real.op === "comprehension") {
    const { kind, init, step } = real.args as { kind?: string; init: Measured; step: Measured };
    if (kind === "quantifier" && step.turnCost === undefined) step.turnCost = turnCostOf(init.args);
  }
  return 0;
}

function turnCostOf(init: unknown): number {
  if (init === true) return ALL_TURN_COST;
  return init === false ? EXISTS_TURN_COST : 0;
}

/** What the step cost that gave this value. */
export function costOf(node: Measured, value: unknown): number {
  const { op, args } = node.meta?.alternate ?? node;
  switch (op) {
    case "-_":
      return (args as Measured).op === "value" ? 0 : 1;
    case "value":
    case "?:":
    case "||":
    case "&&":
    case "accuValue":
      return 0;
    case "comprehension":
      return (args as { init: Measured }).init.args === 0 ? 1 + FOUND_COST : FOUND_COST;
    case "list":
      return isConstant(node) ? 0 : LIST_COST;
    case "map":
      return isConstant(node) ? 0 : MAP_COST;
    // What is looked up by a variable costs what the variable does.
    case "[]":
      return (args as readonly Measured[])[1]?.op === "value" ? 1 : 0;
    case "accuPush":
      return PUSH_COST;
    case "accuInc":
      return COUNT_COST;
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const [left, right] = valuesOf(args);
      return Math.ceil(Math.min(sizeOfValue(left), sizeOfValue(right)) * STRING_FACTOR);
    }
    case "+": {
      const [left, right] = valuesOf(args);
      const texts = typeof left === "string" || left instanceof Uint8Array;
      return texts ? Math.ceil((sizeOfValue(left) + sizeOfValue(right)) * STRING_FACTOR) : 1;
    }
    case "in": {
      const [, list] = args as readonly Measured[];
      if (list !== undefined && list.op === "list" && isConstant(list)) return 0;
      return Array.isArray(list?.value) ? list.value.length : 1;
    }
    case "call": {
      const [name, given] = args as readonly [string, readonly Measured[]];
      if (CONVERSIONS.has(name) && given.every(isConstant)) return 0;
      return callCost(name, valuesOf(given), value);
    }
    case "rcall": {
      const [name, receiver, given] = args as readonly [string, Measured, readonly Measured[]];
      return callCost(name, [receiver.value, ...valuesOf(given)], value);
    }
    default:
      return 1;
  }
}

/** They are made once of what stands in the expression. */
const CONVERSIONS: ReadonlySet<string> = new Set(["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "uint"]);

function isConstant(node: Measured): boolean {
  node.constant ??=
    node.op === "value" || ((node.op === "list" || node.op === "map") && (node.args as readonly Measured[]).flat().every(isConstant));
  return node.constant;
}

function valuesOf(nodes: unknown): unknown[] {
  return (nodes as readonly Measured[]).map(({ value }) => value);
}

type Cost = (args: readonly unknown[], result: unknown) => number;

const nominal: Cost = () => 1;
const traversed: Cost = ([text]) => traversal(text);
const rewritten: Cost = ([text]) => traversal(text, 2);
const wholeTree: Cost = ([value]) => treeCost(value);
const matching: Cost = ([text, pattern]) => regex(text, sizeOfValue(pattern));
const gives: Cost = (_args, result) => 1 + LIST_COST + sizeOfValue(result);
const squared: Cost = ([list]) => 1 + LIST_COST + 2 * sizeOfValue(list) ** 2;
const network =
  (times: number): Cost =>
  ([, other]) =>
    Math.ceil(16 * times * STRING_FACTOR) + traversal(typeof other === "string" ? other : "");

/** What is missing costs 1; `prepay` has the rest of what takes more than linear time. */
const CALLS: Readonly<Record<string, Cost>> = {
  ...Object.fromEntries(["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"].map((name) => [name, wholeTree])),
  ...Object.fromEntries(
    ["url", "lowerAscii", "upperAscii", "substring", "trim", "startsWith", "endsWith"].map((name) => [name, traversed]),
  ),
  ...Object.fromEntries(["bytes", "format", "cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity"].map((name) => [name, traversed])),
  ...Object.fromEntries(["semver", "isSemver"].map((name) => [name, traversed])),
  ...Object.fromEntries(["replace", "split", "isCanonical"].map((name) => [name, rewritten])),
  ...Object.fromEntries(["slice", "flatten", "range", "reverse"].map((name) => [name, gives])),
  ...Object.fromEntries(["sort", "sortBy"].map((name) => [name, squared])),
  ...Object.fromEntries(["matches", "matches_", "find", "findAll"].map((name) => [name, matching])),
  string: ([value]) => (value instanceof Uint8Array ? traversal(value) : 1),
  quote: ([, text]) => traversal(text),
  join: (_args, result) => traversal(result, 2),
  // Of sets it is prepaid.
  contains: ([text, part]) => (typeof text === "string" ? traversal(text) * traversal(part) : 1),
  validate: ([, text]) => regex(text, FORMAT_REGEX_SIZE),
  containsIP: network(2),
  containsCIDR: network(3),
  check: () => CHECK_COST,
  has: () => 0,
  bind: () => 0,
};

function callCost(name: string, args: readonly unknown[], result: unknown): number {
  return (Object.hasOwn(CALLS, name) ? CALLS[name] : undefined)?.(args, result) ?? nominal(args, result);
}
