/** The rules for resource requests and limits. Source: ValidateResourceRequirements of pkg/apis/core/validation. */
import { invalid, required } from "../field-error.ts";
import type { ResourceRequirements } from "../generated/types.ts";
import { compareQuantities, parseQuantity } from "../machinery/quantity.ts";
import { qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

const CONTAINER_RESOURCES: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const OTHER_RESOURCES: ReadonlySet<string> = new Set([
  "pods",
  "services",
  "resourcequotas",
  "replicationcontrollers",
  "secrets",
  "storage",
]);
const UNIT_NANO = 1_000_000_000n;

function isNative(name: string): boolean {
  return !name.includes("/") || /(^|\.)kubernetes\.io\//.test(name);
}

/** Native resources may be promised to several; extended ones and huge pages may not. */
export function mayOvercommit(name: string): boolean {
  return isNative(name) && !name.startsWith("hugepages-");
}

export function validateContainerResourceName(name: string, field: string): FieldError[] {
  const errors = qualifiedName(name).map((message) => invalid(field, name, message));
  if (name.includes("/")) return errors;
  const forContainers = CONTAINER_RESOURCES.has(name) || name.startsWith("hugepages-");
  if (!forContainers && !OTHER_RESOURCES.has(name))
    errors.push(invalid(field, name, "must be a standard resource type or fully qualified"));
  if (!forContainers) errors.push(invalid(field, name, "must be a standard resource for containers"));
  return errors;
}

/** What a namespace can be held to, beside counts such as `count/deployments.apps`. Source: helper.standardQuotaResources. */
const QUOTA_RESOURCES: ReadonlySet<string> = new Set([
  ...[...CONTAINER_RESOURCES].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  "pods",
  "resourcequotas",
  "services",
  "services.nodeports",
  "services.loadbalancers",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "requests.storage",
]);

export function isQuotaResource(name: string): boolean {
  return QUOTA_RESOURCES.has(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
}

export function validateQuotaResourceName(name: string, field: string): FieldError[] {
  const errors = qualifiedName(name).map((message) => invalid(field, name, message));
  if (!name.includes("/") && !isQuotaResource(name)) errors.push(invalid(field, name, "must be a standard resource for quota"));
  return errors;
}

/** The resources of a LimitRange: a container's and a pod's are those of containers, others' anything standard. */
export function validateLimitResourceName(type: string, name: string, field: string): FieldError[] {
  if (type === "Pod" || type === "Container") return validateContainerResourceName(name, field);
  const errors = qualifiedName(name).map((message) => invalid(field, name, message));
  if (!name.includes("/") && !CONTAINER_RESOURCES.has(name) && !OTHER_RESOURCES.has(name) && !isQuotaResource(name)) {
    errors.push(invalid(field, name, "must be a standard resource type or fully qualified"));
  }
  return errors;
}

export function validateResourceQuantity(name: string, text: string, field: string): FieldError[] {
  const { nano } = parseQuantity(text);
  if (nano < 0n) return [invalid(field, text, "must be greater than or equal to 0")];
  const counted = !isNative(name) || name === "pods";
  return counted && nano % UNIT_NANO !== 0n ? [invalid(field, text, "must be an integer")] : [];
}

/** Requests and limits of one container. */
export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldError[] {
  if (resources === undefined) return [];
  const errors: FieldError[] = [];
  const { limits = {}, requests = {} } = resources;
  for (const [name, text] of Object.entries(limits)) {
    const path = `${field}.limits[${name}]`;
    errors.push(...validateContainerResourceName(name, path), ...validateResourceQuantity(name, text, path));
  }
  for (const [name, text] of Object.entries(requests)) {
    const path = `${field}.requests[${name}]`;
    errors.push(...validateContainerResourceName(name, path), ...validateResourceQuantity(name, text, path));
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantities(parseQuantity(text), parseQuantity(limit));
      if (order !== 0 && !mayOvercommit(name))
        errors.push(invalid(`${field}.requests`, text, `must be equal to ${name} limit of ${limit}`));
      else if (order > 0) errors.push(invalid(`${field}.requests`, text, `must be less than or equal to ${name} limit of ${limit}`));
    } else if (!mayOvercommit(name)) errors.push(required(`${field}.limits`, "Limit must be set for non overcommitable resources"));
  }
  return errors;
}
