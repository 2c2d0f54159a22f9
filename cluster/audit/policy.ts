import { ConfigurationError, flag, list, mapOf, need, object, oneOf, text } from "../../actors/kinds/configuration/fields.ts";
import type { Identity } from "../access/identity.ts";

/** Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
export const LEVELS = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof LEVELS)[number];
export const STAGES = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof STAGES)[number];

/** Which requests are recorded, and how much of them; plain data that crosses threads. */
export interface AuditPolicy {
  /** The first that matches a request counts; what none matches is not recorded. */
  readonly rules: readonly AuditRule[];
}

export interface AuditRule {
  readonly level: Exclude<Level, "None"> | "None";
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly {
    readonly group: string;
    readonly resources: readonly string[];
    readonly resourceNames: readonly string[];
  }[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  /** With those of the policy. */
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** What a request is, as far as rules look at it. A RequestInfo of the gateway is one as it stands. */
export type Asked =
  | {
      readonly type: "resource";
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly type: "page"; readonly method: string; readonly path: string };

const stages = list(oneOf(...STAGES));
const policy = object({
  apiVersion: oneOf("audit.k8s.io/v1"),
  kind: oneOf("Policy"),
  metadata: mapOf((value) => value),
  omitStages: stages,
  omitManagedFields: flag,
  rules: list(
    object({
      level: oneOf(...LEVELS),
      users: list(text),
      userGroups: list(text),
      verbs: list(text),
      resources: list(object({ group: text, resources: list(text), resourceNames: list(text) })),
      namespaces: list(text),
      nonResourceURLs: list(text),
      omitStages: stages,
      omitManagedFields: flag,
    }),
  ),
});

/** Reads kube-apiserver's audit policy, parsed from its file. Throws ConfigurationError, which names the field. Source: audit/validation. */
export function readAuditPolicy(value: unknown): AuditPolicy {
  const read = policy(value, "");
  need(read.apiVersion, "apiVersion");
  need(read.kind, "kind");
  const rules = need(read.rules, "rules");
  if (rules.length === 0) throw new ConfigurationError("rules", "must have at least one rule; without any nothing is recorded");
  return {
    rules: rules.map((rule, index): AuditRule => {
      const at = `rules[${index}]`;
      const { users = [], userGroups = [], verbs = [], resources = [], namespaces = [], nonResourceURLs = [] } = rule;
      if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0))
        throw new ConfigurationError(`${at}.nonResourceURLs`, "rules cannot apply to both regular resources and non-resource URLs");
      for (const [place, url] of nonResourceURLs.entries()) {
        if (url !== "*" && (!url.startsWith("/") || url.slice(0, -1).includes("*")))
          throw new ConfigurationError(
            `${at}.nonResourceURLs[${place}]`,
            "must be * or begin with a slash, with * as its last character only",
          );
      }
      return {
        level: need(rule.level, `${at}.level`),
        users,
        userGroups,
        verbs,
        resources: resources.map(({ group = "", resources: names = [], resourceNames = [] }, place) => {
          if (names.length === 0 && resourceNames.length > 0)
            throw new ConfigurationError(`${at}.resources[${place}].resourceNames`, "using resourceNames requires at least one resource");
          return { group, resources: names, resourceNames };
        }),
        namespaces,
        nonResourceURLs,
        omitStages: [...(read.omitStages ?? []), ...(rule.omitStages ?? [])],
        omitManagedFields: rule.omitManagedFields ?? read.omitManagedFields ?? false,
      };
    }),
  };
}

/** The rule for a request of somebody; undefined when it is not to be recorded. Source: audit/policy/checker.go. */
export function ruleFor({ rules }: AuditPolicy, who: Pick<Identity, "user" | "groups">, asked: Asked): AuditRule | undefined {
  const rule = rules.find((each) => matches(each, who, asked));
  return rule === undefined || rule.level === "None" ? undefined : rule;
}

function matches(rule: AuditRule, { user, groups }: Pick<Identity, "user" | "groups">, asked: Asked): boolean {
  if (rule.users.length > 0 && !rule.users.includes(user)) return false;
  if (rule.userGroups.length > 0 && !groups.some((group) => rule.userGroups.includes(group))) return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(asked.type === "page" ? asked.method : asked.verb)) return false;
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return asked.type === "resource" && matchesResource(rule, asked);
  if (rule.nonResourceURLs.length > 0) return asked.type === "page" && rule.nonResourceURLs.some((url) => matchesPath(url, asked.path));
  return true;
}

function matchesResource(rule: AuditRule, asked: Asked & { type: "resource" }): boolean {
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(asked.namespace)) return false;
  if (rule.resources.length === 0) return true;
  const { resource, subresource } = asked;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return rule.resources.some(({ group, resources, resourceNames }) => {
    if (group !== asked.group) return false;
    if (resources.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(asked.name)) return false;
    return resources.some((each) => {
      if (each === combined || each === "*") return true;
      if (subresource !== "" && each === `*/${subresource}`) return true;
      return each === `${resource}/*`;
    });
  });
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}
