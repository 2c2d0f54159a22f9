/** What a pod asks for as a whole, beside what its containers ask for. Source: validatePodResources of pkg/apis/core/validation. */
import { forbidden, invalid, notSupported } from "../field-error.ts";
import type { PodSpec, ResourceClaim } from "../generated/types.ts";
import { compareQuantities, formatQuantity, parseQuantity } from "../machinery/quantity.ts";
import { qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { containerResources } from "./pod-resources.ts";
import { validateContainerResourceName, validateResources } from "./resource-validation.ts";

const HUGE_PAGES = "hugepages-";
const SUPPORTED: readonly string[] = ["cpu", HUGE_PAGES, "memory"];

/** Whether it can be asked for by a pod as a whole. Source: component-helpers' IsSupportedPodLevelResource. */
export function isOfPods(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith(HUGE_PAGES);
}

/** Whether anything is asked for by the pod as a whole. Source: IsPodLevelResourcesSet. */
export function hasPodLevel({ resources = {} }: PodSpec): boolean {
  return Object.keys({ ...resources.requests, ...resources.limits }).some(isOfPods);
}

/** Of a pod that limits itself what it requests, if it does not say: what its containers do, else its limit. Source: defaultHugePagePodLimits and defaultPodRequests. */
export function defaultPodLevel(spec: PodSpec): void {
  const { resources } = spec;
  if (resources === undefined || !hasPodLevel(spec)) return;
  const limits = { ...resources.limits };
  for (const [name, amount] of Object.entries(containerResources(spec, "limits")))
    if (name.startsWith(HUGE_PAGES) && resources.requests?.[name] === undefined) limits[name] ??= formatQuantity(amount);
  if (Object.keys(limits).length === 0) return;
  resources.limits = limits;
  const requests = { ...resources.requests };
  for (const [name, amount] of Object.entries(containerResources(spec, "requests")))
    if (name === "cpu" || name === "memory") requests[name] ??= formatQuantity(amount);
  for (const [name, limit] of Object.entries(limits)) if (isOfPods(name)) requests[name] ??= limit;
  resources.requests = requests;
}

function validateName(name: string, field: string): FieldError[] {
  if (qualifiedName(name).length > 0) return validateContainerResourceName(name, field);
  return isOfPods(name) ? [] : [notSupported(field, name, SUPPORTED)];
}

/** A pod asks for no less than its containers do, and none of them may have more than the pod. */
function validateConsistency(spec: PodSpec, field: string): FieldError[] {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(containerResources(spec, "requests"))) {
    const own = requests[name];
    if (own === undefined || compareQuantities(amount, parseQuantity(own)) <= 0) continue;
    const words = `must be greater than or equal to aggregate container requests of ${formatQuantity(amount)}`;
    errors.push(invalid(`${field}.requests[${name}]`, own, words));
  }
  for (const [name, amount] of Object.entries(containerResources(spec, "limits"))) {
    const own = limits[name];
    if (!name.startsWith(HUGE_PAGES) || own === undefined || compareQuantities(amount, parseQuantity(own)) <= 0) continue;
    const words = `must be greater than or equal to aggregate container limits of ${formatQuantity(amount)}`;
    errors.push(invalid(`${field}.limits[${name}]`, own, words));
  }
  for (const [index, { resources }] of (spec.containers ?? []).entries()) {
    for (const [name, text] of Object.entries(resources?.limits ?? {})) {
      const own = limits[name];
      if (own === undefined || compareQuantities(parseQuantity(text), parseQuantity(own)) <= 0) continue;
      errors.push(invalid(`${field}.containers[${index}][${name}].limits`, text, `must be less than or equal to pod limits of ${own}`));
    }
  }
  return errors;
}

export function validatePodResources(spec: PodSpec, claims: ReadonlySet<string>, field: string): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  if (spec.os?.name === "windows") return [forbidden(field, "may not be set for a windows pod")];
  const said: readonly ResourceClaim[] | undefined = resources.claims;
  return [
    ...(said === undefined ? [] : [forbidden(`${field}.claims`, "claims may not be set for Resources at pod-level")]),
    ...validateResources(resources, claims, field, validateName),
    ...validateConsistency(spec, field),
  ];
}
