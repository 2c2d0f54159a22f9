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

/** The seats of one set, as they were looked at last. */
interface Known {
  readonly seats: readonly Seat[];
  /** Where among them the node of this name is. */
  readonly places: ReadonlyMap<string, number>;
}

const NONE: Known = { seats: [], places: new Map() };

/**
 * The seats of sets, remembered: every look goes over all nodes, and few seats are not as they were. A set that is gone is to be forgotten. Source: getNodesToDaemonPods.
 */
export class Seats {
  readonly #known = new Map<string, Known>();

  /** One seat for each placement, in their order, and one for each node that is not among them and has pods. */
  of(key: string, placements: readonly Placement[], pods: readonly PodFacts[]): readonly Seat[] {
    const { seats: before, places: placesBefore } = this.#known.get(key) ?? NONE;
    const places = placesOf(placements, before, placesBefore);
    const single = new Array<PodFacts | undefined>(placements.length);
    // Those of nodes that have several, or are not there.
    const others = new Map<string, PodFacts[]>();
    for (const pod of pods) {
      const { targetNode } = pod;
      if (targetNode === "" || (pod.deleting && isTerminalPhase(pod.phase))) continue;
      const place = places.get(targetNode);
      const many = others.get(targetNode);
      if (many !== undefined) many.push(pod);
      else if (place === undefined) others.set(targetNode, [pod]);
      else if (single[place] === undefined) single[place] = pod;
      else others.set(targetNode, [single[place], pod]);
    }
    const seats = placements.map((placement, place) => {
      const several = others.get(placement.node);
      others.delete(placement.node);
      return seatOf(placement, several, single[place], before[place]);
    });
    this.#known.set(key, { seats, places });
    if (others.size === 0) return seats;
    return [...seats, ...[...others].map(([node, there]) => ({ node, shouldRun: false, mayStay: false, exists: false, pods: there }))];
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}

function placesOf(placements: readonly Placement[], before: readonly Seat[], places: ReadonlyMap<string, number>): Known["places"] {
  const areSame = placements.length === before.length && placements.every(({ node }, place) => node === before[place]?.node);
  return areSame ? places : new Map(placements.map(({ node }, place) => [node, place]));
}

/** As it was, where it still is so. */
function seatOf(
  placement: Placement,
  several: readonly PodFacts[] | undefined,
  single: PodFacts | undefined,
  before: Seat | undefined,
): Seat {
  const { node, shouldRun, mayStay } = placement;
  const isSame =
    several === undefined &&
    before?.node === node &&
    before.shouldRun === shouldRun &&
    before.mayStay === mayStay &&
    before.pods.length <= 1 &&
    before.pods[0] === single;
  if (isSame) return before;
  return { node, shouldRun, mayStay, exists: true, pods: several ?? (single === undefined ? NO_PODS : [single]) };
}
