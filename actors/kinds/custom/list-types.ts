/** Lists that are sets or maps have no item twice. Source: apiextensions-apiserver's pkg/apiserver/schema/listtype. */
import { duplicate, invalid } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { fieldPath, isMembers, memberSchema } from "./structural-schema.ts";

/** What is there twice in the value at `path`. */
export function repeatedItems(schema: StructuralSchema | undefined, value: unknown, path: string): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    const below = value.flatMap((item, index) => repeatedItems(schema.items, item, `${path}[${index}]`));
    return [...repeatedHere(schema, value, path), ...below];
  }
  if (!isMembers(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const named = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    return repeatedItems(memberSchema(schema, name), member, named ? fieldPath(path, name) : `${path}[${name}]`);
  });
}

function repeatedHere(schema: StructuralSchema, list: readonly unknown[], path: string): FieldError[] {
  if (schema["x-kubernetes-list-type"] === "set") return secondOnes(list).map((index) => duplicate(`${path}[${index}]`, list[index]));
  if (schema["x-kubernetes-list-type"] !== "map") return [];
  const odd = list.findIndex((item) => item !== null && !isMembers(item));
  if (odd >= 0) return [invalid(`${path}[${odd}]`, list[odd], "must be an object for an array of list-type map")];
  const names = (schema["x-kubernetes-list-map-keys"] ?? []).toSorted();
  const keys = list.map((item) => {
    const members = isMembers(item) ? item : {};
    return Object.fromEntries(names.filter((name) => members[name] !== undefined).map((name) => [name, members[name]]));
  });
  return secondOnes(keys).map((index) => duplicate(`${path}[${index}]`, keys[index]));
}

/** The indices at which a value comes for the second time. */
function secondOnes(values: readonly unknown[]): number[] {
  const times = new Map<string, number>();
  const found: number[] = [];
  for (const [index, value] of values.entries()) {
    const text = JSON.stringify(value);
    const seen = (times.get(text) ?? 0) + 1;
    times.set(text, seen);
    if (seen === 2) found.push(index);
  }
  return found;
}
