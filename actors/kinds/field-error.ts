import type { FieldError } from "./status.ts";

/** Go's `%q` of a string, near enough: JSON's quoting, without its HTML escapes. */
export function goQuote(text: string): string {
  return JSON.stringify(text);
}

const HTML = /[<>&\u2028\u2029]/g;

/** Go's `json.Marshal` of a value: JSON in the given key order, with `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(HTML, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function withDetail(head: string, detail: string): string {
  return detail === "" ? head : `${head}: ${detail}`;
}

function printBadValue(value: unknown): string {
  if (value === undefined) return "null";
  return typeof value === "string" ? goQuote(value) : typeof value === "object" ? goJson(value) : String(value);
}

/**
 * Kubernetes' field errors. `field` is the path (`spec.containers[0].name`), `value` what was found there, `detail` what is wrong with it.
 * Source: k8s.io/apimachinery/pkg/util/validation/field.
 */
export function required(field: string, detail = ""): FieldError {
  return { reason: "FieldValueRequired", field, message: withDetail("Required value", detail) };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: withDetail(`Invalid value: ${printBadValue(value)}`, detail) };
}

/** Of what is wrong as a whole, so that showing it would say nothing. Source: field.OmitValueType. */
export function invalidAltogether(field: string, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: withDetail("Invalid value", detail) };
}

export function notFoundValue(field: string, value: unknown, detail = ""): FieldError {
  return { reason: "FieldValueNotFound", field, message: withDetail(`Not found: ${printBadValue(value)}`, detail) };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${printBadValue(value)}` };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? "" : `supported values: ${supported.map(goQuote).join(", ")}`;
  return { reason: "FieldValueNotSupported", field, message: withDetail(`Unsupported value: ${printBadValue(value)}`, detail) };
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: withDetail("Forbidden", detail) };
}

export function tooLong(field: string, bytes_max: number): FieldError {
  const unit = bytes_max === 1 ? "byte" : "bytes";
  return { reason: "FieldValueTooLong", field, message: `Too long: may not be more than ${bytes_max} ${unit}` };
}

export function tooMany(field: string, count: number, count_max: number): FieldError {
  const unit = count_max === 1 ? "item" : "items";
  return { reason: "FieldValueTooMany", field, message: `Too many: ${count}: must have at most ${count_max} ${unit}` };
}

export function internalError(field: string, detail: string): FieldError {
  return { reason: "InternalError", field, message: withDetail("Internal error", detail) };
}

/** `[a, b]`, or `a` alone; repetitions are said once. Source: field.ErrorList.ToAggregate. */
export function aggregate(errors: readonly FieldError[]): string {
  const messages = new Set(errors.map((error) => `${error.field}: ${error.message}`));
  const joined = [...messages].join(", ");
  return messages.size === 1 ? joined : `[${joined}]`;
}
