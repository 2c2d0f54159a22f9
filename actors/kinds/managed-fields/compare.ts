import { isDeepStrictEqual } from "node:util";
import { EMPTY, type FieldSet, FieldSetBuilder, recursiveDifference, union } from "./field-set.ts";
import { distinctSteps, itemsByStep, itemType, type ListType } from "./list-items.ts";
import { deduced, type StructType, type Typed } from "./typed.ts";

/** What differs between two states of an object. No path is in more than one of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export type Change = "added" | "modified" | "removed";

/** Hears of the changes, as the walk meets them. */
export interface ChangeListener {
  /** The path goes on to this field, or this item of a list. */
  field(name: string): void;
  item(step: string): void;
  /** The path that was entered has changed itself. */
  changed(change: Change): void;
  leave(): void;
}

class Sets implements ChangeListener {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();
  readonly #path: string[] = [];

  field(name: string): void {
    this.#path.push(`f:${name}`);
  }

  item(step: string): void {
    this.#path.push(step);
  }

  changed(change: Change): void {
    this.#path.reduce((at, step) => at.at(step), this[change]).add();
  }

  leave(): void {
    this.#path.pop();
  }
}

/** Compares field by field. Parts that are one and the same object are not looked into. */
export function compare(type: StructType, before: object, after: object): Comparison {
  if (before === after) return { added: EMPTY, modified: EMPTY, removed: EMPTY };
  const sets = new Sets();
  walkChanges(type, before, after, sets);
  return { added: sets.added.build(), modified: sets.modified.build(), removed: sets.removed.build() };
}

/** Tells of what differs, field by field. */
export function walkChanges(type: StructType, before: object, after: object, listener: ChangeListener): void {
  if (before !== after) compareFields(type, before as Members, after as Members, listener);
}

/** The comparison without what is at or below the paths of `ignored`. */
export function without(comparison: Comparison, ignored: FieldSet): Comparison {
  if (ignored.children.size === 0) return comparison;
  return {
    added: recursiveDifference(comparison.added, ignored),
    modified: recursiveDifference(comparison.modified, ignored),
    removed: recursiveDifference(comparison.removed, ignored),
  };
}

/** What is new or other in the later state. */
export function changed(comparison: Comparison): FieldSet {
  return union(comparison.modified, comparison.added);
}

type Members = Readonly<Record<string, unknown>>;

const NOTHING: Members = {};

function isMap(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBare(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return false;
  for (const _key in value) return false;
  return true;
}

/** The values of which the walk has entered the path. */
function compareValues(typed: Typed, before: unknown, after: unknown, listener: ChangeListener): void {
  const type = deduced(typed, before, after);
  const leaf = type.form === "leaf" || (isBare(before) && isBare(after));
  if (!leaf) {
    if (type.form === "list" || type.form === "set")
      compareItems(type, Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], listener);
    else compareFields(type, isMap(before) ? before : NOTHING, isMap(after) ? after : NOTHING, listener);
  }
  if (before === undefined) listener.changed("added");
  else if (after === undefined) listener.changed("removed");
  else if (leaf && !isDeepStrictEqual(before, after)) listener.changed("modified");
}

function compareFields(type: Extract<Typed, { form: "struct" | "map" }>, before: Members, after: Members, listener: ChangeListener): void {
  for (const name in after) {
    const was = before[name];
    const is = after[name];
    if (was === is) continue;
    const field = type.form === "map" ? type.value : type.field(name);
    if (field === undefined) continue;
    listener.field(name);
    compareValues(field, was, is, listener);
    listener.leave();
  }
  if (before === NOTHING) return;
  for (const name in before) {
    if (name in after || before[name] === undefined) continue;
    const field = type.form === "map" ? type.value : type.field(name);
    if (field === undefined) continue;
    listener.field(name);
    compareValues(field, before[name], undefined, listener);
    listener.leave();
  }
}

/** As many items are looked for one by one; in longer lists by an index. */
const SHORT_LIST_MAX = 16;

function compareItems(type: ListType, before: readonly unknown[], after: readonly unknown[], listener: ChangeListener): void {
  if (before.length > SHORT_LIST_MAX || after.length > SHORT_LIST_MAX) {
    compareByStep(type, before, after, listener);
    return;
  }
  const was = distinctSteps(type, before);
  const is = distinctSteps(type, after);
  if (was === undefined || is === undefined) {
    compareByStep(type, before, after, listener);
    return;
  }
  const item = itemType(type);
  for (const [at, step] of is.entries()) {
    const there = was.indexOf(step);
    if (there < 0 || before[there] !== after[at]) compareItem(item, there < 0 ? undefined : before[there], after[at], step, listener);
  }
  for (const [at, step] of was.entries()) if (!is.includes(step)) compareItem(item, before[at], undefined, step, listener);
}

function compareItem(type: Typed, before: unknown, after: unknown, step: string, listener: ChangeListener): void {
  listener.item(step);
  compareValues(type, before, after, listener);
  listener.leave();
}

/** Items that come twice are taken as one value together. Source: structured-merge-diff's compareWalker.visitListItems. */
function compareByStep(type: ListType, before: readonly unknown[], after: readonly unknown[], listener: ChangeListener): void {
  const was = itemsByStep(type, before);
  const is = itemsByStep(type, after);
  for (const step of was.size === 0 ? is.keys() : new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [was.get(step), is.get(step)];
    const [wasTwice, isTwice] = [(old?.length ?? 0) > 1, (now?.length ?? 0) > 1];
    if (old?.length === 1 && now?.length === 1 && old[0] === now[0]) continue;
    listener.item(step);
    if (wasTwice && isTwice) {
      if (!isDeepStrictEqual(old, now)) listener.changed("modified");
    } else if (wasTwice) {
      if (now !== undefined) compareValues(itemType(type), undefined, now[0], listener);
      listener.changed("removed");
    } else if (isTwice) {
      if (old !== undefined) compareValues(itemType(type), old[0], undefined, listener);
      listener.changed("added");
    } else compareValues(itemType(type), old?.[0], now?.[0], listener);
    listener.leave();
  }
}
