/** Which schemas are structural, in Kubernetes' words. Source: apiextensions-apiserver's pkg/apiserver/schema/validation.go and complete.go. */
import { isDeepStrictEqual } from "node:util";
import { forbidden, invalid, required } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import { goPattern } from "./patterns.ts";
import type { StructuralSchema } from "./structural-schema.ts";

type Level = "root" | "item" | "field";

const INTEGER_OR_STRING: readonly StructuralSchema[] = [{ type: "integer" }, { type: "string" }];

/** What keeps a schema from being structural, in the order of Kubernetes. */
export function structuralErrors(schema: StructuralSchema, path: string): FieldError[] {
  const errors = [...invariantErrors(schema, "root", path), ...completenessErrors(schema, schema, path, path)];
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

function invariantErrors(schema: StructuralSchema, level: Level, path: string): FieldError[] {
  const { type = "", items, properties = {}, additionalProperties } = schema;
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const preserves = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const either = schema["x-kubernetes-int-or-string"] === true;
  const errors: FieldError[] = [];
  if (type === "array" && items === undefined) errors.push(required(`${path}.items`, "must be specified"));
  if (items !== undefined) errors.push(...invariantErrors(items, "item", `${path}.items`));
  for (const [name, property] of Object.entries(properties))
    errors.push(...invariantErrors(property, "field", `${path}.properties[${name}]`));
  if (additionalProperties !== undefined) {
    if (level === "root") errors.push(forbidden(`${path}.additionalProperties`, "must not be used at the root"));
    if (typeof additionalProperties === "object") {
      errors.push(...invariantErrors(additionalProperties, "field", `${path}.additionalProperties`));
    }
    if (embedded) errors.push(forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"));
  }
  const exclusive = "must be false if x-kubernetes-int-or-string is true";
  if (either && preserves) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, exclusive));
  if (either && embedded) errors.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, exclusive));
  errors.push(...valueErrors(schema, path), ...typeErrors(schema, level, path));
  errors.push(...ownMemberErrors(schema, level, path));
  if (embedded && !preserves && Object.keys(properties).length === 0) {
    const words = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(required(`${path}.properties`, words));
  }
  return errors;
}

const NO_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function typeErrors(schema: StructuralSchema, level: Level, path: string): FieldError[] {
  const { type = "" } = schema;
  const errors: FieldError[] = [];
  if (schema["x-kubernetes-embedded-resource"] === true && type !== "object") {
    const words = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(`${path}.type`, words) : invalid(`${path}.type`, type, words));
  } else if (type === "" && schema["x-kubernetes-int-or-string"] !== true && schema["x-kubernetes-preserve-unknown-fields"] !== true) {
    errors.push(required(`${path}.type`, NO_TYPE[level]));
  }
  if (level === "root" && type !== "" && type !== "object") errors.push(invalid(`${path}.type`, type, "must be object at the root"));
  return errors;
}

/** What a schema may say of the members that every object has. */
function ownMemberErrors(schema: StructuralSchema, level: Level, path: string): FieldError[] {
  const { properties = {} } = schema;
  const whole = level === "root" || schema["x-kubernetes-embedded-resource"] === true;
  const errors: FieldError[] = [];
  for (const name of ["kind", "apiVersion"]) {
    const property = properties[name];
    if (whole && property !== undefined && property.type !== "string") {
      errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? "", "must be string"));
    }
  }
  const { metadata } = properties;
  if (metadata === undefined) return errors;
  const field = `${path}.properties[metadata]`;
  if (whole && metadata.type !== "object") errors.push(invalid(`${field}.type`, metadata.type ?? "", "must be object"));
  if (level !== "root") return errors;
  const { type: _type, default: _default, properties: named = {}, ...rest } = metadata;
  const others = Object.keys(named).filter((name) => name !== "name" && name !== "generateName");
  if (others.length > 0 || Object.keys(rest).length > 0) {
    errors.push(forbidden(field, "must not specify anything other than name and generateName, but metadata is implicitly specified"));
  }
  return errors;
}

/** What of a schema only judges values: alternatives, negations, patterns. */
function valueErrors(schema: StructuralSchema, path: string, nested = false): FieldError[] {
  const errors: FieldError[] = [];
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const isEither = !nested && isDeepStrictEqual(anyOf, INTEGER_OR_STRING);
  if (!isEither) for (const [index, one] of anyOf.entries()) errors.push(...nestedErrors(one, `${path}.anyOf[${index}]`));
  for (const [index, one] of allOf.entries()) {
    const first = index === 0 && isDeepStrictEqual(one.anyOf, INTEGER_OR_STRING);
    errors.push(...nestedErrors(first ? withoutAlternatives(one) : one, `${path}.allOf[${index}]`));
  }
  for (const [index, one] of oneOf.entries()) errors.push(...nestedErrors(one, `${path}.oneOf[${index}]`));
  if (not !== undefined) errors.push(...nestedErrors(not, `${path}.not`));
  if (pattern !== undefined && pattern !== "" && goPattern(pattern) === undefined) {
    errors.push(invalid(`${path}.pattern`, pattern, "must be a valid regular expression, but isn't"));
  }
  return errors;
}

function withoutAlternatives({ anyOf: _either, ...rest }: StructuralSchema): StructuralSchema {
  return rest;
}

const EMPTY = "must be empty to be structural";
const UNDEFINED = "must be undefined to be structural";
const FALSE = "must be false to be structural";
const FORBIDDEN_INSIDE: readonly (readonly [keyof StructuralSchema, string])[] = [
  ["type", EMPTY],
  ["additionalProperties", UNDEFINED],
  ["default", UNDEFINED],
  ["title", EMPTY],
  ["description", EMPTY],
  ["nullable", FALSE],
  ["x-kubernetes-preserve-unknown-fields", FALSE],
  ["x-kubernetes-embedded-resource", FALSE],
  ["x-kubernetes-int-or-string", FALSE],
  ["x-kubernetes-list-map-keys", EMPTY],
  ["x-kubernetes-list-type", UNDEFINED],
  ["x-kubernetes-map-type", UNDEFINED],
  ["x-kubernetes-validations", EMPTY],
];

function nestedErrors(schema: StructuralSchema, path: string): FieldError[] {
  const errors = valueErrors(schema, path, true);
  if (schema.items !== undefined) errors.push(...nestedErrors(schema.items, `${path}.items`));
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    errors.push(...nestedErrors(property, `${path}.properties[${name}]`));
  for (const [name, words] of FORBIDDEN_INSIDE) if (schema[name] !== undefined) errors.push(forbidden(`${path}.${name}`, words));
  if (schema.properties?.metadata !== undefined) {
    errors.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
  }
  return errors;
}

/** What is judged inside of alternatives must be there outside of them as well. */
function completenessErrors(
  judging: StructuralSchema,
  schema: StructuralSchema | undefined,
  path: string,
  judgingPath: string,
): FieldError[] {
  if (schema === undefined) return [required(path, `because it is defined in ${judgingPath}`)];
  const errors: FieldError[] = [];
  const { not, allOf = [], anyOf = [], oneOf = [] } = judging;
  if (not !== undefined) errors.push(...insideErrors(not, schema, path, `${judgingPath}.not`));
  for (const [name, list] of Object.entries({ allOf, anyOf, oneOf })) {
    for (const [index, one] of list.entries()) errors.push(...insideErrors(one, schema, path, `${judgingPath}.${name}[${index}]`));
  }
  return errors;
}

function insideErrors(judging: StructuralSchema, schema: StructuralSchema | undefined, path: string, judgingPath: string): FieldError[] {
  if (schema === undefined) return [required(path, `because it is defined in ${judgingPath}`)];
  const errors = completenessErrors(judging, schema, path, judgingPath);
  if (judging.items !== undefined) errors.push(...insideErrors(judging.items, schema.items, `${path}.items`, `${judgingPath}.items`));
  for (const [name, property] of Object.entries(judging.properties ?? {})) {
    const below = `properties[${name}]`;
    errors.push(...insideErrors(property, schema.properties?.[name], `${path}.${below}`, `${judgingPath}.${below}`));
  }
  return errors;
}
