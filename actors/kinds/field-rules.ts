/** Rules that fields of many kinds obey, each in Kubernetes' words. Source: k8s.io/apimachinery/pkg/api/validation and pkg/apis/core/validation. */
import { forbidden, invalid, notSupported, required } from "./field-error.ts";
import { internalForm } from "./internal-form.ts";
import { semanticEqual } from "./machinery/equal.ts";
import { dnsSubdomain, domainPath, type NameRule } from "./names.ts";
import type { FieldError } from "./status.ts";

export function nonNegative(value: number | undefined, field: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : [];
}

/** One of a few words; an empty one is none of them. Nothing at all is right. */
export function oneOf(value: string | undefined, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** The same for a field that must be there. */
export function requiredOneOf(value: string | undefined, supported: readonly string[], field: string): FieldError[] {
  return value ? oneOf(value, supported, field) : [required(field)];
}

/** A name by its rule; absence is for others to judge. */
export function namedBy(rule: NameRule, value: string | undefined, field: string): FieldError[] {
  return value ? rule(value).map((message) => invalid(field, value, message)) : [];
}

export function requiredName(rule: NameRule, value: string | undefined, field: string): FieldError[] {
  return value ? namedBy(rule, value, field) : [required(field)];
}

/** `example.com/thing`; the part that is wrong is shown. Source: validation.IsDomainPrefixedPath. */
export function domainPrefixedPath(value: string | undefined, field: string): FieldError[] {
  if (!value) return [required(field)];
  const slash = value.indexOf("/");
  const [domain, path] = slash < 0 ? [value, ""] : [value.slice(0, slash), value.slice(slash + 1)];
  if (domain === "" || path === "") return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  return [...namedBy(dnsSubdomain, domain, field), ...namedBy(domainPath, path, field)];
}

/** `definition`: of an object that is printed as Kubernetes' internal type. */
export function immutable(next: unknown, current: unknown, field: string, definition?: string): FieldError[] {
  if (semanticEqual(next, current)) return [];
  const shown = definition === undefined || typeof next !== "object" || next === null ? next : internalForm(definition, next);
  return [invalid(field, shown ?? null, "field is immutable")];
}

export function unchanged(next: unknown, current: unknown, field: string, words: string): FieldError[] {
  return semanticEqual(next, current) ? [] : [forbidden(field, words)];
}
