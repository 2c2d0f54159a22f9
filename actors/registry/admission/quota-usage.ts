/** What an object counts for in a ResourceQuota. Source: pkg/quota/v1/evaluator/core of Kubernetes 1.34. */

import { CLASS_ANNOTATION } from "../../kinds/core/claim-rules.ts";
import { hasPodLevel } from "../../kinds/core/pod-level-resources.ts";
import { podResources } from "../../kinds/core/pod-resources.ts";
import type { Container, PersistentVolumeClaim, Pod, ResourceResourceClaim, Service } from "../../kinds/generated/types.ts";
import type { Quantity } from "../../kinds/machinery/quantity.ts";
import { addQuantities, compareQuantities, parseQuantity } from "../../kinds/machinery/quantity.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { REQUESTS_MAX } from "../../kinds/resource/device-claim.ts";

export type Usage = Readonly<Record<string, Quantity>>;

const ONE: Quantity = parseQuantity("1");
/** Counted under their own names, beside `count/...`. */
const COUNTED: ReadonlySet<string> = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "pods",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);
const COMPUTE: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** What every container must say when its namespace counts it. */
const MUST_SAY: ReadonlySet<string> = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);
const CLASS_SUFFIX = ".storageclass.storage.k8s.io/";
/** Source: resource.Quantity's scale. */
const NANO = 1_000_000_000n;
const DEVICE_CLAIMS = "resourceclaims.resource.k8s.io";
const DEVICES_SUFFIX = ".deviceclass.resource.k8s.io/devices";

/** `resource` is the store's name, `deployments.apps`. */
export function usageOf(resource: string, object: KubeObject): Usage {
  const usage: Record<string, Quantity> = { [`count/${resource}`]: ONE };
  if (COUNTED.has(resource)) usage[resource] = ONE;
  if (resource === "pods") Object.assign(usage, podUsage(object as Pod));
  if (resource === "services") Object.assign(usage, serviceUsage(object as Service));
  if (resource === "persistentvolumeclaims") Object.assign(usage, claimUsage(object as PersistentVolumeClaim));
  if (resource === DEVICE_CLAIMS) Object.assign(usage, deviceUsage(object as ResourceResourceClaim));
  return usage;
}

/** Events are counted by nobody. Source: ignoredResources. */
export function isQuotable(resource: string): boolean {
  return resource !== "events";
}

/** Whose objects count for a name in a quota; undefined when nobody knows. The inverse of `usageOf`. */
export function countedResource(name: string): string | undefined {
  if (name.startsWith("count/")) return name.slice("count/".length);
  if (COUNTED.has(name)) return name;
  if (name.startsWith("services.")) return "services";
  if (name === "requests.storage" || name.includes(CLASS_SUFFIX)) return "persistentvolumeclaims";
  if (name.endsWith(DEVICES_SUFFIX)) return DEVICE_CLAIMS;
  const amount = name.replace(/^(?:requests|limits)\./, "");
  const isCompute = COMPUTE.has(amount) || amount.startsWith("hugepages-") || (name.startsWith("requests.") && isExtended(amount));
  return isCompute ? "pods" : undefined;
}

/** Whether it is a resource that somebody beside Kubernetes has thought of. Source: IsExtendedResourceName. */
function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/");
}

function podUsage(pod: Pod): Usage {
  const { requests, limits } = podResources(pod);
  return computeUsage(requests, limits);
}

function computeUsage(requests: Usage, limits: Usage): Usage {
  const usage: Record<string, Quantity> = {};
  for (const [name, amount] of Object.entries(requests)) {
    if (COMPUTE.has(name) || name.startsWith("hugepages-")) usage[name] = amount;
    if (COMPUTE.has(name) || name.startsWith("hugepages-") || isExtended(name)) usage[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) if (COMPUTE.has(name)) usage[`limits.${name}`] = amount;
  return usage;
}

function serviceUsage({ spec }: Service): Usage {
  const { type, ports = [], allocateLoadBalancerNodePorts: allocates } = spec;
  const isBalanced = type === "LoadBalancer";
  if (!isBalanced && type !== "NodePort") return {};
  // Without allocation there are those that were asked for by number.
  const open = isBalanced && allocates === false ? ports.filter(({ nodePort }) => nodePort) : ports;
  return { ...(isBalanced ? { "services.loadbalancers": ONE } : {}), "services.nodeports": parseQuantity(String(open.length)) };
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): Usage {
  const storage = storageOf(spec.resources?.requests?.storage, status?.allocatedResources?.storage);
  const amounts: Record<string, Quantity> = storage === undefined ? {} : { "requests.storage": storage };
  const usage = { ...amounts };
  const name = metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName;
  if (name) {
    const prefix = `${name}${CLASS_SUFFIX}`;
    usage[`${prefix}persistentvolumeclaims`] = ONE;
    for (const [resource, amount] of Object.entries(amounts)) usage[`${prefix}${resource}`] = amount;
  }
  return usage;
}

/** What is asked for, or, where that is more, what a volume is being given; in whole bytes. Source: getStorageUsage. */
function storageOf(asked: string | undefined, allocated: string | undefined): Quantity | undefined {
  if (asked === undefined) return undefined;
  const [wanted, given] = [parseQuantity(asked), parseQuantity(allocated ?? "0")];
  const most = compareQuantities(given, wanted) > 0 ? given : wanted;
  const over = most.nano % NANO;
  return over === 0n ? most : { ...most, nano: most.nano - over + NANO };
}

/** Devices by class, as many as it may come to: of alternatives the one that takes most of a class. Source: resource_claims.go of pkg/quota/v1/evaluator/core. */
function deviceUsage({ spec }: ResourceResourceClaim): Usage {
  const usage: Record<string, Quantity> = {};
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const most: Record<string, number> = {};
    for (const wanted of firstAvailable.length > 0 ? firstAvailable : exactly === undefined ? [] : [exactly]) {
      const name = `${wanted.deviceClassName}${DEVICES_SUFFIX}`;
      most[name] = Math.max(most[name] ?? 0, wanted.allocationMode === "All" ? REQUESTS_MAX : (wanted.count ?? 0));
    }
    for (const [name, devices] of Object.entries(most)) {
      const more = parseQuantity(String(devices));
      usage[name] = usage[name] === undefined ? more : addQuantities(usage[name], more);
    }
  }
  return usage;
}

/** `cpu for: a,b; memory for: a`: what the containers of a pod leave unsaid of what is counted; undefined when nothing, or when the pod says it for them. */
export function unsaid(pod: Pod, counted: Iterable<string>): string | undefined {
  if (hasPodLevel(pod.spec)) return undefined;
  const wanted = [...counted].filter((name) => MUST_SAY.has(name)).sort();
  const containers = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  const missing = wanted.flatMap((name) => {
    const silent = containers.filter((container) => !(name in containerUsage(container))).map((container) => container.name);
    return silent.length === 0 ? [] : [`${name} for: ${silent.sort().join(",")}`];
  });
  return missing.length === 0 ? undefined : missing.join("; ");
}

function containerUsage({ resources }: Container): Usage {
  const exact = (amounts: Readonly<Record<string, string>> | undefined): Usage =>
    Object.fromEntries(Object.entries(amounts ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
  return computeUsage(exact(resources?.requests), exact(resources?.limits));
}
