import { type Cluster, NO_DOMAIN } from "../cluster.ts";
import type { MarkedKey, Relations } from "../relations.ts";
import type { Tallies, Tally } from "../tallies.ts";
import { type GroupJudge, type Groups, SCORE_MAX } from "./plugin.ts";

/** Values of the trait that stands for all required terms with fine keys. */
const [KEPT_OUT, FAR, NEAR] = [-1, 0, 1] as const;

interface Weighed {
  readonly tally: Tally;
  readonly weight: number;
}

/**
 * InterPodAffinity said of groups: required terms with fine keys come to one trait, since nothing but "kept out", "far" and "near" is
 * asked of them, and what is weighed by fine keys to another, its sum.
 */
export class AffinityJudge implements GroupJudge {
  readonly traits: number;
  readonly #first: number;
  readonly #matchesItself: boolean;
  readonly #affinity: readonly Tally[];
  readonly #coarseAffinity: readonly Tally[];
  readonly #fineAffinity: readonly Tally[];
  readonly #coarseRepelling: readonly Tally[];
  readonly #fineRepelling: readonly Tally[];
  readonly #coarseWeighed: readonly Weighed[];
  readonly #fineWeighed: readonly Weighed[];
  readonly #hasFineRequired: boolean;
  /** By number among the feasible groups. */
  #sums: Float64Array = new Float64Array(16);

  constructor(relations: Relations, tallies: Tallies, first: number) {
    const tally = ({ mark, key, domains }: MarkedKey): Tally => tallies.add({ mark, key, domains, needs: 0, keys: [] });
    const isFine = ({ domains }: Tally): boolean => domains.isFine;
    const isCoarse = ({ domains }: Tally): boolean => !domains.isFine;
    this.#first = first;
    this.#matchesItself = relations.matchesItself;
    this.#affinity = relations.affinity.map(tally);
    const repelling = [...relations.antiAffinity, ...relations.repelled].map(tally);
    const weighed = relations.weighed.map((what) => ({ tally: tally(what), weight: what.weight }));
    this.#coarseAffinity = this.#affinity.filter(isCoarse);
    this.#fineAffinity = this.#affinity.filter(isFine);
    this.#coarseRepelling = repelling.filter(isCoarse);
    this.#fineRepelling = repelling.filter(isFine);
    this.#coarseWeighed = weighed.filter(({ tally }) => isCoarse(tally));
    this.#fineWeighed = weighed.filter(({ tally }) => isFine(tally));
    this.#hasFineRequired = this.#fineAffinity.length + this.#fineRepelling.length > 0;
    this.traits = (this.#hasFineRequired ? 1 : 0) + (this.#fineWeighed.length > 0 ? 1 : 0);
  }

  traitsOf(_: Cluster, slot: number, into: Int32Array, at: number): void {
    let next = at;
    if (this.#hasFineRequired) into[next++] = this.#fineRequired(slot);
    if (this.#fineWeighed.length === 0) return;
    let sum = 0;
    for (const { tally, weight } of this.#fineWeighed) {
      const count = tally.at(slot);
      if (count !== NO_DOMAIN) sum += weight * count;
    }
    into[next] = sum;
  }

  passes(groups: Groups, group: number): boolean {
    const fine = this.#hasFineRequired ? groups.trait(group, this.#first) : NEAR;
    if (fine === KEPT_OUT) return false;
    for (let i = 0; i < this.#coarseRepelling.length; i++) if (countOf(groups, group, this.#coarseRepelling[i] as Tally) > 0) return false;
    let isNear = fine === NEAR;
    for (let i = 0; i < this.#coarseAffinity.length; i++) {
      const tally = this.#coarseAffinity[i] as Tally;
      const domain = groups.domain(group, tally.domains);
      if (domain === NO_DOMAIN) return false;
      if ((tally.counts[domain] as number) <= 0) isNear = false;
    }
    return isNear || (this.#matchesItself && this.#isNobodyThere());
  }

  addScores(groups: Groups, feasible: Int32Array, count: number, weight: number, totals: Int32Array): void {
    if (this.#coarseWeighed.length + this.#fineWeighed.length === 0) return;
    if (this.#sums.length < count) this.#sums = new Float64Array(2 * count);
    const sums = this.#sums;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const group = feasible[i] as number;
      let sum = this.#fineWeighed.length > 0 ? groups.trait(group, this.#first + this.traits - 1) : 0;
      for (let k = 0; k < this.#coarseWeighed.length; k++) {
        const { tally, weight } = this.#coarseWeighed[k] as Weighed;
        sum += weight * countOf(groups, group, tally);
      }
      sums[i] = sum;
      if (sum < min) min = sum;
      if (sum > max) max = sum;
    }
    const span = max - min;
    if (span <= 0) return;
    for (let i = 0; i < count; i++) {
      totals[i] = (totals[i] as number) + weight * Math.trunc(SCORE_MAX * (((sums[i] as number) - min) / span));
    }
  }

  #fineRequired(slot: number): number {
    for (const tally of this.#fineRepelling) if (tally.at(slot) > 0) return KEPT_OUT;
    let near: number = NEAR;
    for (const tally of this.#fineAffinity) {
      const count = tally.at(slot);
      if (count === NO_DOMAIN) return KEPT_OUT;
      if (count === 0) near = FAR;
    }
    return near;
  }

  #isNobodyThere(): boolean {
    for (const { total } of this.#affinity) if (total > 0) return false;
    return true;
  }
}

/** What a coarse tally counts in the group's domain; 0 when it is in none. */
function countOf(groups: Groups, group: number, { domains, counts }: Tally): number {
  const domain = groups.domain(group, domains);
  return domain === NO_DOMAIN ? 0 : (counts[domain] as number);
}
