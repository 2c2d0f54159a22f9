/** Paths to fields that a schema knows: `.spec.names['a.b']`. Source: ValidFieldPath of apiextensions-apiserver's pkg/apiserver/schema/cel. */
import { fieldPath, type StructuralSchema } from "./structural-schema.ts";

/** A quoted name, one of the three signs, or what is between them. */
const TOKENS = /'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/gs;
const NO_FIELD = "does not refer to a valid field";

/** Where a path leads from what it starts at, as Kubernetes writes it, and what is there; or what is wrong with it. */
export type FoundField = { readonly path: string; readonly schema: StructuralSchema } | { readonly wrong: string };

/** One step down: a field that has a name, or any member of a map. */
function below(path: string, schema: StructuralSchema, name: string): FoundField {
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return property === undefined ? { wrong: NO_FIELD } : { path: fieldPath(path, name), schema: property };
  }
  return typeof additionalProperties === "object" ? { path: `${path}[${name}]`, schema: additionalProperties } : { wrong: NO_FIELD };
}

/** `brackets`: whether names may be in brackets, which is how those are written that are no identifiers. */
export function findField(text: string, schema: StructuralSchema, brackets: boolean): FoundField {
  const tokens = text.match(TOKENS) ?? [];
  let found: FoundField = { path: "", schema };
  for (let at = 0; at < tokens.length; at++) {
    const sign = tokens[at] ?? "";
    if (sign !== "." && sign !== "[") return { wrong: `expected [ or . but got: ${sign}` };
    if (sign === "[" && !brackets) return { wrong: "array notation is not allowed" };
    const name = tokens[++at];
    if (name === undefined) return { wrong: "unexpected end of JSON path" };
    if (sign === ".") found = below(found.path, found.schema, name);
    else {
      if (!/^'.*'$/s.test(name)) return { wrong: `expected single quoted string but got ${name}` };
      found = below(found.path, found.schema, name.slice(1, -1).replace(/\\(.)/gs, "$1"));
    }
    if ("wrong" in found) return found;
    if (sign === ".") continue;
    const end = tokens[++at];
    if (end === undefined) return { wrong: "unexpected end of JSON path" };
    if (end !== "]") return { wrong: `expected ] but got ${end}` };
  }
  return found;
}
