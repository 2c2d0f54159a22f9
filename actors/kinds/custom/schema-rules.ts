/**
 * What a schema in a CustomResourceDefinition must obey beside being structural: types, lists, maps, defaults, and the rules in it. Source:
 * apiextensions-apiserver's pkg/apis/apiextensions/validation, ValidateCustomResourceDefinitionOpenAPISchema, and schema/defaulting/validation.go.
 */
import type { Checked } from "../cel/check.ts";
import { maximumCost } from "../cel/static-cost.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import { extentOf } from "./extents.ts";
import { findField } from "./field-paths.ts";
import { type Cardinality, cardinalityBelow, RuleCosts, timesOf } from "./rule-costs.ts";
import { shapeResource } from "./shape-resource.ts";
import { structuralErrors } from "./structural-rules.ts";
import type { StructuralSchema, ValidationRule } from "./structural-schema.ts";
import { brokenRules, checkedRule } from "./validation-rules.ts";
import { validateValue } from "./value-validation.ts";

const TYPES: readonly string[] = ["array", "boolean", "integer", "number", "object", "string"];
const LIST_TYPES: readonly string[] = ["atomic", "set", "map"];
const MAP_TYPES: readonly string[] = ["atomic", "granular"];
const REASONS: readonly string[] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const OWN_MEMBERS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);
/** What OpenAPI has and schemas of custom resources have not. */
const UNSUPPORTED: readonly string[] = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

/** What is wrong with the schema of a version, at `path`. */
export function schemaErrors(schema: StructuralSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.nullable === true) errors.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  const structural = structuralErrors(schema, path);
  errors.push(...structural);
  const defaults = structural.length > 0 ? [] : defaultErrors(schema, path, { root: true });
  errors.push(...defaults, ...partErrors(schema, path, { root: true }));
  if (errors.length > 0) return errors;
  const costs = new RuleCosts();
  const wrong = expressionErrors(schema, path, { costs, cardinality: 1, root: true });
  return [...wrong, ...costs.together(path)];
}

interface Place {
  readonly root?: boolean;
  /** It is about `apiVersion`, `kind` or `metadata`, of the resource or of one that is embedded in it. */
  readonly ownMembers?: boolean;
  /** Why defaults may not be here. */
  readonly noDefaults?: string;
}

function partErrors(schema: StructuralSchema, path: string, place: Place): FieldError[] {
  const errors = [...standardErrors(schema, path, place)];
  const { additionalProperties, properties = {}, items } = schema;
  if (schema.uniqueItems === true) {
    errors.push(forbidden(`${path}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
  }
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true) {
      errors.push(forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
    }
    if (typeof additionalProperties === "object")
      errors.push(...partErrors(additionalProperties, `${path}.additionalProperties`, insideMap(place)));
  }
  for (const [name, property] of Object.entries(properties)) {
    errors.push(...partErrors(property, `${path}.properties[${name}]`, below(place, schema, name)));
  }
  if (schema.not !== undefined) errors.push(...partErrors(schema.not, `${path}.not`, inherited(place)));
  for (const name of ["allOf", "oneOf", "anyOf"] as const) {
    for (const [index, one] of (schema[name] ?? []).entries())
      errors.push(...partErrors(one, `${path}.${name}[${index}]`, inherited(place)));
  }
  if (items !== undefined && !Array.isArray(items)) errors.push(...partErrors(items, `${path}.items`, inherited(place)));
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  }
  errors.push(...mapTypeErrors(schema, path), ...listTypeErrors(schema, path));
  for (const [index, rule] of (schema["x-kubernetes-validations"] ?? []).entries()) {
    const field = `${path}.x-kubernetes-validations[${index}]`;
    errors.push(...ruleErrors(rule, field));
    const { fieldPath = "" } = rule;
    if (fieldPath !== "" && "wrong" in findField(fieldPath, schema, true)) {
      errors.push(invalid(`${field}.fieldPath`, fieldPath, "must be a valid path"));
    }
  }
  return errors;
}

function inherited({ root: _root, ...place }: Place): Place {
  return place;
}

function insideMap(place: Place): Place {
  const { ownMembers = false } = place;
  return ownMembers ? { ownMembers, noDefaults: "inside additionalProperties applying to object metadata" } : inherited(place);
}

function below(place: Place, schema: StructuralSchema, name: string): Place {
  const { root = false } = place;
  if (!OWN_MEMBERS.has(name) || !(root || schema["x-kubernetes-embedded-resource"] === true)) return inherited(place);
  return { ...inherited(place), ownMembers: true, ...(root ? { noDefaults: `in top-level ${name}` } : {}) };
}

function standardErrors(schema: StructuralSchema, path: string, { noDefaults, ownMembers = false }: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "", items } = schema;
  if (type !== "" && !TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  if (schema.default !== undefined && noDefaults !== undefined) errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  const members = schema as Readonly<Record<string, unknown>>;
  for (const name of UNSUPPORTED) if (members[name] !== undefined) errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  if (type === "null") errors.push(forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(items)) errors.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  if (ownMembers && schema["x-kubernetes-embedded-resource"] === true) {
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"));
  }
  return errors;
}

function mapTypeErrors(schema: StructuralSchema, path: string): FieldError[] {
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType === undefined) return [];
  const errors: FieldError[] = [];
  const words = "must be object if x-kubernetes-map-type is specified";
  if (!schema.type) errors.push(required(`${path}.type`, words));
  else if (schema.type !== "object") errors.push(invalid(`${path}.type`, schema.type, words));
  if (!MAP_TYPES.includes(mapType)) errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, MAP_TYPES));
  return errors;
}

function listTypeErrors(schema: StructuralSchema, path: string): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const { items, type } = schema;
  const errors: FieldError[] = [];
  if (listType !== undefined && type !== "array") {
    const words = "must be array if x-kubernetes-list-type is specified";
    errors.push(type ? invalid(`${path}.type`, type, words) : required(`${path}.type`, words));
  } else if (listType === "set" && items !== undefined) errors.push(...setItemErrors(items, path));
  if (listType !== undefined && !LIST_TYPES.includes(listType)) {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, LIST_TYPES));
  }
  if (keys.length > 0 && listType !== "map") {
    const words = "must be map if x-kubernetes-list-map-keys is non-empty";
    const field = `${path}.x-kubernetes-list-type`;
    errors.push(listType === undefined ? required(field, words) : invalid(field, listType, words));
  }
  if (listType === "map") errors.push(...mapListErrors(items, keys, path));
  if ((listType === "set" || listType === "map") && items?.nullable === true) {
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  }
  if (listType === "map" && items !== undefined) errors.push(...mapKeyErrors(items, keys, path));
  return errors;
}

function setItemErrors(items: StructuralSchema, path: string): FieldError[] {
  const words = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const listType = items["x-kubernetes-list-type"];
  if (items.type === "array" && listType !== undefined && listType !== "atomic") {
    return [invalid(`${path}.items.x-kubernetes-list-type`, listType, words)];
  }
  return items.type === "object" && items["x-kubernetes-map-type"] !== "atomic"
    ? [invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, words)]
    : [];
}

function mapListErrors(items: StructuralSchema | undefined, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const field = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.push(required(field, "must not be empty if x-kubernetes-list-type is map"));
  if (items === undefined) return [...errors, required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map")];
  if (items.type !== "object") {
    const words = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(`${path}.items.type`, items.type ?? "", words)];
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(invalid(field, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      const words = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, words));
    }
    if (keys.indexOf(key) < index) errors.push(invalid(field, keys, "must not contain duplicate entries"));
  }
  return errors;
}

function mapKeyErrors(items: StructuralSchema, keys: readonly string[], path: string): FieldError[] {
  return keys.flatMap((key) => {
    const property = items.properties?.[key];
    if (property === undefined) return [];
    const field = `${path}.items.properties[${key}]`;
    const errors: FieldError[] = [];
    if (items.required?.includes(key) !== true && property.default === undefined) {
      const words = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(required(`${field}.default`, words));
    }
    if (property.nullable === true) {
      errors.push(forbidden(`${field}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
    }
    return errors;
  });
}

const LINE_BREAK = /[\n\r]/;

function ruleErrors(
  { rule = "", message = "", messageExpression = "", reason, fieldPath = "" }: ValidationRule,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (rule.trim() === "") errors.push(required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "") errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (LINE_BREAK.test(message.trim())) errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (LINE_BREAK.test(rule.trim()) && message === "") {
    errors.push(required(`${path}.message`, "message must be specified if rule contains line breaks"));
  }
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.push(required(`${path}.messageExpression`, "messageExpression must be non-empty if specified"));
  }
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, REASONS));
  if (fieldPath !== "" && fieldPath.trim() === "") errors.push(invalid(`${path}.fieldPath`, fieldPath, "must be non-empty if specified"));
  if (LINE_BREAK.test(fieldPath)) errors.push(invalid(`${path}.fieldPath`, fieldPath, "must not contain line breaks"));
  return errors;
}

/** A rule as Kubernetes' internal type prints it. */
function internalRule(rule: ValidationRule): object {
  const { message = "", messageExpression = "", reason = null, fieldPath = "", optionalOldSelf = null } = rule;
  return {
    Rule: rule.rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf,
  };
}

/** Where rules stand. */
interface RuleScope {
  readonly costs: RuleCosts;
  /** How often what they are about can occur. */
  readonly cardinality: Cardinality;
  /** From where on nobody can tell what a value was before. */
  readonly uncorrelatable?: string | undefined;
  readonly root?: boolean;
}

function expressionErrors(schema: StructuralSchema, path: string, scope: RuleScope): FieldError[] {
  const errors: FieldError[] = [];
  const { uncorrelatable, root = false } = scope;
  for (const [index, rule] of (schema["x-kubernetes-validations"] ?? []).entries()) {
    const field = `${path}.x-kubernetes-validations[${index}]`;
    const place = { whole: root, optionalOldSelf: rule.optionalOldSelf === true };
    const checked = checkedRule(rule.rule, schema, place);
    if ("problem" in checked) errors.push(invalid(`${field}.rule`, internalRule(rule), `compilation failed: ${checked.problem}`));
    else if (checked.type !== "bool") errors.push(invalid(`${field}.rule`, internalRule(rule), "cel expression must evaluate to a bool"));
    else errors.push(...costErrors(`${field}.rule`, checked, schema, scope, "rule"));
    const message = rule.messageExpression ? checkedRule(rule.messageExpression, schema, place) : undefined;
    if (message === undefined) {
      // It has none.
    } else if ("problem" in message) {
      errors.push(invalid(`${field}.messageExpression`, internalRule(rule), `messageExpression compilation failed: ${message.problem}`));
    } else if (message.type !== "string") {
      errors.push(invalid(`${field}.messageExpression`, internalRule(rule), "messageExpression must evaluate to a string"));
    } else errors.push(...costErrors(`${field}.messageExpression`, message, schema, scope, "messageExpression"));
    const usesOldSelf = /\boldSelf\b/.test(rule.rule);
    if (usesOldSelf && uncorrelatable !== undefined) {
      const words = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
      errors.push(invalid(`${field}.rule`, rule.rule, words));
    } else if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
      errors.push(invalid(`${field}.optionalOldSelf`, rule.optionalOldSelf, "may not be set if oldSelf is not used in rule"));
    }
  }
  const { properties = {}, additionalProperties, items } = schema;
  const inner = { costs: scope.costs, cardinality: cardinalityBelow(scope.cardinality, schema), uncorrelatable };
  const named = schema["x-kubernetes-map-type"] === "atomic" ? { ...inner, uncorrelatable: uncorrelatable ?? path } : inner;
  for (const [name, property] of Object.entries(properties))
    errors.push(...expressionErrors(property, `${path}.properties[${name}]`, named));
  if (typeof additionalProperties === "object")
    errors.push(...expressionErrors(additionalProperties, `${path}.additionalProperties`, inner));
  const keyed = schema["x-kubernetes-list-type"] === "map";
  const listed = keyed ? inner : { ...inner, uncorrelatable: uncorrelatable ?? path };
  if (items !== undefined) errors.push(...expressionErrors(items, `${path}.items`, listed));
  return errors;
}

function costErrors(
  field: string,
  { tree }: Checked,
  schema: StructuralSchema,
  { costs, cardinality, root = false }: RuleScope,
  what: "rule" | "messageExpression",
): FieldError[] {
  const self = extentOf(schema, root);
  if (self === undefined) return [];
  // What a message costs does not count for each time that it could be said.
  const times = what === "rule" ? timesOf(cardinality, self) : 1;
  return costs.observe(field, maximumCost(tree, { self, oldSelf: self }), times, what);
}

/** Defaults must obey the schema that they are in; of the members that all objects have, more is known than it says. */
function defaultErrors(schema: StructuralSchema, path: string, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.default !== undefined) {
    const { unknown } = shapeResource({ properties: { value: schema } }, { value: structuredClone(schema.default) });
    if (unknown.length > 0 && place.ownMembers !== true)
      errors.push(invalid(`${path}.default`, schema.default, "must not have unknown fields"));
    const wrong = validateValue(schema, schema.default, `${path}.default`);
    errors.push(...wrong);
    if (wrong.length === 0)
      errors.push(
        ...brokenRules({ properties: { default: schema } }, { default: schema.default }, undefined).map((error) => ({
          ...error,
          field: `${path}.${error.field}`,
        })),
      );
  }
  if (schema.items !== undefined) errors.push(...defaultErrors(schema.items, `${path}.items`, inherited(place)));
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    errors.push(...defaultErrors(property, `${path}.properties[${name}]`, below(place, schema, name)));
  return errors;
}
