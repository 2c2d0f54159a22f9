/** Merges what is applied into what is there, and takes away what is no longer applied. Source: structured-merge-diff's typed/merge.go and remove.go. */
import { type FieldSet, isEmpty } from "./field-set.ts";
import { itemsByStep, itemType, type ListType, stepOf } from "./list-items.ts";
import { deduced, type StructType, type Typed } from "./typed.ts";

type Members = Readonly<Record<string, unknown>>;

/** `live` with the values of `applied`; parts that only one of them has are shared with the result. */
export function mergeConfiguration(type: StructType, live: object, applied: object): Record<string, unknown> {
  return mergeFields(type, live as Members, applied as Members);
}

function merge(typed: Typed, live: unknown, applied: unknown): unknown {
  const type = deduced(typed, applied);
  if (applied === undefined) return live;
  if (live === undefined || live === null || applied === null || type.form === "leaf") return applied;
  if (type.form === "list" || type.form === "set") return mergeItems(type, live as unknown[], applied as unknown[]);
  return mergeFields(type, live as Members, applied as Members);
}

function mergeFields(type: Extract<Typed, { form: "struct" | "map" }>, live: Members, applied: Members): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...live };
  for (const name in applied) {
    const field = type.form === "map" ? type.value : type.field(name);
    if (field !== undefined) merged[name] = merge(field, live[name], applied[name]);
  }
  return merged;
}

/**
 * The items of both. Those that both have come in the order in which they are applied; those that only the live list has stay after the
 * item that they stood behind; new ones come after the applied item before them.
 */
function mergeItems(type: ListType, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const was = itemsByStep(type, live);
  const wanted = applied.map((item) => ({ step: stepOf(type, item), item }));
  const isWanted = new Set(wanted.map(({ step }) => step));
  const shared = wanted.filter(({ step }) => was.has(step)).map(({ step }) => step);
  const merged: unknown[] = [];
  const done = new Set<string>();
  let next = 0;
  const liveSteps = live.map((item) => stepOf(type, item));
  const take = ({ step, item }: { step: string; item: unknown }): void => {
    const before = was.get(step);
    // Items that came twice are not merged into: the applied one takes their place.
    merged.push(merge(itemType(type), before?.length === 1 ? before[0] : undefined, item));
    done.add(step);
    if (shared[next] === step) next += 1;
  };
  let l = 0;
  let a = 0;
  while (l < live.length || a < wanted.length) {
    const liveStep = liveSteps[l];
    const here = wanted[a];
    if (liveStep !== undefined && here !== undefined) {
      if (liveStep === here.step) {
        take(here);
        l += 1;
        a += 1;
        continue;
      }
      if (isWanted.has(liveStep) && shared[next] !== undefined && shared[next] !== liveStep) {
        // Its turn comes with the applied item of its name.
        l += 1;
        continue;
      }
    }
    if (liveStep !== undefined) {
      if (!isWanted.has(liveStep)) {
        merged.push(live[l]);
        l += 1;
        continue;
      }
      if (done.has(liveStep)) l += 1;
    }
    if (here !== undefined) {
      take(here);
      a += 1;
    }
  }
  return merged;
}

/** The object without what stands at the paths of `gone`. */
export function withoutFields(type: StructType, object: object, gone: FieldSet): Record<string, unknown> {
  return isEmpty(gone) ? { ...object } : ((removeFields(type, object as Members, gone) ?? {}) as Record<string, unknown>);
}

function remove(typed: Typed, value: unknown, gone: FieldSet): unknown {
  const type = deduced(typed, value);
  if (value === null || value === undefined || type.form === "leaf")
    return type.form === "leaf" && typeof value === "object" ? undefined : value;
  if (type.form === "list" || type.form === "set") return removeItems(type, value as unknown[], gone);
  return removeFields(type, value as Members, gone);
}

function removeFields(type: Extract<Typed, { form: "struct" | "map" }>, members: Members, gone: FieldSet): Members | undefined {
  const left: Record<string, unknown> = {};
  for (const name in members) {
    const below = gone.children.get(`f:${name}`);
    if (below?.member === true) continue;
    const field = type.form === "map" ? type.value : type.field(name);
    left[name] = below === undefined || field === undefined ? members[name] : remove(field, members[name], below);
  }
  for (const _name in left) return left;
  return undefined;
}

function removeItems(type: ListType, items: readonly unknown[], gone: FieldSet): unknown[] | undefined {
  const left: unknown[] = [];
  for (const item of items) {
    const below = gone.children.get(stepOf(type, item));
    if (below?.member === true) continue;
    left.push(below === undefined ? item : remove(itemType(type), item, below));
  }
  return left.length > 0 ? left : undefined;
}
