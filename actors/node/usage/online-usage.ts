import type { Pod } from "../../kinds/generated/types.ts";
import { isOffline } from "../../scheduler/overcommit.ts";
import { type Amounts, amountsOf } from "../../scheduler/resource-needs.ts";
import type { ContainerUsage } from "./usage.ts";

/** How often a node that lends measures what its pods use. */
export const MEASURE_MS = 10_000;
/** The use is told in steps of one percent of what the node has: what goes up and down by less is nobody's concern. */
const STEPS = 100;
const NANOCORES_PER_MILLI = 1e6;

/**
 * What the pods of a node use that are not offline, as the annotation `scheduling.troupe.dev/online-usage` says it: rounded up, so that no more is lent than
 * is idle.
 */
export function onlineUsage(
  pods: readonly { readonly pod: Pod; readonly containers: readonly ContainerUsage[] }[],
  allocatable: Readonly<Record<string, string>> | undefined,
): string {
  let cpu_milli = 0;
  let memory_bytes = 0;
  for (const { pod, containers } of pods) {
    if (isOffline(pod)) continue;
    for (const { cpu_nanocores, memory_bytes: memory } of containers) {
      cpu_milli += cpu_nanocores / NANOCORES_PER_MILLI;
      memory_bytes += memory;
    }
  }
  const has = amountsOf(allocatable);
  return JSON.stringify({ cpu: `${stepped(cpu_milli, has, "cpu")}m`, memory: String(stepped(memory_bytes, has, "memory")) });
}

function stepped(amount: number, has: Amounts, resource: string): number {
  const step = Math.max(1, Math.floor((has[resource] ?? 0) / STEPS));
  return Math.ceil(amount / step) * step;
}
