/** What one rule of a role allows. Source: rbac/v1 evaluation_helpers.go of Kubernetes 1.34. */
import type { PolicyRule } from "../../../actors/kinds/generated/types.ts";
import type { Attributes, PageAttributes, ResourceAttributes } from "./attributes.ts";

const ALL = "*";

/** Whether the rule is of the verb and group, whatever the resource. */
export function allowsAction(rule: PolicyRule, { verb, group }: ResourceAttributes): boolean {
  return hasOrAll(rule.verbs, verb) && hasOrAll(rule.apiGroups, group);
}

/** Whether the rule allows a page to be asked for. */
export function allowsPage(rule: PolicyRule, { method, path }: PageAttributes): boolean {
  return hasOrAll(rule.verbs, method) && (rule.nonResourceURLs ?? []).some((url) => matchesPath(url, path));
}

/** Whether the rule allows it. */
export function allows(rule: PolicyRule, attributes: Attributes): boolean {
  if (attributes.type === "page") return allowsPage(rule, attributes);
  const { resource, subresource, name } = attributes;
  return allowsAction(rule, attributes) && matchesResource(rule.resources, resource, subresource) && isFree(rule.resourceNames, name);
}

/** Whether any of the rules allows it. */
export function anyAllows(rules: readonly PolicyRule[], attributes: Attributes): boolean {
  return rules.some((rule) => allows(rule, attributes));
}

function isFree(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.length === 0 || names.includes(name);
}

function hasOrAll(values: readonly string[] | undefined, wanted: string): boolean {
  return values !== undefined && (values.includes(wanted) || values.includes(ALL));
}

/** `*` is every resource and subresource, `*\/scale` that subresource of every resource; `pods/*` is nothing special. */
function matchesResource(patterns: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (patterns === undefined) return false;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  for (const pattern of patterns) {
    if (pattern === ALL || pattern === combined) return true;
    if (subresource !== "" && pattern.length === subresource.length + 2 && pattern.startsWith("*/") && pattern.endsWith(subresource))
      return true;
  }
  return false;
}

/** `/logs/*` is every path that begins so; `*` every path. */
export function matchesPath(pattern: string, path: string): boolean {
  if (pattern === ALL || pattern === path) return true;
  return pattern.endsWith(ALL) && path.startsWith(pattern.replace(/\*+$/, ""));
}
