import type { Choices } from "./choices.ts";
import { expression } from "./expressions.ts";
import { hostileString, hostileValue } from "./hostile.ts";

type Schema = Record<string, unknown>;

const DEPTH_MAX = 4;

const RULES: readonly string[] = [
  "self == self",
  "has(self.a)",
  "size(self) > 0",
  "self.a == self.b",
  "oldSelf == self",
  "self.all(x, x == x)",
  "true",
  "1",
  "self.no.such",
  "(",
  "'a'.matches('(a+)+$')",
  "[1,2,3].map(x, [1,2,3].map(y, [1,2,3].map(z, x * y * z))).size() > 0",
];

const PATTERNS: readonly string[] = [
  "^a*$",
  "(a|aa)+$",
  "(?=a)",
  "(a)\\1",
  "^(([a-z])+.)+[A-Z]([a-z])+$",
  "(?:a?){50}a{50}",
  "x",
  "(a+)+$",
  "[",
  "\\d{3}",
  "(?i)a",
  "\\pL",
  "(?<x>a)",
  "a{99999}",
  "(?:",
];
const FORMATS: readonly string[] = ["date-time", "byte", "uuid", "ipv4", "int32", "int64", "no-such", "duration", "password"];

/** A schema of a custom resource: right most often. */
export function structuralSchema(choices: Choices, depth: number = DEPTH_MAX): Schema {
  const schema: Schema = plainSchema(choices, depth);
  if (choices.once(4)) schema.nullable = true;
  if (choices.once(6)) schema.default = choices.below(2) === 0 ? instanceOf(schema, choices, 2) : hostileValue(choices);
  if (choices.once(8)) schema["x-kubernetes-validations"] = Array.from({ length: 1 + choices.below(2) }, () => ruleOf(choices));
  if (choices.once(12)) schema.enum = [instanceOf(schema, choices, 1), null];
  if (choices.once(16)) schema.anyOf = [{ minimum: 1 }, { required: ["a"] }, { enum: ["x"] }];
  if (choices.once(30)) schema[hostileString(choices).slice(0, 40)] = hostileValue(choices);
  return schema;
}

function ruleOf(choices: Choices): Record<string, unknown> {
  const rule = choices.below(2) === 0 ? choices.of(RULES) : expression(["self", "self.a", "oldSelf"], choices);
  return {
    rule,
    ...(choices.once(3) ? { message: choices.of(["no", "", "a\nb", hostileString(choices)]) } : {}),
    ...(choices.once(4) ? { messageExpression: choices.of(["'no'", "1", expression(["self"], choices)]) } : {}),
    ...(choices.once(6) ? { fieldPath: choices.of([".a", ".no.such", "[0]", "['a']", ".", hostileString(choices)]) } : {}),
    ...(choices.once(6) ? { reason: choices.of(["FieldValueInvalid", "FieldValueDuplicate", "x"]) } : {}),
    ...(choices.once(6) ? { optionalOldSelf: choices.of([true, false]) } : {}),
  };
}

function plainSchema(choices: Choices, depth: number): Schema {
  switch (depth <= 0 ? 1 + choices.below(4) : choices.below(8)) {
    case 1:
      return {
        type: "string",
        ...(choices.once(4) ? { pattern: choices.of(PATTERNS) } : {}),
        ...(choices.once(4) ? { format: choices.of(FORMATS) } : {}),
        ...(choices.once(4) ? { maxLength: choices.of([3, 0, -1]) } : {}),
      };
    case 2:
      return { type: "integer", ...(choices.once(3) ? { minimum: 0, maximum: 10, multipleOf: choices.of([2, 0, 0.1]) } : {}) };
    case 3:
      return choices.below(2) === 0 ? { type: "number" } : { type: "boolean" };
    case 4:
      return { "x-kubernetes-int-or-string": true };
    case 5:
      return {
        type: "array",
        items: structuralSchema(choices, depth - 1),
        ...(choices.once(3) ? { "x-kubernetes-list-type": choices.of(["atomic", "set", "map", "x"]) } : {}),
        ...(choices.once(5) ? { "x-kubernetes-list-map-keys": ["a"] } : {}),
        ...(choices.once(4) ? { uniqueItems: false, maxItems: 3 } : {}),
      };
    case 6:
      return { type: "object", additionalProperties: choices.below(3) === 0 ? true : structuralSchema(choices, depth - 1) };
    case 7:
      return {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        ...(choices.once(4) ? { "x-kubernetes-embedded-resource": true } : {}),
      };
    default: {
      const properties: Record<string, Schema> = {};
      for (let count = 1 + choices.below(3); count > 0; count--) {
        const name = choices.once(12) ? hostileString(choices).slice(0, 60) : choices.of(["a", "b", "c", "d-e", "in", "__x__"]);
        Object.defineProperty(properties, name, { value: structuralSchema(choices, depth - 1), enumerable: true, configurable: true });
      }
      return { type: "object", properties, ...(choices.once(4) ? { required: ["a"] } : {}) };
    }
  }
}

/** A value of a schema: right most often. */
export function instanceOf(schema: Schema, choices: Choices, depth: number = DEPTH_MAX): unknown {
  if (depth <= 0) return null;
  if (choices.once(14)) return hostileValue(choices);
  if (schema["x-kubernetes-int-or-string"] === true) return choices.of([1, "10%"]);
  switch (schema.type) {
    case "string":
      return choices.of(["a", "x", "2026-01-01T00:00:00Z", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"]);
    case "integer":
      return choices.of([2, 0, -1, 11]);
    case "number":
      return choices.of([1, 0.5]);
    case "boolean":
      return choices.of([true, false]);
    case "array":
      return Array.from({ length: choices.below(3) }, () => instanceOf(schema.items as Schema, choices, depth - 1));
    default: {
      const made: Record<string, unknown> = {};
      for (const [name, one] of Object.entries((schema.properties as Record<string, Schema> | undefined) ?? {})) {
        if (choices.once(3)) continue;
        Object.defineProperty(made, name, {
          value: instanceOf(one, choices, depth - 1),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      if (choices.once(3)) made[choices.of(["a", "z"])] = choices.of([1, "x", null, {}]);
      return made;
    }
  }
}

export interface CustomGroup {
  readonly plural: string;
  readonly group: string;
  readonly kind: string;
  readonly definition: Record<string, unknown>;
}

const SCALE = { scale: { specReplicasPath: ".spec.a", statusReplicasPath: ".status.b", labelSelectorPath: ".spec.c" } };

/** A definition of one version with this schema. */
export function definitionOf(serial: number, schema: Schema, choices: Choices): CustomGroup {
  const group = `g${serial}.example.com`;
  const plural = "things";
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: {
      openAPIV3Schema: { type: "object", properties: { spec: schema, ...(choices.below(2) === 0 ? {} : { status: { type: "object" } }) } },
    },
    ...(choices.once(3) ? { subresources: choices.of<unknown>([{ status: {} }, SCALE, { status: {}, ...SCALE }]) } : {}),
    ...(choices.once(6) ? { selectableFields: [{ jsonPath: choices.of([".spec.a", ".spec", ".metadata.name", ".spec[0]", "x"]) }] } : {}),
    ...(choices.once(4)
      ? {
          additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: choices.of([".spec.a", ".spec", ".spec[", ".metadata.name"]) }],
        }
      : {}),
  };
  return {
    group,
    plural,
    kind: "Thing",
    definition: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: { group, scope: "Namespaced", names: { plural, kind: "Thing" }, versions: [version] },
    },
  };
}
