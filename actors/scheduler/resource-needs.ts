import { NONZERO_CPU_MILLI, NONZERO_MEMORY_BYTES } from "../../scheduler-core/mod.ts";
import type { Container, ContainerStatus, Pod } from "../kinds/generated/types.ts";
import { parseQuantity, quantityMilliValue, quantityValue } from "../kinds/machinery/quantity.ts";

/** Amounts by resource; cpu in thousandths, everything else in whole units. */
export type Amounts = Record<string, number>;

/** Parsed quantities that are remembered; a cluster's pods share a handful. */
const QUANTITIES_MAX = 4096;
const cpuAmounts = new Map<string, number>();
const wholeAmounts = new Map<string, number>();

/** A quantity in the unit that the scheduler counts in. */
export function amountOf(resource: string, quantity: string): number {
  const known = resource === "cpu" ? cpuAmounts : wholeAmounts;
  let amount = known.get(quantity);
  if (amount === undefined) {
    const parsed = parseQuantity(quantity);
    amount = resource === "cpu" ? quantityMilliValue(parsed) : quantityValue(parsed);
    if (known.size >= QUANTITIES_MAX) known.clear();
    known.set(quantity, amount);
  }
  return amount;
}

export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts: Amounts = {};
  for (const resource in quantities) amounts[resource] = amountOf(resource, quantities[resource] ?? "0");
  return amounts;
}

/** What a container without a request is taken for when nodes are scored. */
const NONZERO: Readonly<Amounts> = { cpu: NONZERO_CPU_MILLI, memory: NONZERO_MEMORY_BYTES };
const NOTHING: Readonly<Amounts> = {};
/** What a pod may request as a whole. Source: KEP-2837. */
const POD_LEVEL = /^(cpu|memory|hugepages-.*)$/;

/**
 * What a pod takes from a node: containers side by side, init containers one at a time beside the sidecars started before, pod-level
 * requests in their stead, overhead on top. Source: component-helpers' resource.PodRequests.
 */
export function podRequests(pod: Pod): Amounts {
  return sumOf(pod, NOTHING);
}

/** The same with a default for each container that requests no cpu or no memory; used to score. */
export function podNonzeroRequests(pod: Pod): { readonly cpu_milli: number; readonly memory_bytes: number } {
  const { cpu = 0, memory = 0 } = sumOf(pod, NONZERO);
  return { cpu_milli: cpu, memory_bytes: memory };
}

function sumOf(pod: Pod, missing: Readonly<Amounts>): Amounts {
  const { spec, status } = pod;
  const sum: Amounts = {};
  for (const container of spec.containers) add(sum, containerRequests(pod, container, missing, status?.containerStatuses));
  const sidecars: Amounts = {};
  const start: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === "Always";
    const own = containerRequests(pod, container, missing, isSidecar ? status?.initContainerStatuses : undefined);
    if (isSidecar) {
      add(sum, own);
      add(sidecars, own);
      raise(start, sidecars);
    } else {
      add(own, sidecars);
      raise(start, own);
    }
  }
  raise(sum, start);
  const podLevel = spec.resources?.requests;
  for (const resource in podLevel) if (POD_LEVEL.test(resource)) sum[resource] = amountOf(resource, podLevel[resource] ?? "0");
  add(sum, amountsOf(spec.overhead));
  return sum;
}

/**
 * While a container is being resized it takes the most of what is wanted, granted and in force; what is infeasible is not wanted any more. Source:
 * determineContainerReqs, KEP-1287.
 */
function containerRequests(
  pod: Pod,
  { name, resources }: Container,
  missing: Readonly<Amounts>,
  statuses: readonly ContainerStatus[] | undefined,
): Amounts {
  const wanted = amountsOf(resources?.requests);
  const status = statuses?.find((each) => each.name === name);
  if (status?.resources === undefined) return { ...missing, ...wanted };
  const taken = isInfeasible(pod) ? {} : wanted;
  raise(taken, amountsOf(status.resources.requests));
  raise(taken, amountsOf(status.allocatedResources));
  return { ...missing, ...taken };
}

function isInfeasible({ status }: Pod): boolean {
  return status?.conditions?.find(({ type }) => type === "PodResizePending")?.reason === "Infeasible";
}

/** Whether what its containers were granted is not what they want, so that its status has a say in what the pod takes. */
export function isBeingResized({ spec, status }: Pod): boolean {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].filter(
    (each) => each.resources !== undefined,
  );
  return statuses.some(({ name, resources, allocatedResources }) => {
    const container = [...spec.containers, ...(spec.initContainers ?? [])].find((each) => each.name === name);
    const wanted = amountsOf(container?.resources?.requests);
    return !isSame(wanted, amountsOf(resources?.requests)) || !isSame(wanted, amountsOf(allocatedResources));
  });
}

function isSame(a: Readonly<Amounts>, b: Readonly<Amounts>): boolean {
  for (const resource in { ...a, ...b }) if ((a[resource] ?? 0) !== (b[resource] ?? 0)) return false;
  return true;
}

function add(sum: Amounts, more: Readonly<Amounts>): void {
  for (const resource in more) sum[resource] = (sum[resource] ?? 0) + (more[resource] ?? 0);
}

function raise(sum: Amounts, least: Readonly<Amounts>): void {
  for (const resource in least) sum[resource] = Math.max(sum[resource] ?? 0, least[resource] ?? 0);
}
