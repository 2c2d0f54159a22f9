/**
 * Finds the fields that a rule names and its schema does not have, as cel-go's type checker does. What is not known to have fields is let through: only
 * the schema's own objects, lists and maps are followed.
 */
import type { CelNode } from "../cel/cel.ts";
import { celName } from "./cel-values.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** What the variables of an expression are; undefined: nobody knows. */
type Scope = ReadonlyMap<string, StructuralSchema | undefined>;

const TEXT: StructuralSchema = { type: "string" };
const NAMES: StructuralSchema = { type: "object", properties: { name: TEXT, generateName: TEXT } };
const COMPREHENSIONS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "existsOne", "map", "filter"]);

interface Missing {
  readonly field: string;
  /** Where the dot before it stands. */
  readonly at: number;
}

/** The words of the compiler about the first field that is not there; undefined when all are. */
export function missingField(expression: string, tree: CelNode, schema: StructuralSchema, whole: boolean): string | undefined {
  const own: StructuralSchema = whole
    ? { ...schema, properties: { apiVersion: TEXT, kind: TEXT, ...schema.properties, metadata: NAMES } }
    : schema;
  const missing: Missing[] = [];
  schemaOf(
    tree,
    new Map([
      ["self", own],
      ["oldSelf", undefined],
    ]),
    (field, pos) => missing.push({ field, at: Math.max(0, expression.lastIndexOf(".", pos)) }),
  );
  const [first] = missing;
  if (first === undefined) return undefined;
  const before = expression.slice(0, first.at);
  const line = before.split("\n").length;
  const column = first.at - (before.lastIndexOf("\n") + 1);
  const text = expression.split("\n")[line - 1] ?? "";
  return `ERROR: <input>:${line}:${column + 1}: undefined field '${first.field}'\n | ${text}\n | ${".".repeat(column)}^`;
}

type Report = (field: string, pos: number) => void;

function isNode(value: unknown): value is CelNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

/** What the node evaluates to, where the schema says it. */
function schemaOf(node: CelNode, scope: Scope, report: Report): StructuralSchema | undefined {
  const { op, args } = node;
  if (op === "id") return scope.get(String(args));
  if (!Array.isArray(args)) {
    if (isNode(args)) schemaOf(args, scope, report);
    return undefined;
  }
  const [first, second, third] = args as readonly unknown[];
  switch (op) {
    case ".":
      return isNode(first) ? member(schemaOf(first, scope, report), String(second), node.pos, report) : undefined;
    case "[]": {
      const of = isNode(first) ? schemaOf(first, scope, report) : undefined;
      if (isNode(second)) schemaOf(second, scope, report);
      return of?.items ?? valueSchema(of);
    }
    case "rcall": {
      const receiver = isNode(second) ? schemaOf(second, scope, report) : undefined;
      const given = (Array.isArray(third) ? third : []).filter(isNode);
      const [variable, ...rest] = given;
      const binds = COMPREHENSIONS.has(String(first)) && variable?.op === "id" && rest.length > 0;
      const inner = binds ? new Map(scope).set(String(variable.args), receiver?.items) : scope;
      for (const one of binds ? rest : given) schemaOf(one, inner, report);
      return first === "filter" ? receiver : undefined;
    }
    default:
      visitAll(args, scope, report);
      return undefined;
  }
}

function visitAll(values: readonly unknown[], scope: Scope, report: Report): void {
  for (const value of values) {
    if (isNode(value)) schemaOf(value, scope, report);
    else if (Array.isArray(value)) visitAll(value, scope, report);
  }
}

function valueSchema(schema: StructuralSchema | undefined): StructuralSchema | undefined {
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

function member(schema: StructuralSchema | undefined, name: string, pos: number, report: Report): StructuralSchema | undefined {
  const { properties } = schema ?? {};
  if (properties === undefined) return valueSchema(schema);
  const found = Object.keys(properties).find((property) => celName(property) === name);
  if (found !== undefined) return properties[found];
  if (schema?.["x-kubernetes-embedded-resource"] !== true) report(name, pos);
  return undefined;
}
