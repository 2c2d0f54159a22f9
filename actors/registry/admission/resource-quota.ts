import { forbidden } from "../../kinds/errors.ts";
import type { Pod, ResourceQuota } from "../../kinds/generated/types.ts";
import type { Quantity } from "../../kinds/machinery/quantity.ts";
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, subtractQuantities } from "../../kinds/machinery/quantity.ts";
import type { Mutation } from "../../store/transaction.ts";
import { replacing } from "../replacing.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";
import { isTerminating, quotaMatches } from "./quota-scopes.ts";
import type { Usage } from "./quota-usage.ts";
import { countedResource, isQuotable, unsaid, usageOf } from "./quota-usage.ts";

const QUOTAS = "resourcequotas";
/** Resources whose updates may need more than they had. */
const GROWING: ReadonlySet<string> = new Set(["persistentvolumeclaims", "services"]);

/** What this request adds to what a quota counts, which may not have counted the object as it was; empty when nothing grows. */
function addedTo(quota: ResourceQuota, { operation, resource, object, current }: AdmissionRequest): Usage {
  const usage = usageOf(resource, object);
  if (operation === "create" || current === undefined || !quotaMatches(quota, resource, current)) return usage;
  const before = usageOf(resource, current);
  const added: Record<string, Quantity> = {};
  for (const [name, amount] of Object.entries(usage)) {
    const more = before[name] === undefined ? amount : subtractQuantities(amount, before[name]);
    if (more.nano > 0n) added[name] = more;
  }
  return added;
}

/** `cpu=1,pods=2`, in the order of the names. */
function printed(amounts: Readonly<Record<string, string>>, names: readonly string[]): string {
  return names.map((name) => `${name}=${amounts[name] ?? "0"}`).join(",");
}

/**
 * The quota with the addition charged to it; undefined when it does not count any of it. Throws the refusal. What its controller has
 * not taken up yet from its spec does not hold yet.
 */
function charged(quota: ResourceQuota, added: Usage, request: AdmissionRequest): ResourceQuota | undefined {
  const refuse = (why: string): never => {
    throw forbidden(request.kind, refusedName(request), why);
  };
  const { name } = quota.metadata;
  const { hard = {}, used = {} } = quota.status ?? {};
  if (request.resource === "pods" && request.operation === "create") {
    const missing = unsaid(request.object as Pod, Object.keys(hard));
    if (missing !== undefined) refuse(`failed quota: ${name}: must specify ${missing}`);
  }
  const restricted = Object.keys(hard).filter((resource) => countedResource(resource) === request.resource);
  if (restricted.some((resource) => used[resource] === undefined)) {
    refuse(`status unknown for quota: ${name}, resources: ${restricted.sort().join(",")}`);
  }
  const counted = restricted.filter((resource) => resource in added);
  const next: Record<string, string> = { ...used };
  const exceeded: string[] = [];
  for (const resource of counted.sort()) {
    const sum = addQuantities(parseQuantity(used[resource] ?? "0"), added[resource] as Quantity);
    next[resource] = formatQuantity(sum);
    if (compareQuantities(sum, parseQuantity(hard[resource] ?? "0")) > 0) exceeded.push(resource);
  }
  if (exceeded.length > 0) {
    const requested = Object.fromEntries(exceeded.map((resource) => [resource, formatQuantity(added[resource] as Quantity)]));
    const words = [`requested: ${printed(requested, exceeded)}`, `used: ${printed(used, exceeded)}`, `limited: ${printed(hard, exceeded)}`];
    refuse(`exceeded quota: ${name}, ${words.join(", ")}`);
  }
  return counted.length === 0 ? undefined : { ...quota, status: { ...quota.status, used: next } };
}

/** A pod that was not said how long it may run, and is now, or the other way round. */
function changesScope({ resource, object, current }: AdmissionRequest): boolean {
  return resource === "pods" && current !== undefined && isTerminating(object as Pod) !== isTerminating(current as Pod);
}

/** What all quotas of the namespace are charged. Throws the refusal. */
function charges(request: AdmissionRequest, { view }: AdmissionWorld): readonly Mutation[] {
  return view.list(QUOTAS, request.namespace).flatMap((entry): readonly Mutation[] => {
    const quota = view.decode<ResourceQuota>(entry);
    if (!quotaMatches(quota, request.resource, request.object)) return [];
    const added = addedTo(quota, request);
    const next = Object.keys(added).length === 0 ? undefined : charged(quota, added, request);
    return next === undefined ? [] : [replacing(entry, next)];
  });
}

/**
 * Holds a namespace to its ResourceQuotas: what is created is charged in the transaction that stores it, so that the quota's controller, which gives
 * back what is gone, never sees a charge without what it is for. Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota.
 */
export const ResourceQuotaAdmission: AdmissionPlugin = {
  name: "ResourceQuota",
  validate(request, world) {
    const { operation, resource, subresource, namespace } = request;
    const isResize = subresource === "resize";
    if (namespace === undefined || (subresource !== undefined && !isResize) || operation === "delete") return;
    if (operation === "update" && !isResize && !GROWING.has(resource) && !changesScope(request)) return;
    // Most namespaces have none, and every create comes by here.
    if (world.view.count(QUOTAS, namespace) === 0 || !isQuotable(resource)) return;
    request.alongside = () => charges(request, world);
  },
};
