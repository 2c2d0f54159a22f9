/** Which pods a quota with scopes is about. Source: podMatchesScopeFunc of pkg/quota/v1/evaluator/core. */
import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from "../../kinds/generated/types.ts";
import type { KubeObject } from "../../kinds/object.ts";

function inScope(pod: Pod, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case "Terminating":
      return (spec.activeDeadlineSeconds ?? -1) >= 0;
    case "NotTerminating":
      return spec.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return qosClassOf(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(pod) !== "BestEffort";
    case "PriorityClass":
      return inClass(spec.priorityClassName ?? "", operator, values);
    case "CrossNamespacePodAffinity":
      return reachesOtherNamespaces(pod);
    default:
      return false;
  }
}

function inClass(name: string, operator: string, values: readonly string[]): boolean {
  if (operator === "Exists") return name !== "";
  if (operator === "DoesNotExist") return name === "";
  if (name === "") return operator === "NotIn";
  return values.includes(name) === (operator === "In");
}

function reachesOtherNamespaces({ spec }: Pod): boolean {
  const kinds = [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity];
  return kinds.some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined),
  );
}

/** Whether the quota counts this object. Only pods have scopes. */
export function quotaMatches(quota: ResourceQuota, resource: string, object: KubeObject): boolean {
  const scopes: ScopedResourceSelectorRequirement[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (scopes.length === 0) return true;
  return resource === "pods" && scopes.every((scope) => inScope(object as Pod, scope));
}
