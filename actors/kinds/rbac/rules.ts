/** What roles of both scopes share. Source: pkg/apis/rbac/validation. */
import { invalid, required } from "../field-error.ts";
import type { PolicyRule } from "../generated/types.ts";
import type { FieldError } from "../status.ts";

export function validateRule(rule: PolicyRule, namespaced: boolean, field: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const errors: FieldError[] = [];
  if (verbs.length === 0) errors.push(required(`${field}.verbs`, "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const path = `${field}.nonResourceURLs`;
    if (namespaced) errors.push(invalid(path, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.push(invalid(path, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
    }
    return errors;
  }
  if (apiGroups.length === 0) errors.push(required(`${field}.apiGroups`, "resource rules must supply at least one api group"));
  if (resources.length === 0) errors.push(required(`${field}.resources`, "resource rules must supply at least one resource"));
  return errors;
}
