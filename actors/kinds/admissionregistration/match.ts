/** What webhooks and admission policies share: which requests they see. Source: pkg/apis/admissionregistration/v1/defaults.go and validation. */
import { invalid, notSupported, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { MatchResources, NamedRuleWithOperations } from "../generated/types.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import type { FieldError } from "../status.ts";

const OPERATIONS: readonly string[] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: readonly string[] = ["*", "Cluster", "Namespaced"];
export const MATCH_POLICIES: readonly string[] = ["Equivalent", "Exact"];
export const FAILURE_POLICIES: readonly string[] = ["Fail", "Ignore"];

export function defaultRules(rules: readonly NamedRuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= "*";
}

export function defaultMatch(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultRules(match.resourceRules);
  defaultRules(match.excludeResourceRules);
}

/** `*` stands alone. */
function validateWords(words: readonly string[] | undefined, field: string): FieldError[] {
  if (words === undefined || words.length === 0) return [required(field)];
  return words.length > 1 && words.includes("*") ? [invalid(field, words, "if '*' is present, must not specify other values")] : [];
}

export function validateRule(rule: NamedRuleWithOperations, field: string): FieldError[] {
  const { operations = [], apiGroups, apiVersions, resources, scope } = rule;
  const errors = validateWords(operations, `${field}.operations`);
  for (const [index, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation)) errors.push(notSupported(`${field}.operations[${index}]`, operation, OPERATIONS));
  }
  return [
    ...errors,
    ...validateWords(apiGroups, `${field}.apiGroups`),
    ...validateWords(apiVersions, `${field}.apiVersions`),
    ...((resources ?? []).length === 0 ? [required(`${field}.resources`)] : []),
    ...oneOf(scope, SCOPES, `${field}.scope`),
  ];
}

export function validateMatch(match: MatchResources, field: string): FieldError[] {
  return [
    ...oneOf(match.matchPolicy, MATCH_POLICIES, `${field}.matchPolicy`),
    ...validateLabelSelector(match.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(match.objectSelector, `${field}.objectSelector`),
    ...(match.resourceRules ?? []).flatMap((rule, index) => validateRule(rule, `${field}.resourceRules[${index}]`)),
    ...(match.excludeResourceRules ?? []).flatMap((rule, index) => validateRule(rule, `${field}.excludeResourceRules[${index}]`)),
  ];
}
