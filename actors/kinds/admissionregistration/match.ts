/** What webhooks and admission policies share: which requests they see. Source: pkg/apis/admissionregistration/v1/defaults.go and validation. */
import { duplicate, invalid, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type { MatchResources, NamedRuleWithOperations } from "../generated/types.ts";
import { validateLabelSelector } from "../machinery/label-selector.ts";
import { pathSegment } from "../names.ts";
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

/** `*` stands alone among `what`. */
function validateWords(words: readonly string[] | undefined, what: string, field: string): FieldError[] {
  if (words === undefined || words.length === 0) return [required(field)];
  return words.length > 1 && words.includes("*") ? [invalid(field, words, `if '*' is present, must not specify other ${what}`)] : [];
}

/** What is said of a resource is not said again of its parts. Source: validateResources. */
function validateResources(resources: readonly string[], field: string): FieldError[] {
  const errors = resources.length === 0 ? [required(field)] : [];
  const [wholes, parts] = [new Set<string>(), new Set<string>()];
  let hasPlain = false;
  for (const [index, text] of resources.entries()) {
    const path = `${field}[${index}]`;
    if (text === "") {
      errors.push(required(path));
      continue;
    }
    const slash = text.indexOf("/");
    if (slash < 0) {
      hasPlain = text !== "*";
      continue;
    }
    const [resource, part] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholes.has(resource)) errors.push(invalid(path, text, `if '${resource}/*' is present, must not specify ${text}`));
    if (parts.has(part)) errors.push(invalid(path, text, `if '*/${part}' is present, must not specify ${text}`));
    if (part === "*") wholes.add(resource);
    if (resource === "*") parts.add(part);
  }
  if (resources.length > 1 && resources.includes("*/*")) {
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (hasPlain && resources.includes("*")) {
    errors.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}

/** Source: validateRuleWithOperations. */
export function validateRule(rule: NamedRuleWithOperations, field: string): FieldError[] {
  const { operations = [], apiGroups, apiVersions = [], resources = [], scope } = rule;
  return [
    ...validateWords(operations, "operations", `${field}.operations`),
    ...operations.flatMap((operation, index) => oneOf(operation, OPERATIONS, `${field}.operations[${index}]`)),
    ...validateWords(apiGroups, "API groups", `${field}.apiGroups`),
    ...validateWords(apiVersions, "API versions", `${field}.apiVersions`),
    ...apiVersions.flatMap((version, index) => (version === "" ? [required(`${field}.apiVersions[${index}]`)] : [])),
    ...validateResources(resources, `${field}.resources`),
    ...oneOf(scope, SCOPES, `${field}.scope`),
  ];
}

function validateNamedRule(rule: NamedRuleWithOperations, field: string): FieldError[] {
  const { resourceNames = [] } = rule;
  const errors = resourceNames.flatMap((name, index) => {
    const path = `${field}.resourceNames[${index}]`;
    const wrong = pathSegment(name).map((words) => invalid(path, name, words));
    return resourceNames.indexOf(name) < index ? [...wrong, duplicate(path, name)] : wrong;
  });
  return [...errors, ...validateRule(rule, field)];
}

export function validateMatch(match: MatchResources, field: string): FieldError[] {
  return [
    ...oneOf(match.matchPolicy, MATCH_POLICIES, `${field}.matchPolicy`),
    ...validateLabelSelector(match.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(match.objectSelector, `${field}.objectSelector`),
    ...(match.resourceRules ?? []).flatMap((rule, index) => validateNamedRule(rule, `${field}.resourceRules[${index}]`)),
    ...(match.excludeResourceRules ?? []).flatMap((rule, index) => validateNamedRule(rule, `${field}.excludeResourceRules[${index}]`)),
  ];
}
