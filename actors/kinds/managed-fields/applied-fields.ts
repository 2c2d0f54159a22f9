import { type FieldSet, FieldSetBuilder, sayStep } from "./field-set.ts";
import { ItemError, itemType, type ListType, stepOf } from "./list-items.ts";
import { deduced, type StructType, type Typed } from "./typed.ts";

/** A configuration does not fit its schema. The message names the place and what was expected there. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

type Members = Readonly<Record<string, unknown>>;

/** The fields of an object, each path that a value stands at. Throws ConfigurationError unless `trusted`. */
export function fieldsOf(type: StructType, object: object, trusted: "trusted" | "to-check"): FieldSet {
  const root = new FieldSetBuilder();
  visitFields(type, object as Members, root, "", trusted === "to-check");
  return root.build();
}

function visit(typed: Typed, value: unknown, at: FieldSetBuilder, place: string, check: boolean): void {
  const type = deduced(typed, value);
  if (type.form === "leaf") {
    if (check) checkLeaf(type.expects, value, place);
    at.add();
  } else if (type.form === "list" || type.form === "set") {
    if (value === null) return;
    if (Array.isArray(value)) visitItems(type, value, at, place, check);
    else throw new ConfigurationError(`${place}: expected list, got ${JSON.stringify(value)}`);
  } else {
    if (value === null) return;
    if (typeof value !== "object" || Array.isArray(value))
      throw new ConfigurationError(`${place}: expected map, got ${JSON.stringify(value)}`);
    visitFields(type, value as Members, at, place, check);
  }
}

function visitFields(
  type: Extract<Typed, { form: "struct" | "map" }>,
  members: Members,
  at: FieldSetBuilder,
  place: string,
  check: boolean,
): void {
  for (const name in members) {
    const value = members[name];
    if (value === undefined) continue;
    const field = type.form === "map" ? type.value : type.field(name);
    if (field === undefined) {
      if (check) throw new ConfigurationError(`${place}.${name}: field not declared in schema`);
      continue;
    }
    const child = at.at(`f:${name}`);
    visit(field, value, child, `${place}.${name}`, check);
    if (value === null || isEmptyMap(value) || type.form === "map") child.add();
  }
}

function visitItems(type: ListType, items: readonly unknown[], at: FieldSetBuilder, place: string, check: boolean): void {
  const seen = new Map<string, number>();
  const steps = items.map((item, index) => {
    const step = named(() => stepOf(type, item), `${place}: element ${index}`);
    seen.set(step, (seen.get(step) ?? 0) + 1);
    return step;
  });
  for (const [index, item] of items.entries()) {
    const step = steps[index] ?? "";
    const child = at.at(step);
    child.add();
    if (seen.get(step) === 1) visit(itemType(type), item, child, `${place}${sayStep(step)}`, check);
    else if (check) throw new ConfigurationError(`${place}: duplicate entries for key ${sayStep(step)}`);
  }
}

function named<T>(make: () => T, place: string): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof ItemError ? new ConfigurationError(`${place}: ${error.message}`) : error;
  }
}

function isEmptyMap(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  for (const _key in value) return false;
  return true;
}

function checkLeaf(expects: string, value: unknown, place: string): void {
  if (value === null || expects === "any") return;
  const got = Array.isArray(value) ? "list" : typeof value === "object" ? "map" : typeof value;
  if (got === expects) return;
  const wanted = expects === "number" ? "numeric (int or float)" : expects;
  throw new ConfigurationError(`${place}: expected ${wanted}, got ${expects === "number" ? goKind(value) : JSON.stringify(value)}`);
}

/** How Go's %T names a decoded JSON value. */
function goKind(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}
