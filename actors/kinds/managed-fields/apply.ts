import { isDeepStrictEqual } from "node:util";
import { fieldsOf } from "./applied-fields.ts";
import { changed, compare, without } from "./compare.ts";
import { difference, EMPTY, type FieldSet, has, intersection, isEmpty, pathsOf, recursiveDifference, union } from "./field-set.ts";
import { lastAppliedFields } from "./last-applied.ts";
import { type FieldManager, managed, sameManager } from "./managers.ts";
import { mergeConfiguration, withoutFields } from "./merge-configuration.ts";
import { OwnedFields } from "./owned-fields.ts";
import type { StructType, Typed } from "./typed.ts";
import { afterCreate, disowned, type FieldWrite } from "./update.ts";

/** Who owned the fields of an object before the first apply, when nobody had kept track. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/** Somebody else owns a field with another value. */
export interface ApplyConflict {
  readonly manager: FieldManager;
  readonly path: readonly string[];
}

export type Applied =
  | { readonly conflicts: readonly ApplyConflict[] }
  /** `object` is undefined when the object stays as it was; the managers may have changed all the same. */
  | { readonly object: Record<string, unknown> | undefined; readonly managers: readonly FieldManager[] };

/**
 * Server-side apply: merges a configuration into the live object, removes what this manager applied before and does not any more, and gives it the
 * fields it applies. Throws ConfigurationError when the configuration does not fit. Source: structured-merge-diff's merge.Updater.Apply.
 */
export function applyConfiguration(
  write: FieldWrite,
  known: readonly FieldManager[],
  live: object,
  configuration: object,
  force: boolean,
): Applied {
  const { type, manager, apiVersion, subresource } = write;
  const managers = known.length > 0 ? known : afterCreate({ ...write, manager: BEFORE_FIRST_APPLY }, live);
  const applied = recursiveDifference(fieldsOf(type, configuration, "to-check"), write.reset);
  const mine: FieldManager = { manager, operation: "Apply", apiVersion, subresource, time: undefined, fields: OwnedFields.of(applied) };
  const before = managers.find((other) => sameManager(other, mine));
  const others = managers.filter((other) => other !== before);
  const merged = mergeConfiguration(type, live, configuration);
  const next = before === undefined ? merged : prune(type, merged, before.fields.set, [...others, mine]);
  const comparison = without(compare(type, live, next), write.reset);
  const conflicts = force ? [] : conflictsOf(others, changed(comparison));
  const allowed = conflicts.length === 0 ? EMPTY : lastAppliedFields(type, manager, apiVersion, live);
  const refused = conflicts.filter(({ path }) => !has(allowed, path));
  if (refused.length > 0) return { conflicts: refused };
  const same = isDeepStrictEqual(live, next);
  const left = managed(applied);
  const own = { ...mine, fields: OwnedFields.of(left), time: same ? before?.time : write.time };
  const rest = disowned(disowned(others, changed(comparison)), comparison.removed);
  return { object: same ? undefined : next, managers: isEmpty(left) ? rest : [...rest, own] };
}

function conflictsOf(others: readonly FieldManager[], fields: FieldSet): ApplyConflict[] {
  return others.flatMap((manager) => pathsOf(intersection(manager.fields.set, fields)).map((path) => ({ manager, path })));
}

/** Takes away what was applied last time and is owned by nobody now. Source: merge.Updater.prune. */
function prune(
  type: StructType,
  merged: Record<string, unknown>,
  last: FieldSet,
  managers: readonly FieldManager[],
): Record<string, unknown> {
  const lastNamed = withNamedFields(last, type);
  const owned = withNamedFields(
    managers.reduce((all, { fields }) => union(all, fields.set), EMPTY),
    type,
  );
  const pruned = withoutFields(type, merged, lastNamed);
  const mergedFields = withNamedFields(fieldsOf(type, merged, "trusted"), type);
  const kept = union(withNamedFields(fieldsOf(type, pruned, "trusted"), type), owned);
  const withOwned = withoutFields(type, merged, difference(mergedFields, kept));
  const gone = difference(mergedFields, withNamedFields(fieldsOf(type, withOwned, "trusted"), type));
  return withoutFields(type, merged, intersection(gone, lastNamed));
}

/** The set with the named fields on the way to its members, which are not members themselves. Source: fieldpath.Set.EnsureNamedFieldsAreMembers. */
function withNamedFields(set: FieldSet, type: Typed | undefined): FieldSet {
  if (set.children.size === 0) return set;
  const children = new Map<string, FieldSet>();
  for (const [step, child] of set.children) {
    const isField = step.startsWith("f:");
    const below = isField ? fieldType(type, step.slice(2)) : type?.form === "list" ? type.item : undefined;
    const named = isField && type?.form === "struct" && below !== undefined;
    const inner = withNamedFields(child, below);
    children.set(step, named && !inner.member ? { ...inner, member: true } : inner);
  }
  return { member: set.member, children };
}

function fieldType(type: Typed | undefined, name: string): Typed | undefined {
  if (type?.form === "struct") return type.field(name);
  if (type?.form === "map") return type.value;
  return type?.form === "untyped" ? type : undefined;
}
