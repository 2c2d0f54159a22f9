/**
 * Checks a value against a schema, in the words and the order of Kubernetes' OpenAPI validator. Source: k8s.io/kube-openapi/pkg/validation
 * and apiextensions-apiserver's pkg/apiserver/validation, with its ratcheting: what an update leaves as it was is not judged again.
 */
import { isDeepStrictEqual } from "node:util";
import { goQuote, invalid, notSupported, required, tooLong, tooMany } from "../field-error.ts";
import type { FieldError } from "../status.ts";
import { hasFormat } from "./formats.ts";
import { goPattern } from "./patterns.ts";
import type { Members, StructuralSchema } from "./structural-schema.ts";
import { fieldPath, isMembers, memberSchema, typesOf } from "./structural-schema.ts";

/** The value that stood at the same place before; absent where there was none, or none that is known to be the same one. */
export interface Before {
  readonly value: unknown;
}

/** What is wrong with the value at `path` (empty at the root of the object). */
export function validateValue(schema: StructuralSchema, value: unknown, path: string, before?: Before): FieldError[] {
  if (before !== undefined && isDeepStrictEqual(before.value, value)) return [];
  const errors: FieldError[] = [...typeErrors(schema, value, path)];
  if (value === null || value === undefined) {
    errors.push(...enumErrors(schema, value, path));
    return errors;
  }
  errors.push(...junctorErrors(schema, value, path));
  if (typeof value === "string") errors.push(...textErrors(schema, value, path));
  if (typeof value === "number") errors.push(...numberErrors(schema, value, path));
  if (Array.isArray(value)) errors.push(...listErrors(schema, value, path, before));
  errors.push(...enumErrors(schema, value, path));
  if (isMembers(value)) errors.push(...memberErrors(schema, value, path, before));
  return errors;
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function wrongType(path: string, expected: string, found: string): FieldError {
  const detail = `${path} in body must be of type ${expected}: ${goQuote(found)}`;
  return { reason: "FieldValueTypeInvalid", field: path, message: `Invalid value: ${goQuote(found)}: ${detail}` };
}

function typeErrors(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const types = typesOf(schema);
  if (types.length === 0) return [];
  const found = typeOf(value);
  if (found === "null") return schema.nullable === true ? [] : [wrongType(path, types.join(","), "null")];
  if (types.includes(found) || (found === "integer" && types.includes("number"))) return [];
  return [wrongType(path, types.join(","), found)];
}

/** An error of a whole, which the validator says without a place. */
function composite(message: string): FieldError {
  return { reason: "FieldValueInvalid", field: "<nil>", message: `Invalid value: "": ${message}` };
}

function junctorErrors(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { anyOf, oneOf, allOf, not } = schema;
  if (anyOf !== undefined && anyOf.length > 0) {
    const tried = anyOf.map((one) => validateValue(one, value, path));
    if (tried.every((one) => one.length > 0)) {
      errors.push(composite(`${goQuote(path)} must validate at least one schema (anyOf)`), ...fewest(tried));
    }
  }
  if (oneOf !== undefined && oneOf.length > 0) {
    const tried = oneOf.map((one) => validateValue(one, value, path));
    const right = tried.filter((one) => one.length === 0).length;
    if (right !== 1) {
      const how = right === 0 ? "Found none valid" : `Found ${right} valid alternatives`;
      errors.push(composite(`${goQuote(path)} must validate one and only one schema (oneOf). ${how}`));
      if (right === 0) errors.push(...fewest(tried));
    }
  }
  if (allOf !== undefined && allOf.length > 0) {
    const tried = allOf.map((one) => validateValue(one, value, path));
    const wrong = tried.filter((one) => one.length > 0);
    errors.push(...wrong.flat());
    if (wrong.length > 0) {
      const how = wrong.length === tried.length ? ". None validated" : "";
      errors.push(composite(`${goQuote(path)} must validate all the schemas (allOf)${how}`));
    }
  }
  if (not !== undefined && validateValue(not, value, path).length === 0) {
    errors.push(composite(`${goQuote(path)} must not validate the schema (not)`));
  }
  return errors;
}

/** Of several refusals the one that says what is nearest to being right. */
function fewest(tried: readonly FieldError[][]): readonly FieldError[] {
  return tried.reduce((best, one) => (one.length < best.length ? one : best));
}

function textErrors(schema: StructuralSchema, value: string, path: string): FieldError[] {
  const { maxLength, minLength, pattern, format } = schema;
  const errors: FieldError[] = [];
  const length = [...value].length;
  if (maxLength !== undefined && length > maxLength) errors.push(tooLong(path, maxLength));
  else if (minLength !== undefined && length < minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  } else if (pattern !== undefined && pattern !== "" && goPattern(pattern)?.test(value) === false) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  if (format !== undefined && !hasFormat(format, value)) errors.push(wrongType(path, format, value));
  return errors;
}

function numberErrors(schema: StructuralSchema, value: number, path: string): FieldError[] {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema;
  const errors: FieldError[] = [];
  const wrong = (what: string): void => {
    errors.push(invalid(path, value, `${path} in body should be ${what}`));
  };
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) wrong(`a multiple of ${multipleOf}`);
  if (maximum !== undefined) {
    if (exclusiveMaximum === true && value >= maximum) wrong(`less than ${maximum}`);
    else if (value > maximum) wrong(`less than or equal to ${maximum}`);
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum === true && value <= minimum) wrong(`greater than ${minimum}`);
    else if (value < minimum) wrong(`greater than or equal to ${minimum}`);
  }
  return errors;
}

function listErrors(schema: StructuralSchema, value: readonly unknown[], path: string, before: Before | undefined): FieldError[] {
  const { items, minItems, maxItems, uniqueItems } = schema;
  const errors: FieldError[] = [];
  if (items !== undefined) {
    const known = itemsBefore(schema, before);
    for (const [index, item] of value.entries()) errors.push(...validateValue(items, item, `${path}[${index}]`, known?.(item)));
  }
  if (minItems !== undefined && value.length < minItems) {
    errors.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
  if (uniqueItems === true && new Set(value.map((item) => JSON.stringify(item))).size < value.length) {
    errors.push(invalid(path, value, `${path} in body shouldn't contain duplicates`));
  }
  return errors;
}

/** Items are known again by their keys only; what stands at the same place of a list without keys is another. */
export function itemsBefore(schema: StructuralSchema, before: Before | undefined): ((item: unknown) => Before | undefined) | undefined {
  if (before === undefined || !Array.isArray(before.value) || schema["x-kubernetes-list-type"] !== "map") return undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const keyOf = (item: unknown): string | undefined => (isMembers(item) ? JSON.stringify(keys.map((key) => item[key] ?? null)) : undefined);
  const known = new Map<string | undefined, Before>();
  for (const item of before.value) known.set(keyOf(item), { value: item });
  return (item) => {
    const key = keyOf(item);
    return key === undefined ? undefined : known.get(key);
  };
}

function enumErrors(schema: StructuralSchema, value: unknown, path: string): FieldError[] {
  const allowed = schema.enum;
  if (allowed === undefined || allowed.length === 0 || (value === null && schema.nullable === true)) return [];
  if (allowed.some((one) => isDeepStrictEqual(one, value))) return [];
  return [
    notSupported(
      path,
      value,
      allowed.map((one) => (typeof one === "string" ? one : JSON.stringify(one))),
    ),
  ];
}

function memberErrors(schema: StructuralSchema, value: Members, path: string, before: Before | undefined): FieldError[] {
  const { minProperties, maxProperties, properties = {}, additionalProperties } = schema;
  const names = Object.keys(value);
  if (minProperties !== undefined && names.length < minProperties) {
    return [invalid(path, names.length, `${path} in body should have at least ${minProperties} properties`)];
  }
  if (maxProperties !== undefined && names.length > maxProperties) return [tooMany(path, names.length, maxProperties)];
  const errors: FieldError[] = [];
  for (const name of names) {
    const member = memberSchema(schema, name);
    if (member !== undefined) errors.push(...validateValue(member, value[name], fieldPath(path, name), memberBefore(before, name)));
    else if (additionalProperties === false && !Object.hasOwn(properties, name)) {
      errors.push(invalid(path, "", `${fieldPath(path, name)} in body is a forbidden property`));
    }
  }
  for (const name of schema.required ?? []) if (value[name] === undefined) errors.push(required(fieldPath(path, name)));
  return errors;
}

export function memberBefore(before: Before | undefined, name: string): Before | undefined {
  return before !== undefined && isMembers(before.value) && Object.hasOwn(before.value, name) ? { value: before.value[name] } : undefined;
}
