import type { NodeFacts, NodeSelectorTerm, UnboundClaim, VolumeFacts } from "../facts.ts";
import { meetsAll } from "../peers.ts";
import {
  NO_REASON,
  NOT_ENOUGH_STORAGE,
  type Reason,
  VOLUME_CONFLICT_AND_NO_STORAGE,
  VOLUME_CONFLICT_AND_TO_BIND,
  VOLUME_NODE_CONFLICT,
  VOLUMES_TO_BIND,
} from "../reason.ts";
import { matchesTerm } from "../selector.ts";
import type { Plugin } from "./plugin.ts";

/** A pod's volumes must be within the node's reach: those that are bound, and for the others one that can be bound or made there. */
export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  weight: 0,
  fixed: { filter: ({ volumes }, node) => (volumes === undefined ? NO_REASON : reasonOf(volumes, node)) },
};

/** Any term will do; no terms at all mean every node. */
function isReachable(terms: readonly NodeSelectorTerm[] | undefined, node: NodeFacts): boolean {
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

function reasonOf({ bound, unbound }: VolumeFacts, node: NodeFacts): Reason {
  const isNear = bound.every((terms) => isReachable(terms, node));
  const chosen = chooseVolumes(unbound, node);
  if (chosen === undefined) return isNear ? VOLUMES_TO_BIND : VOLUME_CONFLICT_AND_TO_BIND;
  if (!unbound.every((claim, i) => chosen[i] !== "" || hasStorage(claim, node))) {
    return isNear ? NOT_ENOUGH_STORAGE : VOLUME_CONFLICT_AND_NO_STORAGE;
  }
  return isNear ? NO_REASON : VOLUME_NODE_CONFLICT;
}

/** Source: the binder's hasEnoughCapacity. What is being made on a node already has its place. */
function hasStorage({ storage, selectedNode }: UnboundClaim, node: NodeFacts): boolean {
  return storage === undefined || selectedNode !== "" || storage.some((labels) => meetsAll(labels, node.labels));
}

/**
 * For each unbound claim the volume that it gets on this node; "" where one is made for it. Undefined: one can get none. The claims
 * come smallest first, and each takes the first of its candidates that no claim before it took. Source: findMatchingVolumes.
 */
export function chooseVolumes(unbound: readonly UnboundClaim[], node: NodeFacts): string[] | undefined {
  const chosen: string[] = [];
  for (const { selectedNode, candidates, provision } of unbound) {
    if (selectedNode !== "" && selectedNode !== node.name) return undefined;
    const found =
      selectedNode === "" ? candidates.find(({ name, nodes }) => !chosen.includes(name) && isReachable(nodes, node)) : undefined;
    if (found === undefined && (provision === undefined || !(provision.length === 0 || isReachable(provision, node)))) return undefined;
    chosen.push(found?.name ?? "");
  }
  return chosen;
}
