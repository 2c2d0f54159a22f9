/**
 * Why a strategic merge patch does not fit, as Kubernetes says it: it turns the patched map into an object without printing it, so that the words are not
 * those of the JSON decoder. Source: apimachinery's runtime/converter.go, fromUnstructured.
 */
import { definitionOf } from "./schema.ts";

const MISMATCH = /^json: cannot unmarshal (\w+)(?: (\S+))? into Go (?:struct field \S+|value) of type (\S+)$/;
const KINDS: Readonly<Record<string, string>> = { string: "string", bool: "bool", array: "slice", object: "map" };
const PLAIN: ReadonlySet<string> = new Set(["bool", "float64", "int32", "int64", "string"]);

function kindOf(what: string, literal: string | undefined): string {
  return KINDS[what] ?? (literal !== undefined && /[.eE]/.test(literal) ? "float64" : "int64");
}

/** The words in place of the decoder's. Those of types that read themselves, such as quantities, stay. */
export function unstructuredWords(message: string): string {
  const [, what, literal, type] = MISMATCH.exec(message) ?? [];
  if (what === undefined || type === undefined) return message;
  const from = kindOf(what, literal);
  if (type.startsWith("[]")) return `cannot restore slice from ${from}`;
  if (type.startsWith("map[")) return `cannot restore map from ${from}`;
  const name = type.slice(type.lastIndexOf(".") + 1);
  if (!PLAIN.has(type) && definitionOf(name) !== undefined) return `cannot restore struct from: ${from}`;
  // Words of a kind's own, such as a restart policy, are strings below.
  const below = PLAIN.has(type) ? type : "string";
  const converts = below === "string" ? from === "int64" : from === "float64" && below !== "bool";
  return converts ? `cannot convert ${from} to ${type}` : `unrecognized type: ${below}`;
}
