/** The rules for resource requests and limits. Source: ValidateResourceRequirements of pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notFoundValue, required } from "../field-error.ts";
import type { ResourceClaim, ResourceRequirements } from "../generated/types.ts";
import type { Quantity } from "../machinery/quantity.ts";
import { compareQuantities, isWhole, parseQuantity, QuantityError } from "../machinery/quantity.ts";
import { dnsLabel, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

const CONTAINER_RESOURCES: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** Which are counted, not measured. Source: helper.integerResources. */
const COUNTED_RESOURCES: ReadonlySet<string> = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
/** What a namespace can be held to, beside counts such as `count/deployments.apps`. Source: helper.standardQuotaResources. */
const QUOTA_RESOURCES: ReadonlySet<string> = new Set([
  ...[...CONTAINER_RESOURCES].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  ...COUNTED_RESOURCES,
  "requests.storage",
]);
const HUGE_PAGES = "hugepages-";

function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

/** Native resources may be promised to several; extended ones and huge pages may not. */
export function mayOvercommit(name: string): boolean {
  return isNative(name) && !name.startsWith("hugepages-");
}

/** A resource that somebody else than Kubernetes knows, by the name of a domain. Source: helper.IsExtendedResourceName. */
function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
}

/** Source: validateResourceName. */
export function validateResourceName(name: string, field: string): FieldError[] {
  const errors = qualifiedName(name).map((message) => invalid(field, name, message));
  const known = name.includes("/") || name === "storage" || isQuotaResource(name);
  return errors.length > 0 || known ? errors : [invalid(field, name, "must be a standard resource type or fully qualified")];
}

export function validateContainerResourceName(name: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field);
  if (name.includes("/")) {
    if (isNative(name) || isExtended(name)) return errors;
    return [...errors, invalid(field, name, "doesn't follow extended resource name standard")];
  }
  const forContainers = CONTAINER_RESOURCES.has(name) || name.startsWith(HUGE_PAGES);
  return forContainers ? errors : [...errors, invalid(field, name, "must be a standard resource for containers")];
}

export function isQuotaResource(name: string): boolean {
  return QUOTA_RESOURCES.has(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
}

export function validateQuotaResourceName(name: string, field: string): FieldError[] {
  const errors = validateResourceName(name, field);
  return name.includes("/") || isQuotaResource(name) ? errors : [...errors, invalid(field, name, "must be a standard resource for quota")];
}

export function validateResourceQuantity(name: string, text: string, field: string): FieldError[] {
  const { nano } = parseQuantity(text);
  const errors = nano < 0n ? [invalid(field, text, "must be greater than or equal to 0")] : [];
  const counted = COUNTED_RESOURCES.has(name) || isExtended(name);
  return counted && !isWhole(text) ? [...errors, invalid(field, text, "must be an integer")] : errors;
}

type ResourceNameRule = (name: string, field: string) => FieldError[];

/** Claims on devices are among the pod's. Source: validateResourceClaimNames. */
function validateClaims(claims: readonly ResourceClaim[] | undefined, known: ReadonlySet<string>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, { name, request = "" }] of (claims ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (!name) {
      errors.push(required(path));
      continue;
    }
    const key = request === "" ? name : `${name}/${request}`;
    if (names.has(name)) errors.push(duplicate(path, name));
    else {
      if (request !== "") errors.push(...dnsLabel(request).map((message) => invalid(`${path}.request`, request, message)));
      if (names.has(key)) errors.push(duplicate(path, key));
      else if (request === "" && [...names].some((other) => other.startsWith(`${name}/`))) errors.push(duplicate(path, name));
      names.add(key);
    }
    if (known.has(name)) continue;
    const among = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
    errors.push(notFoundValue(path, name, `must be one of the names in pod.spec.resourceClaims${among}`));
  }
  return errors;
}

/** Of a name that says none, undefined. */
function pageSizeOf(name: string): Quantity | undefined {
  try {
    return parseQuantity(name.slice(HUGE_PAGES.length));
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** Huge pages come whole. Source: validateResourceQuantityHugePageValue. */
function validateHugePages(name: string, text: string, field: string): FieldError[] {
  if (!name.startsWith(HUGE_PAGES)) return [];
  const size = pageSizeOf(name);
  if (size !== undefined && size.nano > 0n && parseQuantity(text).nano % size.nano === 0n) return [];
  return [invalid(field, text, `${text} is not positive integer multiple of ${name}`)];
}

/** Requests and limits of one container, or of a pod as a whole. Source: validateResourceRequirements. */
export function validateResources(
  resources: ResourceRequirements | undefined,
  claims: ReadonlySet<string>,
  field: string,
  rule: ResourceNameRule = validateContainerResourceName,
): FieldError[] {
  if (resources === undefined) return [];
  const errors: FieldError[] = [];
  const { limits = {}, requests = {} } = resources;
  for (const [name, text] of Object.entries(limits)) {
    const path = `${field}.limits[${name}]`;
    errors.push(...rule(name, path), ...validateResourceQuantity(name, text, path), ...validateHugePages(name, text, path));
  }
  for (const [name, text] of Object.entries(requests)) {
    const path = `${field}.requests[${name}]`;
    errors.push(...rule(name, path), ...validateResourceQuantity(name, text, path));
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantities(parseQuantity(text), parseQuantity(limit));
      if (order !== 0 && !mayOvercommit(name))
        errors.push(invalid(`${field}.requests`, text, `must be equal to ${name} limit of ${limit}`));
      else if (order > 0) errors.push(invalid(`${field}.requests`, text, `must be less than or equal to ${name} limit of ${limit}`));
    } else if (!mayOvercommit(name)) errors.push(required(`${field}.limits`, "Limit must be set for non overcommitable resources"));
    errors.push(...validateHugePages(name, text, path));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some((name) => name.startsWith(HUGE_PAGES)) && !names.includes("cpu") && !names.includes("memory")) {
    errors.push(forbidden(field, "HugePages require cpu or memory"));
  }
  return [...errors, ...validateClaims(resources.claims, claims, `${field}.claims`)];
}
