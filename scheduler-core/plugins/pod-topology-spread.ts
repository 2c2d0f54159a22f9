import { type Cluster, NO_DOMAIN } from "../cluster.ts";
import { DomainCounter, timesIn } from "../domain-counter.ts";
import type { PodFacts } from "../facts.ts";
import type { PodClass } from "../pod-class.ts";
import { NO_REASON, type Reason, SPREAD, SPREAD_LABEL_MISSING } from "../reason.ts";
import { MATCHES_AFFINITY, type Relations, type SpreadRule, TOLERATES_TAINTS } from "../relations.ts";
import { hasMoved, type NodeMove, type Stir } from "../stir.ts";
import { type PeerFilter, type Plugin, SCORE_MAX } from "./plugin.ts";
import { SpreadJudge } from "./spread-judge.ts";

/** Spreads pods that match a selector over the domains of a topology key: hard rules reject, soft ones score. */
export const podTopologySpread: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  peers: {
    concerns: (_, { relations }) => relations !== undefined && relations.hardSpread.length + relations.softSpread.length > 0,
    filter: (cluster, { relations }) => (relations?.hardSpread.length ? new SpreadFilter(cluster, relations) : undefined),
    helpedBy,
    score,
    judge: (relations, tallies, first) => new SpreadJudge(relations, tallies, first),
  },
};

/** Other pods are counted than before, or nodes whose pods are counted have come, gone or changed in what the rules ask of them. */
function helpedBy({ raised, lowered, moves, keyOf }: Stir, { hardSpread }: Omit<Relations, "eligible">, pods: PodFacts): boolean {
  if (hardSpread.length === 0) return false;
  if (hardSpread.some(({ mark, countsNobody }) => !countsNobody && (raised.has(mark) || lowered.has(mark)))) return true;
  const keys = hardSpread.map(({ key }) => keyOf(key));
  const counts = (labels: NodeMove["now"]): boolean => labels !== undefined && keys.every((key) => labels[key] !== undefined);
  const asks = (need: number): boolean => hardSpread.some(({ needs }) => (needs & need) !== 0);
  const asksForLabels = asks(MATCHES_AFFINITY) && (pods.requiredTerms !== undefined || Object.keys(pods.nodeSelector).length > 0);
  return moves.some((move) => {
    if (counts(move.before) !== counts(move.now)) return true;
    if (!counts(move.now)) return false;
    return asksForLabels || (asks(TOLERATES_TAINTS) && move.isRetainted) || keys.some((key) => hasMoved(move, key));
  });
}

function hasAllKeys(cluster: Cluster, rules: readonly SpreadRule[], slot: number): boolean {
  for (const { key } of rules) if (cluster.domains[slot * cluster.keyColumns + key] === NO_DOMAIN) return false;
  return true;
}

function isEligible({ eligible }: Relations, { needs }: SpreadRule, slot: number): boolean {
  return needs === 0 || ((eligible[slot] as number) & needs) === needs;
}

class SpreadFilter implements PeerFilter {
  readonly #cluster: Cluster;
  readonly #relations: Relations;
  readonly #counters: readonly DomainCounter[];
  /** By rule and domain: 1 where an eligible node is. Domains of no eligible node say nothing about the fewest. */
  readonly #known: readonly Uint8Array[];
  #fewest: number[] | undefined;

  constructor(cluster: Cluster, relations: Relations) {
    const rules = relations.hardSpread;
    this.#cluster = cluster;
    this.#relations = relations;
    this.#counters = rules.map((rule) => new DomainCounter(cluster, rule));
    this.#known = rules.map(({ domains }) => new Uint8Array(domains));
    for (let slot = 0; slot < cluster.nodes; slot++) {
      if (cluster.live[slot] !== 1 || !hasAllKeys(cluster, rules, slot)) continue;
      for (let i = 0; i < rules.length; i++) {
        const rule = rules[i] as SpreadRule;
        if (!isEligible(relations, rule, slot)) continue;
        const counter = this.#counters[i] as DomainCounter;
        (this.#known[i] as Uint8Array)[counter.domainOf(slot)] = 1;
        if (!rule.countsNobody) counter.countNode(slot);
      }
    }
  }

  reject(slot: number): Reason {
    const rules = this.#relations.hardSpread;
    this.#fewest ??= rules.map((rule, i) => this.#fewestOf(rule, i));
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as SpreadRule;
      const counter = this.#counters[i] as DomainCounter;
      const domain = counter.domainOf(slot);
      if (domain === NO_DOMAIN) return SPREAD_LABEL_MISSING;
      const skew = (counter.counts[domain] as number) + (rule.countsItself ? 1 : 0) - (this.#fewest[i] as number);
      if (skew > rule.maxSkew) return SPREAD;
    }
    return NO_REASON;
  }

  moved(slot: number, marks: Int32Array, sign: 1 | -1): void {
    const rules = this.#relations.hardSpread;
    if (!hasAllKeys(this.#cluster, rules, slot)) return;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as SpreadRule;
      if (!isEligible(this.#relations, rule, slot)) continue;
      (this.#counters[i] as DomainCounter).change(slot, sign * timesIn(marks, rule.mark));
      this.#fewest = undefined;
    }
  }

  /** The lowest count over the domains; 0 while there are fewer domains than `minDomains`. */
  #fewestOf({ minDomains }: SpreadRule, rule: number): number {
    const known = this.#known[rule] as Uint8Array;
    const { counts } = this.#counters[rule] as DomainCounter;
    let domains = 0;
    let fewest = Number.MAX_SAFE_INTEGER;
    for (let domain = 0; domain < known.length; domain++) {
      if (known[domain] !== 1) continue;
      domains++;
      fewest = Math.min(fewest, counts[domain] as number);
    }
    return domains < minDomains ? 0 : fewest;
  }
}

function score(cluster: Cluster, { relations }: PodClass, slots: Int32Array): Int32Array | undefined {
  if (relations === undefined || relations.softSpread.length === 0) return undefined;
  const { softSpread: rules, spreadNeedsAllKeys } = relations;
  const isIgnored = new Uint8Array(slots.length);
  let scored = slots.length;
  for (let i = 0; spreadNeedsAllKeys && i < slots.length; i++) {
    if (hasAllKeys(cluster, rules, slots[i] as number)) continue;
    isIgnored[i] = 1;
    scored--;
  }
  const sums = new Float64Array(slots.length);
  for (const rule of rules) {
    const counter = new DomainCounter(cluster, rule);
    const weight = Math.log((rule.isHostname ? scored : candidateDomains(counter, slots, isIgnored)) + 2);
    for (let slot = 0; !rule.isHostname && !rule.countsNobody && slot < cluster.nodes; slot++) {
      if (cluster.live[slot] !== 1 || !isEligible(relations, rule, slot)) continue;
      if (!spreadNeedsAllKeys || hasAllKeys(cluster, rules, slot)) counter.countNode(slot);
    }
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (isIgnored[i] === 1 || counter.domainOf(slot) === NO_DOMAIN) continue;
      const here = rule.countsNobody ? 0 : (cluster.marks[slot * cluster.markColumns + rule.mark] as number);
      sums[i] = (sums[i] as number) + ((rule.isHostname ? here : counter.at(slot)) * weight + (rule.maxSkew - 1));
    }
  }
  return normalized(sums, isIgnored);
}

/** Different values of the key among the nodes to score; lacking it counts as one value. */
function candidateDomains(counter: DomainCounter, slots: Int32Array, isIgnored: Uint8Array): number {
  const seen = new Uint8Array(counter.counts.length + 1);
  let domains = 0;
  for (let i = 0; i < slots.length; i++) {
    const at = counter.domainOf(slots[i] as number) + 1;
    if (isIgnored[i] === 1 || seen[at] === 1) continue;
    seen[at] = 1;
    domains++;
  }
  return domains;
}

/** The fewest peers get SCORE_MAX. Source: PodTopologySpread's NormalizeScore, with its whole-number division. */
function normalized(sums: Float64Array, isIgnored: Uint8Array): Int32Array {
  const scores = new Int32Array(sums.length);
  let min = Number.MAX_SAFE_INTEGER;
  let max = 0;
  for (let i = 0; i < sums.length; i++) {
    const rounded = Math.round(sums[i] as number);
    scores[i] = rounded;
    if (isIgnored[i] === 1) continue;
    min = Math.min(min, rounded);
    max = Math.max(max, rounded);
  }
  for (let i = 0; i < scores.length; i++) {
    if (isIgnored[i] === 1) scores[i] = 0;
    else scores[i] = max === 0 ? SCORE_MAX : Math.floor((SCORE_MAX * (max + min - (scores[i] as number))) / max);
  }
  return scores;
}
