/**
 * What an expression can cost at most, before it ever runs, from the sizes that its variables can have. Source: cel-go's checker/cost.go; what macros stand for: its
 * parser/macro.go and ext/comprehensions.go.
 */
import { type CallEstimate, callEstimate, comparison, eitherSize, type Operand } from "./call-estimates.ts";
import { add, exactly, multiply, type Range, scale, UNKNOWN, union } from "./estimates.ts";
import { ALL_TURN_COST, COUNT_COST, EXISTS_TURN_COST, INSERT_COST, LIST_COST, MAP_COST, PUSH_COST, STRING_FACTOR } from "./runtime-cost.ts";

/** A node of an expression whose types are known. */
export interface TypedNode {
  readonly op: string;
  readonly args: unknown;
  readonly checkedType?: NodeType;
  /** Where it begins in the text. */
  readonly start?: number;
}

interface NodeType {
  readonly kind: string;
  readonly name: string;
  readonly valueType?: NodeType;
}

/** How large a variable can be, and what is in it. */
export interface Sized {
  readonly elements: number;
  readonly items?: Sized;
  readonly keys?: Sized;
  readonly fields?: ReadonlyMap<string, Sized>;
  /** Of each member of a map that is asked for like a field, where that is known. */
  readonly members?: Sized;
}

/** What is known of the value of a node. */
interface Known {
  readonly cost: Range;
  /** Where it is in a variable, as far as that is known. */
  readonly place?: Sized | undefined;
  readonly size?: Range | undefined;
  /** Of each item of a list that was made here. */
  readonly itemSize?: Range | undefined;
  readonly literal?: unknown;
}

type Scope = ReadonlyMap<string, Known>;

const FREE = exactly(0);
const ONE = exactly(1);
const FIXED: ReadonlySet<string> = new Set(["bool", "double", "int", "uint", "google.protobuf.Duration", "google.protobuf.Timestamp"]);
const NAMESPACES: ReadonlySet<string> = new Set(["strings", "lists", "sets", "math", "base64", "format", "ip", "jsonpatch", "optional"]);

/** Each turn looks at what was gathered so far, and adds to it. */
const TURN_COSTS: Readonly<Record<string, number>> = {
  all: ALL_TURN_COST,
  exists: EXISTS_TURN_COST,
  exists_one: COUNT_COST,
  existsOne: COUNT_COST,
};

/** The most that the expression can cost. */
export function maximumCost(tree: TypedNode, variables: Readonly<Record<string, Sized>>): number {
  const scope = new Map(Object.entries(variables).map(([name, place]) => [name, { cost: ONE, place }] as const));
  return costOf(tree, scope).cost.max;
}

function costOf(node: TypedNode, scope: Scope): Known {
  const known = stepOf(node, scope);
  return { ...known, size: sizeOf(known, node.checkedType) };
}

/** What was made here has the size of what it was made of; what is in a variable that of its place. */
function sizeOf({ size, place }: Known, type: NodeType | undefined): Range | undefined {
  if (size !== undefined) return size;
  if (place !== undefined) return { min: 0, max: place.elements };
  return type !== undefined && FIXED.has(type.name) ? ONE : undefined;
}

function stepOf(node: TypedNode, scope: Scope): Known {
  const { op, args } = node;
  switch (op) {
    case "value":
      return { cost: FREE, size: literalSize(args), literal: args };
    case "id":
      return { ...(scope.get(String(args)) ?? {}), cost: ONE };
    case ".": {
      const [from, name] = args as readonly [TypedNode, string];
      const object = costOf(from, scope);
      const kind = from.checkedType?.kind;
      const cost = kind === "map" || kind === "message" || kind === "param" ? add(object.cost, ONE) : object.cost;
      return { cost, place: object.place?.fields?.get(name) ?? object.place?.members };
    }
    case "[]": {
      const [from, at] = args as readonly [TypedNode, TypedNode];
      const holder = costOf(from, scope);
      return { cost: add(holder.cost, costOf(at, scope).cost, ONE), place: holder.place?.items, size: holder.itemSize };
    }
    case "?:":
      return conditional(args as readonly [TypedNode, TypedNode, TypedNode], scope);
    case "&&":
    case "||": {
      const [left, right] = (args as readonly TypedNode[]).map((one) => costOf(one, scope).cost);
      return { cost: { min: left?.min ?? 0, max: add(left ?? FREE, right ?? FREE).max } };
    }
    case "!_":
    case "-_":
      // A number below zero is written so.
      if (op === "-_" && (args as TypedNode).op === "value") return { cost: FREE, size: ONE };
      return { cost: add(costOf(args as TypedNode, scope).cost, ONE) };
    case "list":
      return listOf(args as readonly TypedNode[], scope);
    case "map":
      return mapOf(args as readonly (readonly [TypedNode, TypedNode])[], scope);
    case "call": {
      const [name, given] = args as readonly [string, readonly TypedNode[]];
      if (name === "has") return { cost: presenceCost(given[0], scope) };
      return called(name, undefined, given, scope);
    }
    case "rcall":
      return method(args as readonly [string, TypedNode, readonly TypedNode[]], scope);
    default:
      return Array.isArray(args) && args.length === 2
        ? binary(op, args as unknown as readonly [TypedNode, TypedNode], scope)
        : { cost: ONE };
  }
}

function literalSize(value: unknown): Range | undefined {
  if (typeof value === "string") return exactly([...value].length);
  if (value instanceof Uint8Array) return exactly(value.length);
  return typeof value === "object" && value !== null ? undefined : ONE;
}

/** Whether a field is there costs what its object costs. */
function presenceCost(node: TypedNode | undefined, scope: Scope): Range {
  return node?.op === "." ? costOf((node.args as readonly TypedNode[])[0] as TypedNode, scope).cost : FREE;
}

function conditional([condition, then, otherwise]: readonly [TypedNode, TypedNode, TypedNode], scope: Scope): Known {
  const [one, other] = [costOf(then, scope), costOf(otherwise, scope)];
  const cost = add(costOf(condition, scope).cost, union(one.cost, other.cost));
  return { cost, size: eitherSize(one.size, other.size), itemSize: bothItems(one, other) };
}

function bothItems(one: Known, other: Known): Range | undefined {
  return one.itemSize === undefined || other.itemSize === undefined ? undefined : union(one.itemSize, other.itemSize);
}

function listOf(items: readonly TypedNode[], scope: Scope): Known {
  const known = items.map((item) => costOf(item, scope));
  const itemSize = known.map(({ size }) => size ?? UNKNOWN).reduce(union, known[0]?.size ?? (items.length === 0 ? FREE : UNKNOWN));
  return { cost: add(...known.map(({ cost }) => cost), exactly(LIST_COST)), size: exactly(items.length), itemSize };
}

function mapOf(entries: readonly (readonly [TypedNode, TypedNode])[], scope: Scope): Known {
  const known = entries.flat().map((one) => costOf(one, scope).cost);
  return { cost: add(...known, exactly(MAP_COST)), size: exactly(entries.length) };
}

const COMPARISONS: ReadonlySet<string> = new Set(["<", "<=", ">", ">="]);

function binary(op: string, [left, right]: readonly [TypedNode, TypedNode], scope: Scope): Known {
  const [one, other] = [costOf(left, scope), costOf(right, scope)];
  const both = add(one.cost, other.cost);
  const [a, b] = [one.size ?? UNKNOWN, other.size ?? UNKNOWN];
  const texts = isText(left) || isText(right) || (isOpen(left) && isOpen(right));
  if (op === "==" || op === "!=" || (COMPARISONS.has(op) && texts)) return { cost: add(both, comparison(a, b)) };
  if (op === "in") return { cost: add(both, right.checkedType?.kind === "list" || isOpen(right) ? b : ONE) };
  if (op !== "+") return { cost: add(both, ONE) };
  const size = add(a, b);
  if (texts) return { cost: add(both, scale(size, STRING_FACTOR)), size };
  return left.checkedType?.kind === "list" ? { cost: add(both, ONE), size, itemSize: bothItems(one, other) } : { cost: add(both, ONE) };
}

function isText({ checkedType }: TypedNode): boolean {
  return checkedType?.name === "string" || checkedType?.name === "bytes";
}

function isOpen({ checkedType }: TypedNode): boolean {
  return checkedType === undefined || checkedType.kind === "dyn";
}

function called(name: string, target: TypedNode | undefined, given: readonly TypedNode[], scope: Scope): Known {
  const known = given.map((one) => costOf(one, scope));
  // It only says that the type is not known.
  if (name === "dyn" && known[0] !== undefined) return { ...known[0], cost: add(known[0].cost, ONE) };
  const on = target === undefined ? undefined : costOf(target, scope);
  const operands = given.map((one, index) => operand(one, known[index]));
  const estimate: CallEstimate = callEstimate(name, target === undefined ? undefined : operand(target, on), operands);
  const costs = known.map(({ cost }) => cost);
  return { cost: add(on?.cost ?? FREE, ...costs, estimate.cost), size: estimate.size };
}

function operand({ checkedType }: TypedNode, known: Known | undefined): Operand {
  const item = checkedType?.valueType;
  const inside = known?.itemSize ?? (known?.place?.items === undefined ? undefined : { min: 0, max: known.place.items.elements });
  return {
    size: known?.size ?? UNKNOWN,
    itemSize: inside ?? sizeOf({ cost: FREE }, item) ?? UNKNOWN,
    ofTexts: item?.name === "string" || item?.name === "bytes",
    list: checkedType?.kind === "list",
    literal: known?.literal,
  };
}

function method([name, receiver, given]: readonly [string, TypedNode, readonly TypedNode[]], scope: Scope): Known {
  const space = receiver.op === "id" && !scope.has(String(receiver.args)) ? String(receiver.args) : "";
  if (space === "cel" && name === "bind") return bound(given, scope);
  const loop = comprehension(name, receiver, given, scope);
  if (loop !== undefined) return loop;
  if (NAMESPACES.has(space)) return called(`${space}.${name}`, undefined, given, scope);
  return called(name, receiver, given, scope);
}

/** A variable costs what it is given, even if nobody asks for it. */
function bound([variable, value, body]: readonly TypedNode[], scope: Scope): Known {
  if (variable === undefined || value === undefined || body === undefined) return { cost: ONE };
  const given = costOf(value, scope);
  const result = costOf(body, new Map(scope).set(String(variable.args), given));
  return { ...result, cost: add(given.cost, result.cost, exactly(LIST_COST)) };
}

function comprehension(name: string, receiver: TypedNode, given: readonly TypedNode[], scope: Scope): Known | undefined {
  const variables = given.filter(({ op }, index) => op === "id" && index < (isPaired(name, given) ? 2 : 1));
  const bodies = given.slice(variables.length);
  if (variables.length === 0 || bodies.length === 0 || !LOOPS.has(name)) return undefined;
  const over = costOf(receiver, scope);
  const list = receiver.checkedType?.kind === "list";
  const item: Known = { cost: ONE, place: over.place?.items, size: over.itemSize };
  const key: Known = list ? { cost: ONE, size: ONE } : { cost: ONE, place: over.place?.keys };
  const inner = new Map(scope);
  const [first, second] = variables.map(({ args }) => String(args));
  if (second !== undefined) inner.set(first ?? "", key).set(second, item);
  else inner.set(first ?? "", list ? item : key);
  const inside = bodies.map((body) => costOf(body, inner));
  const turn = turnCost(name, inside);
  const count = over.size ?? UNKNOWN;
  const cost = (start: number): Range => add(over.cost, exactly(start), multiply(count, turn));
  const turns = TURN_COSTS[name];
  // What was gathered is asked for at the end, and compared with one where one is to be found.
  if (turns !== undefined) return { cost: cost(turns === COUNT_COST ? 2 : 1), size: ONE };
  if (name === "transformMap") return { cost: cost(MAP_COST + 1), size: count };
  const gathered = name === "filter" ? { size: over.itemSize ?? placeSize(over.place?.items) } : inside.at(-1);
  return { cost: cost(LIST_COST + 1), size: count, itemSize: { min: 0, max: (gathered?.size ?? UNKNOWN).max } };
}

const LOOPS: ReadonlySet<string> = new Set([
  ...["all", "exists", "exists_one", "existsOne", "map", "filter"],
  ...["transformList", "transformMap", "transformMapEntry"],
]);

/** With two variables: a key and a value. */
function isPaired(name: string, given: readonly TypedNode[]): boolean {
  if (name.startsWith("transform")) return true;
  return given.length === 3 && name !== "map" && name !== "filter";
}

function placeSize(place: Sized | undefined): Range | undefined {
  return place === undefined ? undefined : { min: 0, max: place.elements };
}

function turnCost(name: string, bodies: readonly Known[]): Range {
  const [first = { cost: FREE }, second] = bodies;
  const turn = TURN_COSTS[name];
  if (turn !== undefined) return add(first.cost, exactly(turn));
  if (name === "transformMap" || name === "transformMapEntry") return add(...bodies.map(({ cost }) => cost), exactly(INSERT_COST));
  const push = exactly(PUSH_COST);
  if (name === "filter") return add(first.cost, push, ONE);
  // With a filter before it.
  return second === undefined ? add(first.cost, push) : add(first.cost, union(add(second.cost, push), ONE));
}
