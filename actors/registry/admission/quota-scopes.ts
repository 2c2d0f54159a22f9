/** Which pods and claims a quota with scopes is about. Source: podMatchesScopeFunc of pkg/quota/v1/evaluator/core. */
import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type { PersistentVolumeClaim, Pod, ResourceQuota, ScopedResourceSelectorRequirement } from "../../kinds/generated/types.ts";
import type { KubeObject } from "../../kinds/object.ts";

/** Whether it is said of the pod for how long it may run. Source: IsTerminating. */
export function isTerminating({ spec }: Pod): boolean {
  return (spec.activeDeadlineSeconds ?? -1) >= 0;
}

function inScope(pod: Pod, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  switch (scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return qosClassOf(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(pod) !== "BestEffort";
    case "PriorityClass":
      return inClass(pod.spec.priorityClassName ?? "", operator, values);
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

function scopesOf({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}

export function hasScopes(quota: ResourceQuota): boolean {
  return scopesOf(quota).length > 0;
}

/** Whether the quota counts this object. Only pods have scopes, and claims one. */
export function quotaMatches(quota: ResourceQuota, resource: string, object: KubeObject): boolean {
  const scopes = scopesOf(quota);
  if (scopes.length === 0) return true;
  if (resource === "pods") return scopes.every((scope) => inScope(object as Pod, scope));
  return resource === "persistentvolumeclaims" && scopes.every((scope) => claimInScope(object as PersistentVolumeClaim, scope));
}

/** Claims are told apart by the attributes of their volumes: those that they want, have, and are to have. Source: evaluator/core/persistent_volume_claims.go. */
function claimInScope(
  { spec, status }: PersistentVolumeClaim,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): boolean {
  if (scopeName !== "VolumeAttributesClass") return false;
  const classes = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  const named = classes.filter((name): name is string => name !== undefined && name !== "");
  return named.length === 0 ? inClass("", operator, values) : named.some((name) => inClass(name, operator, values));
}
