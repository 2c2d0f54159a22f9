import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { PodFacts } from "../pods/pod-facts.ts";
import type { Placement } from "./daemonset-placement.ts";

/** A node, what a set wants of it, and the set's pods that are there or are meant for it. */
export interface Seat extends Placement {
  /** The node is there. */
  readonly exists: boolean;
  /** Without those that ended and go: their place is free. */
  readonly pods: readonly PodFacts[];
}

const NO_PODS: readonly PodFacts[] = [];

/** One seat for each placement, in their order, and one for each node that is not among them and has pods. Source: getNodesToDaemonPods. */
export function seatsOf(placements: readonly Placement[], pods: readonly PodFacts[]): readonly Seat[] {
  const byNode = new Map<string, PodFacts[]>();
  for (const pod of pods) {
    if (pod.targetNode === "" || (pod.deleting && isTerminalPhase(pod.phase))) continue;
    const others = byNode.get(pod.targetNode);
    if (others === undefined) byNode.set(pod.targetNode, [pod]);
    else others.push(pod);
  }
  const seats: Seat[] = [];
  let found = 0;
  for (const { node, shouldRun, mayStay } of placements) {
    const there = byNode.get(node);
    if (there !== undefined) found++;
    seats.push({ node, shouldRun, mayStay, exists: true, pods: there ?? NO_PODS });
  }
  if (found === byNode.size) return seats;
  for (const { node } of placements) byNode.delete(node);
  for (const [node, there] of byNode) seats.push({ node, shouldRun: false, mayStay: false, exists: false, pods: there });
  return seats;
}
