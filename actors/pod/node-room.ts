/** The room that a node has for a pod, and what it says of a resize that does not fit in. Pure. Source: kubelet's allocation manager (Kubernetes 1.34), KEP-1287. */
import { isTerminal } from "../kinds/core/pod-phase.ts";
import type { Pod } from "../kinds/generated/types.ts";
import { type Amounts, amountsOf, podRequests } from "../scheduler/resource-needs.ts";

/** What the node has for pods, and what its other pods take of that. */
export interface NodeRoom {
  readonly allocatable: Readonly<Amounts>;
  readonly taken: Readonly<Amounts>;
}

/** Why a node does not grant what a pod asks for: not now, or never. */
export interface ResizeRefusal {
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
}

/** The room for one pod on its node, whose other pods these are. */
export function roomOn(allocatable: Readonly<Record<string, string>> | undefined, others: Iterable<Pod>): NodeRoom {
  const taken: Amounts = {};
  for (const other of others) {
    if (isTerminal(other)) continue;
    for (const [name, amount] of Object.entries(podRequests(other))) taken[name] = (taken[name] ?? 0) + amount;
  }
  return { allocatable: amountsOf(allocatable), taken };
}

/** Source: canResizePod, and the scheduler's Fits for what is not there now. */
export function resizeRefusal(pod: Pod, { allocatable, taken }: NodeRoom): ResizeRefusal | undefined {
  // Not what it was granted before.
  const wanted = podRequests({ ...pod, status: {} });
  for (const name of ["memory", "cpu"]) {
    const [requested = 0, capacity = 0] = [wanted[name], allocatable[name]];
    if (requested > capacity) {
      return { reason: "Infeasible", message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}` };
    }
  }
  for (const name of ["cpu", "memory"]) {
    const message = shortage(name, wanted[name], taken[name], allocatable[name]);
    if (message !== undefined) return { reason: "Deferred", message };
  }
  return undefined;
}

/** What a node says that has not enough of something; undefined: it has. Source: lifecycle's InsufficientResourceError. */
export function shortage(name: string, requested = 0, used = 0, capacity = 0): string | undefined {
  if (requested + used <= capacity) return undefined;
  return `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
}
