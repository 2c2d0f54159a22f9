import type { Cluster } from "./cluster.ts";
import type { Guest } from "./guests.ts";
import type { PodClass } from "./pod-class.ts";
import { NOT_THE_PINNED_NODE, pluginOf, type Reason } from "./reason.ts";
import { NodeFilter } from "./survey.ts";

/** Why no node took a pod, counted over the nodes. Plain data: it crosses threads. */
export interface Diagnosis {
  /** Live nodes. */
  readonly nodes: number;
  /** How many nodes gave each reason; a node can give several. */
  readonly reasons: ReadonlyMap<Reason, number>;
  /** Nodes where removing pods would not help. */
  readonly unhelpful: number;
  /** Nodes where it might, but that have no pod of lower priority. */
  readonly victimless: number;
  /** Nodes where it might, and that have pods of lower priority. */
  readonly preemptible: number;
}

/** The plugins that rejected nodes, by name; a node is rejected by the first of them. */
export function rejectorsOf({ reasons }: Diagnosis): ReadonlySet<string> {
  return new Set([...reasons.keys()].flatMap((reason) => pluginOf(reason) ?? []).sort());
}

/** Asks every node why it rejects a pod of this class. `pin` is the only node that the pod may run on; -1: any. */
export function diagnose(cluster: Cluster, pods: PodClass, pin = -1, guests?: readonly Guest[]): Diagnosis {
  const reasons = new Map<Reason, number>();
  const count = (reason: Reason): void => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const filter = new NodeFilter(cluster, pods, guests);
  let nodes = 0;
  let unhelpful = 0;
  let victimless = 0;
  let preemptible = 0;
  for (let slot = 0; slot < cluster.nodes; slot++) {
    if (cluster.live[slot] !== 1) continue;
    nodes++;
    if (pin !== -1 && slot !== pin) {
      count(NOT_THE_PINNED_NODE);
      unhelpful++;
      continue;
    }
    const rejection = filter.rejection(slot);
    if (rejection === undefined) continue;
    rejection.reasons.forEach(count);
    if (!rejection.resolvable) unhelpful++;
    else if ((cluster.lowestPriority[slot] as number) >= pods.priority) victimless++;
    else preemptible++;
  }
  return { nodes, reasons, unhelpful, victimless, preemptible };
}
