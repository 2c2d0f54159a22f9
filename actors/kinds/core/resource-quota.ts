import { defineKind, statusApart } from "../define-kind.ts";
import { invalid } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { ResourceQuota, ResourceQuotaSpec } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { isQuotaResource, validateQuotaResourceName, validateResourceQuantity } from "./resource-validation.ts";

const SCOPES: ReadonlySet<string> = new Set([
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "PriorityClass",
  "CrossNamespacePodAffinity",
  "VolumeAttributesClass",
]);
const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
/** What a quota of pods may count; of those without requests there is only their number. */
const POD_RESOURCES: ReadonlySet<string> = new Set(
  ["pods", "cpu", "memory", "ephemeral-storage"].flatMap((name) =>
    name === "pods" ? [name] : [name, `requests.${name}`, `limits.${name}`],
  ),
);

function validateScopes({ scopes = [], hard = {} }: ResourceQuotaSpec): FieldError[] {
  const field = "spec.scopes";
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!SCOPES.has(scope)) errors.push(invalid(field, scopes, "unsupported scope"));
    for (const name of Object.keys(hard)) {
      const counted = scope === "BestEffort" ? name === "pods" : POD_RESOURCES.has(name);
      if (isQuotaResource(name) && !counted) errors.push(invalid(field, scopes, "unsupported scope applied to resource"));
    }
  }
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => scopes.includes(scope))) errors.push(invalid(field, scopes, "conflicting scopes"));
  }
  return errors;
}

/** Source: ValidateResourceQuotaSpec. */
function validate({ metadata, spec }: ResourceQuota): FieldError[] {
  const errors = validateObjectMeta(metadata, true, dnsSubdomain);
  for (const [name, quantity] of Object.entries(spec?.hard ?? {})) {
    const path = `spec.hard[${name}]`;
    errors.push(...validateQuotaResourceName(name, path), ...validateResourceQuantity(name, quantity, path));
  }
  return [...errors, ...validateScopes(spec ?? {})];
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
  validate,
  validateUpdate: (next, current) => immutable(next.spec?.scopes, current.spec?.scopes, "spec.scopes"),
  columns: [
    NAME_COLUMN,
    column("Request", "How much is requested of what may be"),
    column("Limit", "How much may be used of what may be"),
    AGE_COLUMN,
  ],
  cells: (quota, now_ms) => [quota.metadata.name, usage(quota, false), usage(quota, true), ageOf(quota, now_ms)],
});
