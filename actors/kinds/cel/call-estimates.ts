/** What calls of functions cost at most. Source: k8s.io/apiserver's pkg/cel/library/cost.go, EstimateCallCost; cel-go's checker/cost.go, ext/lists.go and ext/sets.go. */
import { add, exactly, multiply, type Range, scale, UNKNOWN, union } from "./estimates.ts";
import { CHECK_COST, FORMAT_REGEX_SIZE, LIST_COST, REGEX_FACTOR, STRING_FACTOR } from "./runtime-cost.ts";

/** What a function is applied to. */
export interface Operand {
  readonly size: Range;
  /** Of each item, where it is a list. */
  readonly itemSize: Range;
  /** The items are texts or bytes. */
  readonly ofTexts: boolean;
  readonly list: boolean;
  readonly literal: unknown;
}

export interface CallEstimate {
  readonly cost: Range;
  readonly size?: Range;
}

type Estimate = (target: Operand | undefined, args: readonly Operand[]) => CallEstimate | undefined;

const ONE: CallEstimate = { cost: exactly(1) };
const REQUIREMENT_COST = 50;
const SELECTOR_LENGTH_PER_REQUIREMENT = 0.5;

const nominal: Estimate = () => ONE;

const wholeList: Estimate = (target) => {
  if (target === undefined) return undefined;
  if (!target.list) return { cost: scale(target.size, STRING_FACTOR) };
  const each = target.ofTexts ? add(exactly(1), scale(target.itemSize, STRING_FACTOR)) : exactly(1);
  return { cost: multiply(target.size, each) };
};

/** Goes through its target `times` times; the result is no larger. */
const traversesTarget: Estimate = (target) => target && { cost: scale(target.size, STRING_FACTOR), size: target.size };

const traversesArgument =
  (times = 1): Estimate =>
  (_target, [text]) =>
    text && { cost: scale(text.size, times * STRING_FACTOR) };

const replaces: Estimate = (target, [from, to]) => {
  if (target === undefined || from === undefined || to === undefined) return undefined;
  const most = replaced(target.size.max, from.size.min, to.size.max <= from.size.min);
  const least = replaced(target.size.min, from.size.max, from.size.max <= to.size.min);
  const size = add(multiply({ min: least.times, max: most.times }, to.size), { min: least.kept, max: most.kept });
  return { cost: scale(target.size, 2 * STRING_FACTOR), size };
};

/** How often a text of this length can be replaced in one, and what is kept of that one. */
function replaced(length: number, part: number, staysAsLong: boolean): { times: number; kept: number } {
  if (part === 0) return { times: length + 1, kept: length };
  return staysAsLong ? { times: 0, kept: length } : { times: Math.ceil(length / part), kept: 0 };
}

const splits: Estimate = (target, [, limit]) => {
  if (target === undefined) return undefined;
  const most = typeof limit?.literal === "bigint" ? Number(limit.literal) : target.size.max;
  return { cost: scale(target.size, 2 * STRING_FACTOR), size: { min: 0, max: most } };
};

const joins: Estimate = (target, [separator]) => {
  if (target === undefined) return undefined;
  const between = { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) };
  const items = target.list ? multiply(target.size, target.itemSize) : exactly(0);
  const size = separator === undefined ? items : add(items, multiply(separator.size, between));
  return { cost: scale(size, STRING_FACTOR), size };
};

const finds: Estimate = (target, [pattern]) => {
  if (target === undefined || pattern === undefined) return undefined;
  return { cost: matching(target, pattern), size: { min: 0, max: target.size.max } };
};

function matching(text: Operand, pattern: Operand): Range {
  return multiply(scale(add(text.size, exactly(1)), STRING_FACTOR), scale(pattern.size, REGEX_FACTOR));
}

/** Addresses have four bytes or sixteen. */
const ADDRESS: Range = { min: 4, max: 16 };

const within =
  (more: Range): Estimate =>
  (_target, [other]) => {
    if (other === undefined) return undefined;
    return { cost: add(scale(add(ADDRESS, ADDRESS), STRING_FACTOR), more, scale(other.size, STRING_FACTOR)) };
  };

const selects: Estimate = (_target, [selector]) => {
  if (selector === undefined) return undefined;
  const requirements = scale(scale(selector.size, SELECTOR_LENGTH_PER_REQUIREMENT), REQUIREMENT_COST);
  return { cost: add(exactly(LIST_COST), scale(selector.size, STRING_FACTOR), requirements) };
};

function listCall(size: Range, factor: number): CallEstimate {
  return { cost: add(scale(size, factor), exactly(1 + LIST_COST)), size };
}

const squared: Estimate = (target) => target && listCall(multiply(target.size, target.size), target.ofTexts ? 2 + STRING_FACTOR : 2);

const sets =
  (factor: number): Estimate =>
  (_target, [one, other]) =>
    one && other && { cost: add(scale(multiply(one.size, other.size), factor), exactly(1)) };

function literalOr(operand: Operand | undefined, otherwise: number): number {
  return typeof operand?.literal === "bigint" ? Number(operand.literal) : otherwise;
}

const named = (names: string, estimate: Estimate): Readonly<Record<string, Estimate>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, estimate]));

/** By name; functions of a namespace have it in front. What is missing costs 1. */
const CALLS: Readonly<Record<string, Estimate>> = {
  ...named("isSorted sum max min indexOf lastIndexOf", wholeList),
  ...named("lowerAscii upperAscii substring trim", traversesTarget),
  ...named("cidr isIP isCIDR ip quantity isQuantity semver isSemver startsWith endsWith", traversesArgument()),
  ...named("find findAll", finds),
  ...named("fieldSelector labelSelector", selects),
  ...named("sort lists.sortBy", squared),
  "jsonpatch.escapeKey": (_target, [text]) => text && { cost: scale(text.size, STRING_FACTOR), size: text.size },
  url: (_target, [text]) => text && { cost: scale(text.size, STRING_FACTOR), size: text.size },
  "ip.isCanonical": traversesArgument(2),
  check: () => ({ cost: exactly(CHECK_COST) }),
  replace: replaces,
  split: splits,
  join: joins,
  containsIP: within(exactly(0)),
  containsCIDR: within(add(scale(ADDRESS, STRING_FACTOR), exactly(1))),
  validate: (_target, [text]) => text && { cost: scale(scale(text.size, STRING_FACTOR), FORMAT_REGEX_SIZE * REGEX_FACTOR) },
  format: (target) => target && { cost: scale(target.size, STRING_FACTOR) },
  bytes: (_target, [text]) => text && { cost: scale(text.size, STRING_FACTOR), size: { min: text.size.min, max: scale(text.size, 4).max } },
  "strings.quote": (_target, [text]) =>
    text && { cost: scale(text.size, STRING_FACTOR), size: add(multiply(text.size, { min: 1, max: 2 }), exactly(2)) },
  matches: (target, args) => {
    const [text, pattern] = target === undefined ? args : [target, args[0]];
    return text && pattern && { cost: matching(text, pattern) };
  },
  contains: (target, [part]) => target && part && { cost: multiply(scale(target.size, STRING_FACTOR), scale(part.size, STRING_FACTOR)) },
  distinct: (target) => target && listCall(multiply(target.size, target.size), 2),
  reverse: (target) => target && listCall(target.size, 1),
  flatten: (target, [depth]) => target && listCall(target.size, depth === undefined ? 1 : literalOr(depth, UNKNOWN.max)),
  slice: (target, [from, to]) => target && listCall(exactly(Math.max(0, literalOr(to, target.size.max) - literalOr(from, 0))), 1),
  "lists.range": (_target, [count]) => listCall(exactly(literalOr(count, UNKNOWN.max)), 1),
  "sets.contains": sets(1),
  "sets.intersects": sets(1),
  "sets.equivalent": sets(2),
};

/** What a call costs beside its target and arguments, and how large its result is. */
export function callEstimate(name: string, target: Operand | undefined, args: readonly Operand[]): CallEstimate {
  const estimate = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  return (estimate ?? nominal)(target, args) ?? ONE;
}

/** Two values are compared as far as the shorter goes. */
export function comparison(a: Range, b: Range): Range {
  const shorter = Math.min(a.max, b.max);
  return scale({ min: shorter > 0 ? 1 : 0, max: shorter }, STRING_FACTOR);
}

/** What may be the one or the other. */
export function eitherSize(a: Range | undefined, b: Range | undefined): Range {
  return union(a ?? UNKNOWN, b ?? UNKNOWN);
}
