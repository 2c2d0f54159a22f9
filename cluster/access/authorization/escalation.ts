/**
 * Nobody may give away what they do not have: whether some rules hold all that others allow, and in Kubernetes' words what they lack.
 * Source: component-helpers/auth/rbac/validation/policy_comparator.go, pkg/registry/rbac/validation of Kubernetes 1.34.
 */
import { goQuote } from "../../../actors/kinds/field-error.ts";
import type { PolicyRule } from "../../../actors/kinds/generated/types.ts";
import type { Identity } from "../identity.ts";
import { matchesPath } from "./rules.ts";

/** What `wanted` allows beyond `held`, one verb, resource and name a rule. */
export function notCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(brokenDown).filter((one) => !held.some((rule) => covers(rule, one)));
}

/** A rule in its smallest parts, each of which one other rule covers wholly or not at all. */
function brokenDown({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (resourceNames.length === 0) parts.push(part);
        for (const name of resourceNames) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

function covers(rule: PolicyRule, part: PolicyRule): boolean {
  const names = rule.resourceNames ?? [];
  return (
    holds(rule.verbs, part.verbs) &&
    holds(rule.apiGroups, part.apiGroups) &&
    (part.resources ?? []).every((resource) => coversResource(rule.resources ?? [], resource)) &&
    (part.nonResourceURLs ?? []).every((url) => (rule.nonResourceURLs ?? []).some((held) => matchesPath(held, url))) &&
    (names.length === 0 || part.resourceNames?.every((name) => names.includes(name)) === true)
  );
}

function holds(held: readonly string[] | undefined, wanted: readonly string[] = []): boolean {
  return wanted.every((value) => held?.some((one) => one === value || one === "*") === true);
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes("*") || held.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash > 0 && held.includes(`*${resource.slice(slash)}`);
}

/** Rules that differ in nothing but the verb, as one. */
function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const simple = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const rule of rules) {
    if (rule.resourceNames !== undefined || rule.nonResourceURLs !== undefined) {
      others.push(rule);
      continue;
    }
    const key = `${rule.apiGroups?.[0]}\n${rule.resources?.[0]}`;
    const same = simple.get(key);
    simple.set(key, same === undefined ? rule : { ...same, verbs: [...same.verbs, ...rule.verbs] });
  }
  return [...others, ...simple.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
function described(rule: PolicyRule): string {
  const parts: readonly (readonly [name: string, values: readonly string[] | undefined])[] = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ];
  const given = parts.filter(([, values]) => values !== undefined && values.length > 0);
  return `{${given.map(([name, values]) => `${name}:${quoted(values ?? [])}`).join(", ")}}`;
}

function quoted(values: readonly string[]): string {
  return `[${values.map(goQuote).join(" ")}]`;
}

/**
 * Why who has these rules may not give those away; undefined when they may. `unresolved` are the mistakes met in finding what they have.
 */
export function escalation(
  identity: Identity,
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
  unresolved: readonly string[],
): string | undefined {
  const missing = notCovered(held, wanted);
  if (missing.length === 0) return undefined;
  const lines = [...new Set(compacted(missing).map(described))].sort();
  const who = `user ${goQuote(identity.user)} (groups=${quoted(identity.groups)})`;
  const errors = unresolved.length === 0 ? "" : `; resolution errors: [${aggregated(unresolved)}]`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join("\n")}${errors}`;
}

/** Several mistakes as one: Go's aggregate. */
export function aggregated(messages: readonly string[]): string {
  const once = [...new Set(messages)];
  return once.length === 1 ? (once[0] ?? "") : `[${once.join(", ")}]`;
}
