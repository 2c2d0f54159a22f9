/**
 * Which requests webhooks and admission policies see. Source: apiserver's pkg/admission/plugin/webhook/predicates and generic/webhook.go, and
 * plugin/policy/matching.
 */

import { notFound } from "../../kinds/errors.ts";
import type { MatchResources, NamedRuleWithOperations, Namespace } from "../../kinds/generated/types.ts";
import type { Kind } from "../../kinds/kind.ts";
import { resourceOf } from "../../kinds/kind.ts";
import type { KindTable } from "../../kinds/kinds.ts";
import { matchesLabels, type Selector, selectorOf } from "../../kinds/machinery/label-selector.ts";
import type { Entry } from "../../store/view.ts";
import type { AdmissionRequest, AdmissionWorld } from "./admission.ts";

/** The kinds themselves: what one of them refuses could never be mended. */
const EXEMPT: ReadonlySet<string> = new Set([
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "validatingwebhookconfigurations",
]);

export function isExempt({ kind }: AdmissionRequest): boolean {
  return kind.group === "admissionregistration.k8s.io" && EXEMPT.has(kind.plural);
}

/** The kinds in whose form the objects of a resource can be seen. */
export type KindsOf = (resource: string) => readonly Kind[];

export function kindsOf(table: Pick<KindTable, "all">): KindsOf {
  return (resource) => table.all().filter((kind) => resourceOf(kind) === resource);
}

export const OPERATIONS = { create: "CREATE", update: "UPDATE", delete: "DELETE", connect: "CONNECT" } as const;

/** The namespace of a request as rules see it: that of a Namespace is its own. */
export function placeOf({ resource, namespace, name }: AdmissionRequest): string {
  return resource === "namespaces" ? name : (namespace ?? "");
}

function names(words: readonly string[] | undefined, word: string): boolean {
  return words?.some((one) => one === "*" || one === word) === true;
}

function inScope(scope: string | undefined, request: AdmissionRequest): boolean {
  if (scope === undefined || scope === "*") return true;
  const isCluster = request.resource === "namespaces" || request.namespace === undefined;
  return isCluster === (scope === "Cluster");
}

function matches(rule: NamedRuleWithOperations, kind: Kind, request: AdmissionRequest): boolean {
  const { resourceNames = [] } = rule;
  return (
    inScope(rule.scope, request) &&
    names(rule.operations, OPERATIONS[request.operation]) &&
    names(rule.apiGroups, kind.group) &&
    names(rule.apiVersions, kind.version) &&
    (resourceNames.length === 0 || resourceNames.includes(request.name)) &&
    rule.resources?.some((resource) => namesResource(resource, kind.plural, request.subresource ?? "")) === true
  );
}

function namesResource(resource: string, plural: string, subresource: string): boolean {
  const slash = resource.indexOf("/");
  const [main, part] = slash < 0 ? [resource, ""] : [resource.slice(0, slash), resource.slice(slash + 1)];
  return (main === "*" || main === plural) && (part === "*" || part === subresource);
}

/**
 * The kind in whose form the request matches one of the rules: its own if it can be, else, if the policy is Equivalent, another of the same
 * objects. Undefined when none matches.
 */
export function matchedKind(
  rules: readonly NamedRuleWithOperations[] | undefined,
  matchPolicy: string | undefined,
  request: AdmissionRequest,
  kindsOf: KindsOf,
): Kind | undefined {
  if (rules === undefined || rules.length === 0) return undefined;
  if (rules.some((rule) => matches(rule, request.requested, request))) return request.requested;
  if (matchPolicy === "Exact") return undefined;
  const others = kindsOf(request.resource).filter((kind) => kind !== request.requested);
  for (const rule of rules) {
    const other = others.find((kind) => matches(rule, kind, request));
    if (other !== undefined) return other;
  }
  return undefined;
}

/** The selectors of a webhook or a policy, parsed. */
export interface Selectors {
  readonly namespaces: Selector;
  readonly objects: Selector;
}

export function selectorsOf({
  namespaceSelector,
  objectSelector,
}: Pick<MatchResources, "namespaceSelector" | "objectSelector">): Selectors {
  return { namespaces: selectorOf(namespaceSelector ?? {}), objects: selectorOf(objectSelector ?? {}) };
}

function isEmpty({ requirements, nothing }: Selector): boolean {
  return requirements.length === 0 && !nothing;
}

/** Labels of the object as it is to be, or was. */
export function selectsObject({ objects }: Selectors, { object, current, operation }: AdmissionRequest): boolean {
  if (isEmpty(objects)) return true;
  const next = operation !== "delete" && matchesLabels(objects, object.metadata?.labels);
  return next || (current !== undefined && matchesLabels(objects, current.metadata.labels));
}

/** The namespace that a request is about; NotFound when there is none, undefined for what lies in none. */
export function namespaceOf(request: AdmissionRequest, world: AdmissionWorld): Namespace | undefined | Promise<Namespace | undefined> {
  const { resource, operation, object } = request;
  // A namespace that is being made or changed is what it is to be.
  if (resource === "namespaces" && request.subresource === undefined && operation !== "delete") return object as Namespace;
  const name = placeOf(request);
  if (name === "") return undefined;
  const read = (entry: Entry | undefined): Namespace => {
    if (entry === undefined) throw notFound({ group: "", plural: "namespaces" }, name);
    return world.view.decode<Namespace>(entry);
  };
  const found = world.find(`namespaces/${name}`);
  return found instanceof Promise ? found.then(read) : read(found);
}

/** Whether the request lies where the selector says. What lies in no namespace always does. */
export async function selectsNamespace({ namespaces }: Selectors, request: AdmissionRequest, world: AdmissionWorld): Promise<boolean> {
  if (isEmpty(namespaces) || (placeOf(request) === "" && request.resource !== "namespaces")) return true;
  const namespace = await namespaceOf(request, world);
  return namespace === undefined || matchesLabels(namespaces, namespace.metadata?.labels);
}
