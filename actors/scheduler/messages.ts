import { type Diagnosis, wordsOf } from "../../scheduler-core/mod.ts";
import type { PodCondition } from "../kinds/generated/types.ts";

/** An Event's message may not be longer. Source: kube-scheduler's truncateMessage. */
const EVENT_MESSAGE_CHARACTERS = 1_024;
const NO_NODES = "no nodes available to schedule pods";
const UNHELPFUL = "Preemption is not helpful for scheduling";
const VICTIMLESS = "No preemption victims found for incoming pod";

/** `Successfully assigned default/web-1 to node-1`. */
export function scheduledMessage(namespace: string, name: string, node: string): string {
  return `Successfully assigned ${namespace}/${name} to ${node}`;
}

/**
 * Why no node took the pod, in kube-scheduler's words. `columns` are the resource names by column. The sentence on preemption is left out
 * where preemption would have been tried, since nobody tried it. Source: framework.FitError of Kubernetes 1.34.
 */
export function unschedulableMessage(diagnosis: Diagnosis, columns: readonly string[], preemptionPolicy?: string): string {
  if (diagnosis.nodes === 0) return NO_NODES;
  const words = new Map<string, number>();
  for (const [reason, count] of diagnosis.reasons) words.set(wordsOf(reason, columns), count);
  const message = histogram(diagnosis.nodes, words);
  if (preemptionPolicy === "Never")
    return `${message} no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.`;
  if (diagnosis.preemptible > 0) return message;
  const preemption = new Map([
    [UNHELPFUL, diagnosis.unhelpful],
    [VICTIMLESS, diagnosis.victimless],
  ]);
  return `${message} no new claims to deallocate, preemption: ${histogram(diagnosis.nodes, preemption)}`;
}

function histogram(nodes: number, words: ReadonlyMap<string, number>): string {
  // Sorted as text, numbers included: that is the order in which Kubernetes prints them.
  const parts = [...words].filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`);
  return `0/${nodes} nodes are available: ${parts.sort().join(", ")}.`;
}

export function eventMessage(message: string): string {
  return message.length <= EVENT_MESSAGE_CHARACTERS ? message : `${message.slice(0, EVENT_MESSAGE_CHARACTERS - " ...".length)} ...`;
}

/** The conditions with PodScheduled=False of this message; undefined when they say so already. */
export function withUnschedulable(
  conditions: readonly PodCondition[] | undefined,
  message: string,
  generation: number | undefined,
  now: string,
): PodCondition[] | undefined {
  const known = conditions?.find(({ type }) => type === "PodScheduled");
  if (known?.status === "False" && known.reason === "Unschedulable" && known.message === message) return undefined;
  const next: PodCondition = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    type: "PodScheduled",
    status: "False",
    lastTransitionTime: known?.status === "False" ? (known.lastTransitionTime ?? now) : now,
    reason: "Unschedulable",
    message,
  };
  if (known === undefined) return [...(conditions ?? []), next];
  return (conditions ?? []).map((condition) => (condition === known ? next : condition));
}
