/**
 * A set of field paths, as a trie. A step of a path is written as in FieldsV1: `f:image` a field, `k:{"name":"web"}` an item of a list by its keys,
 * `v:"a"` an item of a set by its value, `i:0` one by its index. Sets are never changed once they are handed on: operations return new ones, or parts
 * of their operands.
 */
export interface FieldSet {
  /** Whether the path up to here is itself in the set. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

const NO_CHILDREN: ReadonlyMap<string, FieldSet> = new Map();
export const EMPTY: FieldSet = { member: false, children: NO_CHILDREN };
const LEAF: FieldSet = { member: true, children: NO_CHILDREN };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** A set under construction. */
export class FieldSetBuilder {
  #member = false;
  #children: Map<string, FieldSetBuilder> | undefined;

  /** The path up to here becomes a member. */
  add(): void {
    this.#member = true;
  }

  at(step: string): FieldSetBuilder {
    this.#children ??= new Map();
    let child = this.#children.get(step);
    if (child === undefined) {
      child = new FieldSetBuilder();
      this.#children.set(step, child);
    }
    return child;
  }

  build(): FieldSet {
    if (this.#children === undefined) return this.#member ? LEAF : EMPTY;
    const children = new Map<string, FieldSet>();
    for (const [step, builder] of this.#children) {
      const child = builder.build();
      if (!isEmpty(child)) children.set(step, child);
    }
    return { member: this.#member, children };
  }
}

/** The set of paths that are given as lists of steps. */
export function setOf(...paths: readonly (readonly string[])[]): FieldSet {
  const root = new FieldSetBuilder();
  for (const path of paths) path.reduce((at, step) => at.at(step), root).add();
  return root.build();
}

export function has(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const step of path) at = at?.children.get(step);
  return at?.member === true;
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.member !== b.member || a.children.size !== b.children.size) return false;
  for (const [step, child] of a.children) {
    const other = b.children.get(step);
    if (other === undefined || !sameSet(child, other)) return false;
  }
  return true;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  const children = new Map(a.children);
  for (const [step, child] of b.children) {
    const other = children.get(step);
    children.set(step, other === undefined ? child : union(other, child));
  }
  return { member: a.member || b.member, children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, a.member && b.member, intersection, "drop");
}

/** What is in `a` and not in `b`, path by path: `a.b` stays when `b` has only `a`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, a.member && !b.member, difference, "keep");
}

/** As `difference`, but a path of `b` takes away all that is below it too. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return combined(a, b, a.member && !b.member, (own, other) => (other.member ? EMPTY : recursiveDifference(own, other)), "keep");
}

function combined(
  a: FieldSet,
  b: FieldSet,
  member: boolean,
  combine: (own: FieldSet, other: FieldSet) => FieldSet,
  alone: "keep" | "drop",
): FieldSet {
  if (a.children.size === 0 || (b.children.size === 0 && alone === "keep")) {
    return member === a.member ? (a.children.size === 0 || alone === "keep" ? a : EMPTY) : { member, children: a.children };
  }
  const children = new Map<string, FieldSet>();
  for (const [step, own] of a.children) {
    const other = b.children.get(step);
    if (other === undefined) {
      if (alone === "keep") children.set(step, own);
      continue;
    }
    const child = combine(own, other);
    if (!isEmpty(child)) children.set(step, child);
  }
  return { member, children };
}

/** Every path of the set, in the order of its steps. */
export function pathsOf(set: FieldSet, before: readonly string[] = []): string[][] {
  const own = set.member && before.length > 0 ? [[...before]] : [];
  return own.concat(ordered(set).flatMap(([step, child]) => pathsOf(child, [...before, step])));
}

/** Fields before keys before values before indexes, each by its text. Source: structured-merge-diff's PathElement.Less. */
function ordered(set: FieldSet): (readonly [string, FieldSet])[] {
  const entries = [...set.children];
  if (entries.length < 2) return entries;
  return entries.sort(([a], [b]) => {
    const kinds = KIND_ORDER.indexOf(a.charAt(0)) - KIND_ORDER.indexOf(b.charAt(0));
    return kinds !== 0 ? kinds : a < b ? -1 : 1;
  });
}

const KIND_ORDER = "fkvi";

/** How a path is said to people: `.spec.containers[name="web"].image`. */
export function sayPath(path: readonly string[]): string {
  return path.map(sayStep).join("");
}

export function sayStep(step: string): string {
  const rest = step.slice(2);
  switch (step.charAt(0)) {
    case "k": {
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
    }
    case "v":
      return `[=${rest}]`;
    case "i":
      return `[${rest}]`;
    default:
      return `.${rest}`;
  }
}

/** The JSON of a set in FieldsV1: every key a step, `.` for the path itself where it has children too. */
export function fieldsJson(set: FieldSet): string {
  const inner = ordered(set)
    .map(([step, child]) => `${JSON.stringify(step)}:${child.children.size === 0 ? "{}" : fieldsJson(child)}`)
    .join(",");
  return set.member && inner !== "" ? `{".":{},${inner}}` : `{${inner}}`;
}

/** Reads FieldsV1. Throws FieldsError when it is none. */
export function readFields(fields: unknown): FieldSet {
  return readNode(fields, false);
}

export class FieldsError extends Error {
  override readonly name = "FieldsError";
}

const STEP = /^(?:f:|v:|i:\d+$|k:\{)/s;

function readNode(node: unknown, leafIsMember: boolean): FieldSet {
  if (typeof node !== "object" || node === null || Array.isArray(node)) throw new FieldsError("fieldsV1 must be an object of objects");
  const entries = Object.entries(node);
  if (entries.length === 0) return leafIsMember ? LEAF : EMPTY;
  const children = new Map<string, FieldSet>();
  let member = false;
  for (const [step, child] of entries) {
    if (step === ".") {
      member = true;
      continue;
    }
    if (!STEP.test(step)) throw new FieldsError(`fieldsV1: ${JSON.stringify(step)} is no path element`);
    if (step.startsWith("k:") || step.startsWith("v:")) assertJson(step);
    children.set(step, readNode(child, true));
  }
  return { member, children };
}

function assertJson(step: string): void {
  try {
    JSON.parse(step.slice(2));
  } catch {
    throw new FieldsError(`fieldsV1: ${JSON.stringify(step)} is no path element`);
  }
}
