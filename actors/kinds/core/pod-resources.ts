import type { Container, Pod, PodSpec } from "../generated/types.ts";
import type { Quantity } from "../machinery/quantity.ts";
import { addQuantities, compareQuantities, parseQuantity } from "../machinery/quantity.ts";

type Amounts = Record<string, Quantity>;

/**
 * What a pod needs as a whole: what it says of itself, else its containers at the same time, or the largest of those that come before them; with its overhead.
 * Init containers that stay count from their start on. Source: PodRequests and PodLimits of component-helpers/resource.
 */
export function podResources(pod: Pod): { readonly requests: Amounts; readonly limits: Amounts } {
  return { requests: total(pod, "requests"), limits: total(pod, "limits") };
}

/** The same of the containers alone. Source: AggregateContainerRequests and AggregateContainerLimits. */
export function containerResources(spec: PodSpec, which: "requests" | "limits"): Amounts {
  const sum: Amounts = {};
  for (const container of spec.containers ?? []) add(sum, container, which);
  const staying: Amounts = {};
  const most: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const stays = container.restartPolicy === "Always";
    if (stays) add(staying, container, which);
    const now: Amounts = { ...staying };
    if (!stays) add(now, container, which);
    for (const [name, amount] of Object.entries(now)) most[name] = larger(most[name], amount);
  }
  for (const [name, amount] of Object.entries(staying)) sum[name] = sum[name] === undefined ? amount : addQuantities(sum[name], amount);
  for (const [name, amount] of Object.entries(most)) sum[name] = larger(sum[name], amount);
  return sum;
}

function total(pod: Pod, which: "requests" | "limits"): Amounts {
  const sum = containerResources(pod.spec, which);
  for (const [name, text] of Object.entries(pod.spec.resources?.[which] ?? {})) sum[name] = parseQuantity(text);
  for (const [name, text] of Object.entries(pod.spec.overhead ?? {})) {
    const before = sum[name];
    // An overhead limits nobody who has no limit.
    if (before !== undefined) sum[name] = addQuantities(before, parseQuantity(text));
    else if (which === "requests") sum[name] = parseQuantity(text);
  }
  return sum;
}

function add(sum: Amounts, container: Container, which: "requests" | "limits"): void {
  for (const [name, text] of Object.entries(container.resources?.[which] ?? {})) {
    const before = sum[name];
    sum[name] = before === undefined ? parseQuantity(text) : addQuantities(before, parseQuantity(text));
  }
}

function larger(a: Quantity | undefined, b: Quantity): Quantity {
  return a !== undefined && compareQuantities(a, b) >= 0 ? a : b;
}
