import { KEY_DEFAULTS, type Typed } from "./typed.ts";

/** An item of a list cannot be told apart from the others. */
export class ItemError extends Error {
  override readonly name = "ItemError";
}

export type ListType = Extract<Typed, { form: "list" | "set" }>;

const ANY_ITEM: Typed = { form: "leaf", expects: "any" };

export function itemType(type: ListType): Typed {
  return type.form === "set" ? ANY_ITEM : type.item;
}

/** The step of a path to an item: by the value itself in a set, by the values of its keys in a list. */
export function stepOf(type: ListType, item: unknown): string {
  return type.form === "set"
    ? `v:${JSON.stringify(setItem(item))}`
    : `k:${JSON.stringify(keysOf(type.keys, item, type.defaults ?? KEY_DEFAULTS))}`;
}

function setItem(item: unknown): unknown {
  if (item === null) throw new ItemError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new ItemError("not supported: associative list with lists as elements");
  if (typeof item === "object") throw new ItemError("associative list without keys has an element that's a map type");
  return item;
}

/** The keys of an item, by name in order. One that is left out and has no default stays out: that is another item. */
function keysOf(names: readonly string[], item: unknown, defaults: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (item === null) throw new ItemError("associative list with keys may not have a null element");
  if (typeof item !== "object" || Array.isArray(item)) throw new ItemError("associative list with keys may not have non-map elements");
  const values = item as Readonly<Record<string, unknown>>;
  const keys: Record<string, unknown> = {};
  let found = false;
  for (const name of names.length < 2 ? names : names.toSorted()) {
    const value = values[name] === undefined ? defaults[name] : values[name];
    if (value === undefined) continue;
    keys[name] = value;
    found = true;
  }
  if (found) return keys;
  const all = names.map((name) => JSON.stringify(name)).join(" ");
  throw new ItemError(
    `associative list with keys has an element that omits all key fields [${all}] (and doesn't have default values for any key fields)`,
  );
}

/** The items by their steps, in their order. Items of one step lie together. */
export function itemsByStep(type: ListType, list: readonly unknown[]): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const step = stepOf(type, item);
    const same = items.get(step);
    if (same === undefined) items.set(step, [item]);
    else same.push(item);
  }
  return items;
}

/** The steps of the items, when no two are the same. */
export function distinctSteps(type: ListType, list: readonly unknown[]): readonly string[] | undefined {
  const steps: string[] = [];
  for (const item of list) {
    const step = stepOf(type, item);
    if (steps.includes(step)) return undefined;
    steps.push(step);
  }
  return steps;
}
