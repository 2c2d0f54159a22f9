/** Whether an object keeps to one item of a LimitRange. Source: PodValidateLimitFunc, PersistentVolumeClaimValidateLimitFunc. */

import { podResources } from "../../kinds/core/pod-resources.ts";
import type { LimitRangeItem, PersistentVolumeClaim, Pod } from "../../kinds/generated/types.ts";
import type { Quantity } from "../../kinds/machinery/quantity.ts";
import { compareQuantities, formatQuantity, parseQuantity, quantityMilliValue } from "../../kinds/machinery/quantity.ts";
import type { KubeObject } from "../../kinds/object.ts";

type Amounts = Readonly<Record<string, string>>;
type Exact = Readonly<Record<string, Quantity>>;

function exact(amounts: Amounts | undefined): Exact {
  return Object.fromEntries(Object.entries(amounts ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

/** One thing that uses resources: a container, all of a pod's together, or a claim. */
interface Use {
  readonly requests: Exact;
  readonly limits: Exact;
}

/** What is wrong, in Kubernetes' words. */
export function limitProblems(item: LimitRangeItem, resource: string, object: KubeObject): string[] {
  if (resource === "persistentvolumeclaims") {
    if (item.type !== "PersistentVolumeClaim") return [];
    return requestProblems(item, exact((object as PersistentVolumeClaim).spec.resources?.requests));
  }
  return usesOf(item.type, object as Pod).flatMap((use) => useProblems(item, use));
}

function usesOf(type: string, pod: Pod): Use[] {
  if (type === "Pod") return [podResources(pod)];
  if (type !== "Container") return [];
  return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].map(({ resources }) => ({
    requests: exact(resources?.requests),
    limits: exact(resources?.limits),
  }));
}

function useProblems(item: LimitRangeItem, { requests, limits }: Use): string[] {
  const { type } = item;
  const problems: string[] = [];
  for (const [name, bound] of Object.entries(item.min ?? {})) {
    const [request, limit] = [requests[name], limits[name]];
    const words = `minimum ${name} usage per ${type} is ${bound}`;
    if (request === undefined) problems.push(`${words}.  No request is specified`);
    else if (isLess(request, bound)) problems.push(`${words}, but request is ${formatQuantity(request)}`);
    else if (limit !== undefined && isLess(limit, bound)) problems.push(`${words}, but limit is ${formatQuantity(limit)}`);
  }
  for (const [name, bound] of Object.entries(item.max ?? {})) {
    const [request, limit] = [requests[name], limits[name]];
    const words = `maximum ${name} usage per ${type} is ${bound}`;
    if (limit === undefined) problems.push(`${words}.  No limit is specified`);
    else if (isMore(limit, bound)) problems.push(`${words}, but limit is ${formatQuantity(limit)}`);
    else if (request !== undefined && isMore(request, bound)) problems.push(`${words}, but request is ${formatQuantity(request)}`);
  }
  for (const [name, bound] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    const problem = ratioProblem(requests[name], limits[name], bound);
    if (problem !== undefined) problems.push(`${name} max limit to request ratio per ${type} is ${bound}, but ${problem}`);
  }
  return problems;
}

function ratioProblem(request: Quantity | undefined, limit: Quantity | undefined, bound: string): string | undefined {
  if (request === undefined || request.nano === 0n) return "no request is specified or request is 0";
  if (limit === undefined || limit.nano === 0n) return "no limit is specified or limit is 0";
  const ratio = quantityMilliValue(limit) / quantityMilliValue(request);
  return ratio > quantityMilliValue(parseQuantity(bound)) / 1_000 ? `provided ratio is ${ratio.toFixed(6)}` : undefined;
}

/** A claim has requests only. */
function requestProblems(item: LimitRangeItem, requests: Exact): string[] {
  const problems: string[] = [];
  for (const [end, bounds] of [["minimum", item.min] as const, ["maximum", item.max] as const]) {
    for (const [name, bound] of Object.entries(bounds ?? {})) {
      const request = requests[name];
      const words = `${end} ${name} usage per ${item.type} is ${bound}`;
      if (request === undefined) problems.push(`${words}.  No request is specified`);
      else if (end === "minimum" ? isLess(request, bound) : isMore(request, bound)) {
        problems.push(`${words}, but request is ${formatQuantity(request)}`);
      }
    }
  }
  return problems;
}

function isLess(amount: Quantity, bound: string): boolean {
  return compareQuantities(amount, parseQuantity(bound)) < 0;
}

function isMore(amount: Quantity, bound: string): boolean {
  return compareQuantities(amount, parseQuantity(bound)) > 0;
}
