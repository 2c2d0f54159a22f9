/** Values as rules see them: typed by the schema, with the names of properties as identifiers. Source: apiextensions-apiserver's pkg/apiserver/schema/cel/values.go. */
import { celDuration } from "../cel/cel.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { isMembers, memberSchema, typesOf } from "./structural-schema.ts";

const RESERVED: ReadonlySet<string> = new Set([
  ...["true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let"],
  ...["loop", "package", "namespace", "return", "var", "void", "while"],
]);
const SYMBOLS: Readonly<Record<string, string>> = { __: "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__" };

/** The identifier by which rules name a property: `a-b` is `a__dash__b`. Source: k8s.io/apiserver/pkg/cel/escaping.go. */
export function celName(property: string): string {
  if (RESERVED.has(property)) return `__${property}__`;
  return property.replace(/__|[./-]/g, (symbol) => SYMBOLS[symbol] ?? symbol);
}

/** Of metadata rules see what a definition may speak of. */
const METADATA: StructuralSchema = { type: "object", properties: { name: { type: "string" }, generateName: { type: "string" } } };

/** `whole`: the value is an object of its own, with a kind and metadata. */
export function celValue(schema: StructuralSchema | undefined, value: unknown, whole = false): unknown {
  if (typeof value === "number") return celNumber(schema, value);
  if (typeof value === "string") return celText(schema?.format, value);
  if (Array.isArray(value)) return value.map((item) => celValue(schema?.items, item));
  if (!isMembers(value)) return value;
  const embedded = whole || schema?.["x-kubernetes-embedded-resource"] === true;
  const named = schema?.properties !== undefined || embedded;
  const seen: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    // A field that is null is one that is not there.
    if (member === null && schema?.properties !== undefined) continue;
    if (embedded && name === "metadata") seen.metadata = isMembers(member) ? nameOnly(member) : member;
    else seen[named ? celName(name) : name] = celValue(memberSchema(schema, name), member);
  }
  return seen;
}

function celText(format: string | undefined, text: string): unknown {
  switch (format) {
    case "date-time":
    case "date":
      return new Date(text);
    case "duration":
      return celDuration(text);
    case "byte":
      return new Uint8Array(Buffer.from(text, "base64"));
    default:
      return text;
  }
}

function nameOnly(metadata: Record<string, unknown>): unknown {
  const { name, generateName } = metadata;
  return celValue(METADATA, { ...(name === undefined ? {} : { name }), ...(generateName === undefined ? {} : { generateName }) });
}

function celNumber(schema: StructuralSchema | undefined, value: number): bigint | number {
  const types = schema === undefined ? [] : typesOf(schema);
  return Number.isInteger(value) && !types.includes("number") ? BigInt(value) : value;
}
