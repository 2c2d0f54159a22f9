import type { NodeFacts, PodFacts } from "../facts.ts";
import { ENFORCED_AFFINITY, NO_REASON, NODE_AFFINITY } from "../reason.ts";
import { matchesTerm } from "../selector.ts";
import { normalizeUp, type Plugin } from "./plugin.ts";

/** nodeSelector and required node affinity reject; preferred terms that match add their weights. */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  fixed: {
    filter: (pod, node) => {
      if (pod.enforcedTerms?.some((term) => matchesTerm(term, node)) === false) return ENFORCED_AFFINITY;
      return selects(pod, node) ? NO_REASON : NODE_AFFINITY;
    },
    applies: (pod) => pod.preferredTerms.length > 0,
    score: (pod, node) => {
      let sum = 0;
      for (const { weight, term } of pod.preferredTerms) if (matchesTerm(term, node)) sum += weight;
      return sum;
    },
    normalize: normalizeUp,
  },
};

/** Whether a pod's nodeSelector and required affinity allow the node. */
export function selects(pod: PodFacts, node: NodeFacts): boolean {
  for (const key in pod.nodeSelector) if (node.labels[key] !== pod.nodeSelector[key]) return false;
  if (pod.requiredTerms === undefined) return true;
  for (const term of pod.requiredTerms) if (matchesTerm(term, node)) return true;
  return false;
}
