/** Lists: what Kubernetes' library and cel-go's `lists` and `sets` add to the language. Source: k8s.io/apiserver/pkg/cel/library/lists.go, and cel-go's ext. */
import { isDeepStrictEqual } from "node:util";
import { type Environment, Optional } from "@marcbachmann/cel-js";
import { prepay } from "./meter.ts";

/** The longest list that `lists.range` makes. */
const RANGE_MAX = 10_000n;
/** Comparisons for each pair of items. Source: cel-go's ext/lists.go. */
const DISTINCT_FACTOR = 2;

type List = readonly unknown[];
type Sortable = string | number | bigint;

function firstOf(list: List, what: string): unknown {
  if (list.length === 0) throw new Error(`${what} called on empty list`);
  return list[0];
}

function least(list: List, sign: number): unknown {
  return list.reduce(
    (best, one) => ((one as Sortable) < (best as Sortable) === sign < 0 ? one : best),
    firstOf(list, sign < 0 ? "min" : "max"),
  );
}

function isSorted(list: List): boolean {
  return list.every((one, index) => index === 0 || (list[index - 1] as Sortable) <= (one as Sortable));
}

interface Duration {
  addDuration(other: Duration): Duration;
}

function isDuration(value: unknown): value is Duration {
  return typeof value === "object" && value !== null && "addDuration" in value;
}

function sum(list: List): unknown {
  const [first] = list;
  if (first === undefined) return 0n;
  if (isDuration(first)) return list.slice(1).reduce<Duration>((all, one) => all.addDuration(one as Duration), first);
  return typeof list[0] === "bigint"
    ? list.reduce<bigint>((all, one) => all + (one as bigint), 0n)
    : list.reduce<number>((all, one) => all + Number(one), 0);
}

function slice(list: List, from: bigint, to: bigint): List {
  if (from < 0n || to < 0n) throw new Error(`cannot slice(${from}, ${to}), negative indexes not supported`);
  if (from > to) throw new Error(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`);
  if (to > BigInt(list.length)) throw new Error(`cannot slice(${from}, ${to}), list is length ${list.length}`);
  return list.slice(Number(from), Number(to));
}

function flatten(list: List, depth: bigint): unknown[] {
  if (depth < 0n) throw new Error("level must be non-negative");
  return (list as unknown[]).flat(Number(depth)) as unknown[];
}

/** Equal as the language has it: by value, whole numbers being equal to doubles of the same value, times and durations by what they stand for. */
export function celEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are equal to ==, and to CEL
  if (typeof a === "bigint" ? typeof b === "number" : typeof a === "number" && typeof b === "bigint") return a == b;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [one, other] = [a.valueOf(), b.valueOf()];
  return typeof one === "object" ? isDeepStrictEqual(a, b) : a.constructor === b.constructor && one === other;
}

function has(list: List, value: unknown): boolean {
  return list.some((one) => celEqual(one, value));
}

function distinct(list: List): unknown[] {
  prepay(DISTINCT_FACTOR * list.length ** 2);
  const kept: unknown[] = [];
  for (const one of list) if (!has(kept, one)) kept.push(one);
  return kept;
}

function range(count: bigint): bigint[] {
  if (count < 0n || count > RANGE_MAX) throw new Error(`lists.range(${count}) is not from 0 to ${RANGE_MAX}`);
  return Array.from({ length: Number(count) }, (_none, index) => BigInt(index));
}

/** What `sets.` and `lists.` stand for. */
class SetsNamespace {}
class ListsNamespace {}

function addSets(env: Environment): void {
  env.registerType("SetsNamespace", SetsNamespace);
  env.registerConstant("sets", "SetsNamespace", new SetsNamespace());
  const on = (name: string, times: number, run: (a: List, b: List) => boolean): void => {
    env.registerFunction(`SetsNamespace.${name}(list<V>, list<V>): bool`, (_sets: unknown, a: List, b: List) => {
      prepay(times * a.length * b.length);
      return run(a, b);
    });
  };
  on("contains", 1, (list, part) => part.every((one) => has(list, one)));
  on("equivalent", 2, (a, b) => a.every((one) => has(b, one)) && b.every((one) => has(a, one)));
  on("intersects", 1, (a, b) => a.some((one) => has(b, one)));
}

export function addLists(env: Environment): void {
  const on = (signature: string, run: (list: List, ...rest: never[]) => unknown): void => {
    env.registerFunction(`list.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("isSorted(): bool", isSorted);
  on("sum(): dyn", sum);
  on("min(): dyn", (list) => least(list, -1));
  on("max(): dyn", (list) => least(list, 1));
  on("indexOf(dyn): int", (list, value) => BigInt(list.findIndex((one) => celEqual(one, value))));
  on("lastIndexOf(dyn): int", (list, value) => BigInt(list.findLastIndex((one) => celEqual(one, value))));
  on("slice(int, int): list", slice);
  on("sort(): list", (list) => [...(list as Sortable[])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  on("distinct(): list", distinct);
  on("reverse(): list", (list) => list.toReversed());
  on("flatten(): list", (list) => flatten(list, 1n));
  on("flatten(int): list", flatten);
  on("first(): optional<dyn>", (list) => (list.length === 0 ? Optional.none() : Optional.of(list[0])));
  on("last(): optional<dyn>", (list) => (list.length === 0 ? Optional.none() : Optional.of(list.at(-1))));
  env.registerType("ListsNamespace", ListsNamespace);
  env.registerConstant("lists", "ListsNamespace", new ListsNamespace());
  env.registerFunction("ListsNamespace.range(int): list<int>", (_lists: unknown, count: bigint) => range(count));
  addSets(env);
}
