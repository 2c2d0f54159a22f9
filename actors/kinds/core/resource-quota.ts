import { defineKind, statusApart } from "../define-kind.ts";
import { invalid, required } from "../field-error.ts";
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { isQuotaResource, validateQuotaResourceName, validateResourceQuantity } from "./resource-validation.ts";

const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
const PODS: ReadonlySet<string> = new Set(["pods"]);
const POD_RESOURCES: ReadonlySet<string> = new Set([
  "pods",
  ...["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
const CLAIM_RESOURCES: ReadonlySet<string> = new Set(["persistentvolumeclaims", "requests.storage"]);
/** What a quota with a scope may count; of pods without requests there is only their number. Source: helper.IsResourceQuotaScopeValidForResource. */
const COUNTED: Readonly<Record<string, ReadonlySet<string>>> = {
  Terminating: POD_RESOURCES,
  NotTerminating: POD_RESOURCES,
  BestEffort: PODS,
  NotBestEffort: POD_RESOURCES,
  PriorityClass: POD_RESOURCES,
  CrossNamespacePodAffinity: POD_RESOURCES,
  VolumeAttributesClass: CLAIM_RESOURCES,
};
/** Scopes that hold for a pod or do not, so that no values are compared. */
const WITHOUT_VALUES: ReadonlySet<string> = new Set([
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
]);
const EXISTS_WORDS =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

/** `shown` is what is printed of all scopes together. */
function validateScope(scope: string, hard: object, at: string, unsupported: FieldError, shown: unknown): FieldError[] {
  const counted = COUNTED[scope];
  if (counted === undefined) return [unsupported];
  const others = Object.keys(hard).filter((name) => isQuotaResource(name) && !counted.has(name));
  return others.map(() => invalid(at, shown, "unsupported scope applied to resource"));
}

function validateConflicts(scopes: readonly string[], at: string, shown: unknown): FieldError[] {
  const both = CONFLICTS.filter((pair) => pair.every((scope) => scopes.includes(scope)));
  return both.map(() => invalid(at, shown, "conflicting scopes"));
}

function validateScopes({ scopes = [], hard = {} }: ResourceQuotaSpec): FieldError[] {
  const field = "spec.scopes";
  const unsupported = invalid(field, scopes, "unsupported scope");
  return [
    ...scopes.flatMap((scope) => validateScope(scope, hard, field, unsupported, scopes)),
    ...validateConflicts(scopes, field, scopes),
  ];
}

function validateOperator({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (WITHOUT_VALUES.has(scopeName) && operator !== "Exists") errors.push(invalid(`${field}.operator`, operator, EXISTS_WORDS));
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length > 0) return errors;
      return [...errors, required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")];
    case "Exists":
    case "DoesNotExist":
      if (values.length === 0) return errors;
      return [
        ...errors,
        invalid(`${field}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"),
      ];
    default:
      return [...errors, invalid(`${field}.operator`, operator, "not a valid selector operator")];
  }
}

/** Source: validateScopedResourceSelectorRequirement. */
function validateScopeSelector({ scopeSelector, scopes, hard = {} }: ResourceQuotaSpec): FieldError[] {
  if (scopeSelector === undefined) return [];
  const field = "spec.scopeSelector.matchExpressions";
  const shown = internalForm("ScopeSelector", scopeSelector);
  const terms = scopeSelector.matchExpressions ?? [];
  return [
    ...terms.flatMap((term) => [
      ...validateScope(term.scopeName, hard, field, invalid(`${field}.scopeName`, term.scopeName, "unsupported scope"), shown),
      ...validateOperator(term, field),
    ]),
    ...validateConflicts(
      terms.map(({ scopeName }) => scopeName),
      field,
      scopes ?? null,
    ),
  ];
}

function validateAmounts(amounts: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, quantity]) => {
    const path = `${field}[${name}]`;
    return [...validateQuotaResourceName(name, path), ...validateResourceQuantity(name, quantity, path)];
  });
}

/** Source: ValidateResourceQuotaSpec. */
function validate({ spec = {} }: ResourceQuota): FieldError[] {
  return [...validateAmounts(spec.hard, "spec.hard"), ...validateScopes(spec), ...validateScopeSelector(spec)];
}

/** The order of the scopes is of no matter. */
function validateUpdate(next: ResourceQuota, current: ResourceQuota): FieldError[] {
  const setOf = ({ spec }: ResourceQuota): string[] => [...new Set(spec?.scopes)].sort();
  if (semanticEqual(setOf(next), setOf(current))) return [];
  return [invalid("spec.scopes", next.spec?.scopes ?? null, "field is immutable")];
}

/** `cpu: 1/2, pods: 3/10`, in the order of the names. Source: printResourceQuota. */
function usage(quota: ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith("limits.") === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? "0"}/${hard[name] ?? "0"}`)
    .join(", ");
}

export const ResourceQuotaKind: Kind<ResourceQuota> = defineKind<ResourceQuota>({
  group: "",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  namespaced: true,
  subresources: [STATUS],
  returnsDeletedObject: true,
  ...statusApart<ResourceQuota>(() => ({})),
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  validateStatus: ({ status }) => [...validateAmounts(status?.hard, "status.hard"), ...validateAmounts(status?.used, "status.used")],
  columns: [
    NAME_COLUMN,
    column("Request", "How much is requested of what may be"),
    column("Limit", "How much may be used of what may be"),
    AGE_COLUMN,
  ],
  cells: (quota, now_ms) => [quota.metadata.name, usage(quota, false), usage(quota, true), ageOf(quota, now_ms)],
});
