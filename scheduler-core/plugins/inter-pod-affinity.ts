import { type Cluster, NO_DOMAIN } from "../cluster.ts";
import { DomainCounter, timesIn } from "../domain-counter.ts";
import type { PodClass } from "../pod-class.ts";
import { AFFINITY_RULES, ANTI_AFFINITY_RULES, EXISTING_ANTI_AFFINITY_RULES, NO_REASON, type Reason } from "../reason.ts";
import type { MarkedKey, Relations } from "../relations.ts";
import { hasMoved, type Stir } from "../stir.ts";
import { AffinityJudge } from "./affinity-judge.ts";
import { type PeerFilter, type Plugin, SCORE_MAX } from "./plugin.ts";

/** Keeps pods near or away from other pods, by topology domain: what the pod asks for, and what the pods that are there ask for. */
export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  peers: { concerns, filter, helpedBy, score, judge: (relations, tallies, first) => new AffinityJudge(relations, tallies, first) },
};

const present =
  (cluster: Cluster) =>
  ({ mark }: MarkedKey): boolean =>
    cluster.markTotals[mark] !== 0;

function concerns(cluster: Cluster, { relations }: PodClass): boolean {
  if (relations === undefined) return false;
  const { affinity, antiAffinity, repelled, weighed } = relations;
  const isPresent = present(cluster);
  return affinity.length > 0 || antiAffinity.some(isPresent) || repelled.some(isPresent) || weighed.some(isPresent);
}

function filter(cluster: Cluster, { relations }: PodClass): PeerFilter | undefined {
  if (relations === undefined) return undefined;
  const isPresent = present(cluster);
  const antiAffinity = relations.antiAffinity.filter(isPresent);
  const repelled = relations.repelled.filter(isPresent);
  if (relations.affinity.length + antiAffinity.length + repelled.length === 0) return undefined;
  return new AffinityFilter(cluster, relations.affinity, relations.matchesItself, antiAffinity, repelled);
}

/**
 * More of the pods that it is to be near, or fewer of those that it is to be away from, or the last of the former gone where it may be the first; or a node is in
 * another domain, with the pods that are there.
 */
function helpedBy(
  { raised, lowered, moves, keyOf }: Stir,
  { affinity, matchesItself, antiAffinity, repelled }: Omit<Relations, "eligible">,
): boolean {
  const isNear = ({ mark }: MarkedKey): boolean => raised.has(mark) || (matchesItself && lowered.has(mark));
  const isFar = ({ mark }: MarkedKey): boolean => lowered.has(mark);
  return (
    affinity.some(isNear) ||
    antiAffinity.some(isFar) ||
    repelled.some(isFar) ||
    [...affinity, ...antiAffinity, ...repelled].some(({ key }) => moves.some((move) => hasMoved(move, keyOf(key))))
  );
}

class AffinityFilter implements PeerFilter {
  readonly #affinity: readonly DomainCounter[];
  readonly #matchesItself: boolean;
  readonly #antiAffinity: readonly DomainCounter[];
  readonly #repelled: readonly DomainCounter[];
  /** Matching pods in any domain of any term: while there are none, a pod that matches itself may be the first. */
  #matching = 0;

  constructor(
    cluster: Cluster,
    affinity: readonly MarkedKey[],
    matchesItself: boolean,
    antiAffinity: readonly MarkedKey[],
    repelled: readonly MarkedKey[],
  ) {
    const counter = (what: MarkedKey): DomainCounter => DomainCounter.of(cluster, what);
    this.#affinity = affinity.map(counter);
    this.#matchesItself = matchesItself;
    this.#antiAffinity = antiAffinity.map(counter);
    this.#repelled = repelled.map(counter);
    for (const { counts } of this.#affinity) for (let i = 0; i < counts.length; i++) this.#matching += counts[i] as number;
  }

  reject(slot: number): Reason {
    if (!this.#isAttracted(slot)) return AFFINITY_RULES;
    for (const counter of this.#antiAffinity) if (counter.at(slot) > 0) return ANTI_AFFINITY_RULES;
    for (const counter of this.#repelled) if (counter.at(slot) > 0) return EXISTING_ANTI_AFFINITY_RULES;
    return NO_REASON;
  }

  moved(slot: number, marks: Int32Array, sign: 1 | -1): void {
    for (const counter of this.#affinity) {
      const times = sign * timesIn(marks, counter.mark);
      counter.change(slot, times);
      if (counter.domainOf(slot) !== NO_DOMAIN) this.#matching += times;
    }
    for (const counter of this.#antiAffinity) counter.change(slot, sign * timesIn(marks, counter.mark));
    for (const counter of this.#repelled) counter.change(slot, sign * timesIn(marks, counter.mark));
  }

  /** Source: satisfyPodAffinity: every key must be there, even for the first pod of a group. */
  #isAttracted(slot: number): boolean {
    let isNear = true;
    for (const counter of this.#affinity) {
      const domain = counter.domainOf(slot);
      if (domain === NO_DOMAIN) return false;
      if ((counter.counts[domain] as number) <= 0) isNear = false;
    }
    return isNear || (this.#matching === 0 && this.#matchesItself);
  }
}

/** Undefined when no pod of any domain has a say. */
function score(cluster: Cluster, { relations }: PodClass, slots: Int32Array): Int32Array | undefined {
  const weighed = relations?.weighed.filter(present(cluster)) ?? [];
  if (weighed.length === 0) return undefined;
  const scores = new Int32Array(slots.length);
  let isSaid = false;
  for (const what of weighed) {
    const counter = DomainCounter.of(cluster, what);
    isSaid ||= counter.counts.some((count) => count > 0);
    for (let i = 0; i < slots.length; i++) scores[i] = (scores[i] as number) + what.weight * counter.at(slots[i] as number);
  }
  if (!isSaid) return undefined;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    min = Math.min(min, scores[i] as number);
    max = Math.max(max, scores[i] as number);
  }
  const span = max - min;
  for (let i = 0; i < scores.length; i++) scores[i] = span > 0 ? Math.trunc(SCORE_MAX * (((scores[i] as number) - min) / span)) : 0;
  return scores;
}
