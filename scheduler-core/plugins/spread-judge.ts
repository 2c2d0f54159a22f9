import { type Cluster, NO_DOMAIN } from "../cluster.ts";
import type { Relations, SpreadRule } from "../relations.ts";
import { NOBODY, type Tallies, type Tally } from "../tallies.ts";
import { type GroupJudge, type Groups, SCORE_MAX } from "./plugin.ts";

interface Hard {
  readonly rule: SpreadRule;
  readonly tally: Tally;
  /** The number of the trait that holds the count of a fine key's domain; NO_TRAIT for coarse keys. */
  readonly trait: number;
}

interface Soft {
  readonly rule: SpreadRule;
  /** Undefined for the hostname: there the node's own pods are a trait. */
  readonly tally: Tally | undefined;
  readonly trait: number;
}

const NO_TRAIT = -1;

/** PodTopologySpread said of groups: a hard rule with a fine key, and a soft one by hostname, makes a trait of its count. */
export class SpreadJudge implements GroupJudge {
  readonly traits: number;
  readonly #hard: readonly Hard[];
  readonly #soft: readonly Soft[];
  readonly #needsAllKeys: boolean;
  /** By number among the feasible groups. */
  #sums: Float64Array = new Float64Array(16);
  #isIgnored: Uint8Array = new Uint8Array(16);
  /** By domain plus one, the last question that saw it. */
  #seen: Int32Array = new Int32Array(16);
  #question = 0;

  constructor({ hardSpread, softSpread, spreadNeedsAllKeys }: Relations, tallies: Tallies, first: number) {
    const keysOf = (rules: readonly SpreadRule[]): number[] => rules.map(({ key }) => key);
    const tally = ({ mark, key, domains, needs, countsNobody }: SpreadRule, keys: number[], byDomain: boolean): Tally =>
      tallies.add({ mark: countsNobody ? NOBODY : mark, key, domains, needs, keys }, byDomain);
    let next = first;
    this.#hard = hardSpread.map((rule) => {
      const counted = tally(rule, keysOf(hardSpread), false);
      return { rule, tally: counted, trait: counted.domains.isFine ? next++ : NO_TRAIT };
    });
    const softKeys = spreadNeedsAllKeys ? keysOf(softSpread) : [];
    this.#soft = softSpread.map((rule) =>
      rule.isHostname ? { rule, tally: undefined, trait: next++ } : { rule, tally: tally(rule, softKeys, true), trait: NO_TRAIT },
    );
    this.#needsAllKeys = spreadNeedsAllKeys;
    this.traits = next - first;
  }

  traitsOf(cluster: Cluster, slot: number, into: Int32Array, at: number): void {
    let next = at;
    for (const { tally, trait } of this.#hard) if (trait !== NO_TRAIT) into[next++] = tally.at(slot);
    for (const { rule, tally } of this.#soft) {
      if (tally !== undefined) continue;
      const domain = cluster.domains[slot * cluster.keyColumns + rule.key] as number;
      const here = rule.countsNobody ? 0 : (cluster.marks[slot * cluster.markColumns + rule.mark] as number);
      into[next++] = domain === NO_DOMAIN ? NO_DOMAIN : here;
    }
  }

  passes(groups: Groups, group: number): boolean {
    for (let i = 0; i < this.#hard.length; i++) {
      const { rule, tally, trait } = this.#hard[i] as Hard;
      let count: number;
      if (trait === NO_TRAIT) {
        const domain = groups.domain(group, tally.domains);
        if (domain === NO_DOMAIN) return false;
        count = tally.counts[domain] as number;
      } else {
        count = groups.trait(group, trait);
        if (count === NO_DOMAIN) return false;
      }
      const { total, lowest } = tally.fewest;
      const fewest = total < rule.minDomains ? 0 : lowest;
      if (count + (rule.countsItself ? 1 : 0) - fewest > rule.maxSkew) return false;
    }
    return true;
  }

  addScores(groups: Groups, feasible: Int32Array, count: number, weight: number, totals: Int32Array): void {
    if (this.#soft.length === 0) return;
    if (this.#sums.length < count) {
      this.#sums = new Float64Array(2 * count);
      this.#isIgnored = new Uint8Array(2 * count);
    }
    const nodes = this.#begin(groups, feasible, count);
    for (let k = 0; k < this.#soft.length; k++) this.#addSums(this.#soft[k] as Soft, nodes, groups, feasible, count);
    let min = Number.MAX_SAFE_INTEGER;
    let max = 0;
    for (let i = 0; i < count; i++) {
      if (this.#isIgnored[i] === 1) continue;
      const rounded = Math.round(this.#sums[i] as number);
      this.#sums[i] = rounded;
      if (rounded < min) min = rounded;
      if (rounded > max) max = rounded;
    }
    for (let i = 0; i < count; i++) {
      if (this.#isIgnored[i] === 1) continue;
      const score = max === 0 ? SCORE_MAX : Math.floor((SCORE_MAX * (max + min - (this.#sums[i] as number))) / max);
      totals[i] = (totals[i] as number) + weight * score;
    }
  }

  /** Clears the sums and finds who is ignored; answers how many nodes are not. */
  #begin(groups: Groups, feasible: Int32Array, count: number): number {
    let nodes = 0;
    for (let i = 0; i < count; i++) {
      const group = feasible[i] as number;
      this.#sums[i] = 0;
      this.#isIgnored[i] = this.#needsAllKeys && this.#lacksKey(groups, group) ? 1 : 0;
      if (this.#isIgnored[i] === 0) nodes += groups.members(group);
    }
    return nodes;
  }

  /** One rule's part of the sums, in the order of operations of the plugin itself, so that they round alike. */
  #addSums({ rule, tally, trait }: Soft, nodes: number, groups: Groups, feasible: Int32Array, count: number): void {
    const { maxSkew } = rule;
    const weight = Math.log((tally === undefined ? nodes : this.#domainsOf(tally, groups, feasible, count)) + 2);
    for (let i = 0; i < count; i++) {
      if (this.#isIgnored[i] === 1) continue;
      const group = feasible[i] as number;
      let here: number;
      if (tally === undefined) here = groups.trait(group, trait);
      else {
        const domain = groups.domain(group, tally.domains);
        here = domain === NO_DOMAIN ? NO_DOMAIN : (tally.counts[domain] as number);
      }
      if (here === NO_DOMAIN) continue;
      this.#sums[i] = (this.#sums[i] as number) + (here * weight + (maxSkew - 1));
    }
  }

  #lacksKey(groups: Groups, group: number): boolean {
    for (let i = 0; i < this.#soft.length; i++) {
      const { tally, trait } = this.#soft[i] as Soft;
      if ((tally === undefined ? groups.trait(group, trait) : groups.domain(group, tally.domains)) === NO_DOMAIN) return true;
    }
    return false;
  }

  /** Different domains of the key among the groups to score; lacking it counts as one. */
  #domainsOf({ domains, counts }: Tally, groups: Groups, feasible: Int32Array, count: number): number {
    if (this.#seen.length <= counts.length) this.#seen = new Int32Array(2 * counts.length + 1);
    const question = ++this.#question;
    let found = 0;
    for (let i = 0; i < count; i++) {
      if (this.#isIgnored[i] === 1) continue;
      const at = groups.domain(feasible[i] as number, domains) + 1;
      if (this.#seen[at] === question) continue;
      this.#seen[at] = question;
      found++;
    }
    return found;
  }
}
