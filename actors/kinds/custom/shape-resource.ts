/**
 * Brings the body of a custom resource into shape: metadata is checked and freed of what it does not have, fields that the schema does not name are
 * dropped and named, nulls that may not be are dropped, defaults are filled in. Source: apiextensions-apiserver's pkg/apiserver/schema:
 * objectmeta, pruning and defaulting.
 */
import { META_SCHEMA } from "../machinery/metadata-schema.ts";
import { type Shaped, ShapeError, shape } from "../machinery/shape.ts";
import type { Members, StructuralSchema } from "./structural-schema.ts";
import { isMembers, memberSchema } from "./structural-schema.ts";

/** What every object has of itself, at the root and where another object is embedded. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** Shapes the body, a private copy, in place. Throws ShapeError. */
export function shapeResource(schema: StructuralSchema, body: unknown): Shaped {
  if (!isMembers(body)) throw new ShapeError("json: cannot unmarshal into Go value of type map[string]interface {}");
  const unknown: string[] = [];
  shapeOwnMembers(body, "", unknown);
  prune(body, schema, "", true, unknown);
  dropNulls(body, schema);
  fillDefaults(body, schema);
  return { object: body, unknown: unknown.sort() };
}

/** What a stored object is when it is read: of another version, or written before its definition changed. Changes the object. */
export function reshapeStored(object: Members, stored: StructuralSchema, served: StructuralSchema): Members {
  dropNulls(object, stored);
  fillDefaults(object, stored);
  prune(object, served, "", true, []);
  return object;
}

function shapeOwnMembers(object: Members, path: string, unknown: string[]): void {
  for (const name of ["apiVersion", "kind"]) {
    if (Object.hasOwn(object, name) && typeof object[name] !== "string")
      throw new ShapeError(`${path}${name}: Invalid value: ${JSON.stringify(object[name])}: must be a string`);
  }
  if (object.metadata === undefined) return;
  if (object.metadata === null) {
    delete object.metadata;
    return;
  }
  const metadata = shape(META_SCHEMA, object.metadata);
  for (const name of metadata.unknown) unknown.push(`${path}metadata.${name}`);
  object.metadata = metadata.object;
}

/** Drops what the schema does not name. `whole`: the value is an object of its own, whose metadata is not the schema's to prune. */
function prune(value: unknown, schema: StructuralSchema | undefined, path: string, whole: boolean, unknown: string[]): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) prune(item, schema?.items, `${path}[${index}]`, false, unknown);
    return;
  }
  if (!isMembers(value)) return;
  const embedded = whole || schema?.["x-kubernetes-embedded-resource"] === true;
  if (embedded && !whole) shapeOwnMembers(value, `${path}.`, unknown);
  const keepsAll = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  for (const name in value) {
    if (embedded && OWN_MEMBERS.has(name)) continue;
    const below = path === "" ? name : `${path}.${name}`;
    const known = memberSchema(schema, name);
    if (known !== undefined) prune(value[name], known, below, false, unknown);
    else if (schema?.additionalProperties === true) prune(value[name], undefined, below, false, unknown);
    else if (!keepsAll) {
      unknown.push(below);
      delete value[name];
    }
  }
}

function mayNotBeNull(value: unknown, schema: StructuralSchema | undefined): schema is StructuralSchema {
  return value === null && schema !== undefined && schema.nullable !== true;
}

/** Drops nulls where none may be and no default takes their place. */
function dropNulls(value: unknown, schema: StructuralSchema | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item, schema?.items);
    return;
  }
  if (!isMembers(value)) return;
  for (const name in value) {
    const member = memberSchema(schema, name);
    if (mayNotBeNull(value[name], member) && member.default === undefined) delete value[name];
    else dropNulls(value[name], member);
  }
}

/** Fills in the defaults of what is missing, or is null and may not be. */
export function fillDefaults(value: unknown, schema: StructuralSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    for (const [index, item] of value.entries()) {
      if (mayNotBeNull(item, items) && items.default !== undefined) value[index] = structuredClone(items.default);
      fillDefaults(value[index], items);
    }
    return;
  }
  if (!isMembers(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(value, name) || mayNotBeNull(value[name], property)) value[name] = structuredClone(property.default);
  }
  for (const name in value) {
    const member = memberSchema(schema, name);
    if (mayNotBeNull(value[name], member) && member.default !== undefined) value[name] = structuredClone(member.default);
    fillDefaults(value[name], member);
  }
}
