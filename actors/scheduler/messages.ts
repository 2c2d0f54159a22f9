import { type Diagnosis, type Preemption, wordsOf } from "../../scheduler-core/mod.ts";
import type { Pod, PodCondition } from "../kinds/generated/types.ts";

/** An Event's message may not be longer. Source: kube-scheduler's truncateMessage. */
const EVENT_MESSAGE_CHARACTERS = 1_024;
const NO_NODES = "no nodes available to schedule pods";
const UNHELPFUL = "Preemption is not helpful for scheduling";
/** Instead of what came of preemption: it is under way. */
export const VICTIMS_ARE_LEAVING: "not eligible due to a terminating pod on the nominated node." =
  "not eligible due to a terminating pod on the nominated node.";
/** Instead of the same: the extenders let nobody make room. */
export const NO_CANDIDATE: "no candidate node for preemption" = "no candidate node for preemption";
const VICTIMLESS = "No preemption victims found for incoming pod";

/** What came of looking for claims that could give back what they have: there is none, or one did. */
export const NOTHING_TO_GIVE_BACK: "still not schedulable" = "still not schedulable";
export const DEALLOCATED: "deallocation of ResourceClaim completed" = "deallocation of ResourceClaim completed";

/** What came of trying to make room. */
export type Attempted =
  | Pick<Preemption<unknown>, "slot" | "rejections" | "unhelpful" | "victimless">
  | typeof VICTIMS_ARE_LEAVING
  | typeof NO_CANDIDATE
  /** Who was asked could not say. */
  | { readonly error: string };

/** `Successfully assigned default/web-1 to node-1`. */
export function scheduledMessage(namespace: string, name: string, node: string): string {
  return `Successfully assigned ${namespace}/${name} to ${node}`;
}

/**
 * Why no node took the pod, in kube-scheduler's words. `columns` are the resource names by column. `preemption` is what came of trying to
 * make room; undefined: nobody tried, since it could not help. Where others go to make room, it is not mentioned. Source:
 * framework.FitError of Kubernetes 1.34.
 */
export function unschedulableMessage(
  diagnosis: Diagnosis,
  columns: readonly string[],
  preemptionPolicy?: string,
  preemption?: Attempted,
): string {
  const message = diagnosisMessage(diagnosis, columns);
  if (diagnosis.nodes === 0) return message;
  if (preemptionPolicy === "Never")
    return `${message} no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.`;
  if (typeof preemption === "string") return `${message} no new claims to deallocate, preemption: ${preemption}`;
  if (preemption !== undefined && "error" in preemption) return `${message} preemption: ${preemption.error}`;
  if (preemption?.slot !== undefined) return message;
  const { unhelpful, victimless } = preemption ?? diagnosis;
  const words = worded(preemption?.rejections ?? new Map(), columns);
  words.set(UNHELPFUL, unhelpful).set(VICTIMLESS, victimless);
  return `${message} no new claims to deallocate, preemption: ${histogram(diagnosis.nodes, words)}`;
}

/**
 * Why no node was even asked. `nodes` is how many there are. Where a plugin refuses the pod as such, those that make room were not prepared, and what
 * kube-scheduler 1.34 says of that is "not found".
 */
export function refusalMessage(refusal: string, nodes: number): string {
  return nodes === 0 ? NO_NODES : `0/${nodes} nodes are available: ${refusal}. not found`;
}

/** The same where it is the pod's claims on devices. */
export function refusedClaimsMessage(refusal: string, nodes: number): string {
  if (nodes === 0) return NO_NODES;
  const preemption = histogram(nodes, new Map([[UNHELPFUL, nodes]]));
  return `0/${nodes} nodes are available: ${refusal}. no new claims to deallocate, preemption: ${preemption}`;
}

/** Why no node took a pod that claims devices. `reasons`: what the nodes that would take it otherwise said of its claims. Nobody is made to go for it. */
export function claimsMessage(
  diagnosis: Diagnosis,
  columns: readonly string[],
  reasons: ReadonlyMap<string, number>,
  claims: typeof NOTHING_TO_GIVE_BACK | typeof DEALLOCATED,
  preemptionPolicy: string | undefined,
): string {
  const { nodes, unhelpful, victimless, preemptible } = diagnosis;
  if (nodes === 0) return NO_NODES;
  const message = histogram(nodes, new Map([...worded(diagnosis.reasons, columns), ...reasons]));
  if (preemptionPolicy === "Never") return `${message} ${claims}, preemption: not eligible due to preemptionPolicy=Never.`;
  const away = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const words = new Map<string, number>([
    [UNHELPFUL, unhelpful + away],
    [VICTIMLESS, victimless + preemptible],
  ]);
  return `${message} ${claims}, preemption: ${histogram(nodes, words)}`;
}

/** The part of it that says what the nodes said. */
export function diagnosisMessage(diagnosis: Diagnosis, columns: readonly string[]): string {
  return diagnosis.nodes === 0 ? NO_NODES : histogram(diagnosis.nodes, worded(diagnosis.reasons, columns));
}

function worded(reasons: ReadonlyMap<number, number>, columns: readonly string[]): Map<string, number> {
  return new Map([...reasons].map(([reason, count]) => [wordsOf(reason, columns), count]));
}

function histogram(nodes: number, words: ReadonlyMap<string, number>): string {
  // Sorted as text, numbers included: that is the order in which Kubernetes prints them.
  const parts = [...words].filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`);
  return `0/${nodes} nodes are available: ${parts.sort().join(", ")}.`;
}

/** Why no node took the pod, when it is the extenders that let none pass. `failed`: by their words, how many nodes. */
export function extendersMessage(failed: ReadonlyMap<string, number>, nodes: number): string {
  return histogram(nodes, failed);
}

export function eventMessage(message: string): string {
  return message.length <= EVENT_MESSAGE_CHARACTERS ? message : `${message.slice(0, EVENT_MESSAGE_CHARACTERS - " ...".length)} ...`;
}

/** The pod with the condition that says why it is ended. Source: preemption's prepareCandidate. */
export function withDisruption(pod: Pod, now: string): Pod {
  return disrupted(pod, now, "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod");
}

/** The same for an offline pod whose node wants back what it lent. */
export function withReclaim(pod: Pod, now: string): Pod {
  return disrupted(pod, now, "ReclaimedByScheduler", "what the pod borrowed is wanted back by pods that have reserved it");
}

function disrupted(pod: Pod, now: string, reason: string, message: string): Pod {
  const condition: PodCondition = { type: "DisruptionTarget", status: "True", lastTransitionTime: now, reason, message };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
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
