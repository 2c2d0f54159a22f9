/**
 * Strategic merge patch: a merge patch that knows how Kubernetes' lists merge, with the directives `$patch`, `$retainKeys`,
 * `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. Neither the document nor the patch is changed.
 * Source: k8s.io/apimachinery/pkg/util/strategicpatch and the design "preserve order in strategic merge patch".
 */
import type { MergeFacts } from "../merge-keys.ts";
import { mergeFactsOf } from "../merge-keys.ts";
import { orderItems } from "./element-order.ts";
import { goText } from "./go-json.ts";
import type { Json } from "./merge-item.ts";
import { badType, goType, isMap, mergeValue, StrategicPatchError } from "./merge-item.ts";
import { setOwn } from "./merge-patch.ts";
import type { FieldType } from "./schema.ts";
import { definitionNamed, definitionOf } from "./schema.ts";

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_PREFIX = "$deleteFromPrimitiveList";
const ORDER_PREFIX = "$setElementOrder";

/** Applies the patch to a document of the named definition (`io.k8s.api.core.v1.Pod`). Throws StrategicPatchError. */
export function strategicMergePatch(schema: string, document: unknown, patch: unknown): unknown {
  if (!isMap(patch) || !isMap(document)) throw new StrategicPatchError(400, "invalid JSON document");
  const definition = definitionNamed(schema);
  if (definition === undefined) throw new StrategicPatchError(400, "strategic merge patch format is not supported");
  return mergeMap(document, patch, definition.type);
}

/** The definition of what a field holds, or of its items; undefined for scalars and free maps. */
function refOf(type: string | undefined, field: string): string | undefined {
  let found: FieldType | undefined = type === undefined ? undefined : definitionOf(type)?.fields.get(field)?.type;
  if (found?.form === "list") found = found.item;
  return found?.form === "ref" ? found.type : undefined;
}

function withoutRetainKeys(facts: MergeFacts): string | undefined {
  return facts.strategies.find((strategy) => strategy !== "retainKeys");
}

function keyOf(key: string, prefix: string): string {
  const slash = key.indexOf("/");
  if (slash < 0 || key.slice(0, slash) !== prefix) {
    const list = prefix === DELETE_PREFIX ? "primitive list" : "setElementOrder list";
    throw new StrategicPatchError(400, `invalid patch format of ${list}`);
  }
  return key.slice(slash + 1);
}

/** `type` is the definition of the map, where it has one. */
export function mergeMap(original: Json, patch: Json, type: string | undefined): Json {
  if (Object.hasOwn(patch, DIRECTIVE)) return applyDirective(patch);
  const result: Json = { ...original };
  retainKeys(result, patch);
  const done = mergeOrderedLists(result, patch, type);
  for (const key of Object.keys(patch)) {
    if (key === RETAIN_KEYS || key.startsWith(ORDER_PREFIX) || done.has(key)) continue;
    if (key.startsWith(DELETE_PREFIX)) deleteFrom(result, keyOf(key, DELETE_PREFIX), patch[key]);
    else mergeField(result, key, patch[key], type);
  }
  return result;
}

function applyDirective(patch: Json): Json {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === "replace") return rest;
  if (directive === "delete") return {};
  throw new StrategicPatchError(500, `unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
}

function retainKeys(result: Json, patch: Json): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const keep = patch[RETAIN_KEYS];
  const wrong = new StrategicPatchError(400, "invalid patch format of retainKeys");
  if (!Array.isArray(keep)) throw wrong;
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === RETAIN_KEYS || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX)) continue;
    if (!keep.includes(key)) throw wrong;
  }
  for (const key of Object.keys(result)) if (!keep.includes(key)) delete result[key];
}

function deleteFrom(result: Json, key: string, values: unknown): void {
  const list = result[key];
  if (list === undefined || values === null) return;
  if (!Array.isArray(values)) throw badType("[]interface {}", values);
  if (Array.isArray(list)) result[key] = list.filter((item) => !values.includes(item));
}

/** What a patch sets where nothing was: without nulls and without directives. Undefined when nothing is left. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain).filter((item) => item !== undefined);
  if (!isMap(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const result: Json = {};
  for (const [key, one] of Object.entries(value)) {
    const kept = one === null ? undefined : plain(one);
    if (kept !== undefined) setOwn(result, key, kept);
  }
  return result;
}

function setPlain(result: Json, key: string, value: unknown): void {
  const kept = plain(value);
  if (kept === undefined) delete result[key];
  else setOwn(result, key, kept);
}

function mergeField(result: Json, key: string, value: unknown, type: string | undefined): void {
  const before = Object.hasOwn(result, key) ? result[key] : undefined;
  if (value === null) {
    delete result[key];
    return;
  }
  const facts = mergeFactsOf(type, key);
  if (isMap(before) && isMap(value)) {
    setOwn(result, key, withoutRetainKeys(facts) === "replace" ? value : mergeMap(before, value, refOf(type, key)));
  } else if (Array.isArray(before) && Array.isArray(value)) {
    setOwn(result, key, mergeList(before, value, facts, refOf(type, key)));
  } else setPlain(result, key, value);
}

/** Merges the lists whose order the patch dictates. Returns the fields that are done. */
function mergeOrderedLists(result: Json, patch: Json, type: string | undefined): ReadonlySet<string> {
  const done = new Set<string>();
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(ORDER_PREFIX)) continue;
    const order = patch[directive];
    if (!Array.isArray(order)) throw badType("[]interface {}", order);
    const key = keyOf(directive, ORDER_PREFIX);
    const before = result[key];
    const change = patch[key];
    if (before !== undefined && !Array.isArray(before)) throw badType("[]interface {}", before);
    if (change !== undefined && !Array.isArray(change)) throw badType("[]interface {}", change);
    if (before === undefined && change === undefined) continue;
    const facts = mergeFactsOf(type, key);
    checkOrder(change ?? [], order, facts.mergeKey);
    const merged =
      before === undefined
        ? (plain(change) as unknown[])
        : change === undefined
          ? before
          : mergeList(before, change, facts, refOf(type, key));
    setOwn(result, key, orderItems(merged, order, before ?? [], facts.mergeKey));
    done.add(key);
  }
  return done;
}

/** The items of the patch must stand in the order that it dictates. */
function checkOrder(change: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (change.length === 0 || order.length === 0) return;
  const items = change.filter((item) => !(isMap(item) && Object.hasOwn(item, DIRECTIVE)));
  let at = 0;
  for (const place of order) {
    if (at < items.length && sameItem(items[at], place, mergeKey)) at++;
  }
  if (at < items.length)
    throw new StrategicPatchError(
      500,
      `The order in patch list:\n${goText(change)}\n doesn't match ${ORDER_PREFIX} list:\n${goText(order)}\n`,
    );
}

function sameItem(a: unknown, b: unknown, mergeKey: string | undefined): boolean {
  if (mergeKey === undefined) return a === b;
  return mergeValue(a, mergeKey) === mergeValue(b, mergeKey);
}

function mergeList(before: readonly unknown[], change: readonly unknown[], facts: MergeFacts, type: string | undefined): unknown[] {
  if (withoutRetainKeys(facts) !== "merge") return [...change];
  if (before.length === 0 && change.length === 0) return [];
  checkItems([...before, ...change]);
  const { mergeKey } = facts;
  if (![...before, ...change].some(isMap)) {
    const merged = [...new Set([...before, ...change])];
    return orderItems(merged, change, before, undefined);
  }
  if (mergeKey === undefined) throw new StrategicPatchError(500, `cannot merge lists without merge key for ${type ?? "list"}`);
  return mergeItems(before, change, mergeKey, type);
}

function checkItems(items: readonly unknown[]): void {
  if (items.some((item) => Array.isArray(item))) throw new StrategicPatchError(422, "lists of lists are not supported");
  const kinds = new Set(items.map(goType));
  if (kinds.size > 1) throw new StrategicPatchError(500, "list element types are not identical");
}

function mergeItems(before: readonly unknown[], change: readonly unknown[], mergeKey: string, type: string | undefined): unknown[] {
  let items: unknown[] = [...before];
  const changes: Json[] = [];
  let replaced = false;
  for (const item of change) {
    if (!isMap(item)) throw badType("map[string]interface {}", item);
    const directive = item[DIRECTIVE];
    if (!Object.hasOwn(item, DIRECTIVE)) changes.push(item);
    else if (directive === "replace") replaced = true;
    else if (directive === "delete") {
      const value = mergeValue(item, mergeKey);
      items = items.filter((old) => !(isMap(old) && old[mergeKey] === value));
    } else if (directive === "merge") throw new StrategicPatchError(500, "merging lists cannot yet be specified in the patch");
    else throw new StrategicPatchError(500, `unknown patch type: ${goText(directive)} in map: ${goText(item)}`);
  }
  if (replaced) return changes;
  const live = items;
  const merged = [...items];
  for (const item of changes) {
    const value = mergeValue(item, mergeKey);
    const index = merged.findIndex((old) => isMap(old) && old[mergeKey] === value);
    const old = merged[index];
    if (isMap(old)) merged[index] = mergeMap(old, item, type);
    else merged.push(plain(item));
  }
  return orderItems(merged, changes, live, mergeKey);
}
