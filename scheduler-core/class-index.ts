import { CHANGE_LOG_NODES, type Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import { NodeGroups, TOO_MANY_GROUPS } from "./node-groups.ts";
import { type GroupJudge, SCORE_MAX } from "./plugins/plugin.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, groupOffsets, localScore, PEER_PLUGINS, USAGE_FILTERS, USAGE_SCORES } from "./profile.ts";
import { OUT, RankedBuckets } from "./ranked-buckets.ts";
import { Tallies } from "./tallies.ts";
import { scoreAll } from "./usage-pass.ts";

/** So many groups may have lost all their nodes before the index is built anew without them. */
const DRAINED_GROUPS_MAX = 256;
const NO_ELIGIBLE = new Uint8Array(0);

interface WeighedJudge {
  readonly judge: GroupJudge;
  readonly isFilter: boolean;
  readonly weight: number;
  /** The number of its first trait. */
  readonly first: number;
}

/**
 * The best nodes for one class, kept up to date from the cluster's change log. Nodes that differ for the class in nothing but what their
 * own pods take form a group; within it they lie in buckets by that score. What other pods have a say in (topology domains, counts of
 * pods) is the same for a whole group, so filters, normalisation and sums are worked out over groups: a decision costs the repair of
 * the nodes that changed since the last one and a look at each group, not a pass over all nodes.
 *
 * Invariant: after `repair`, the buckets hold what `localScore` says of every node, the tallies what its pods count, and each node is in
 * the group of its own signature, so that `pick` agrees with the plain loop.
 */
export class ClassIndex {
  #cluster: Cluster;
  #pods: PodClass;
  /** The change up to which the index is current. */
  #seen = 0;
  #buckets: RankedBuckets;
  #tallies: Tallies | undefined;
  #judges: WeighedJudge[] = [];
  #groups: NodeGroups;
  #isSplintered = false;
  /** Most groups have no nodes any more. */
  #isDrained = false;
  #builtAt = 0;
  /** By verdict: 1 where a feasible group has it; what `#offsets` were worked out for. */
  #verdicts: Uint8Array = new Uint8Array(0);
  #scratch: Uint8Array = new Uint8Array(0);
  #offsets: Int32Array = new Int32Array(0);
  /** The groups with a feasible node, and the best total of each. */
  #feasible: Int32Array = new Int32Array(16);
  #totals: Int32Array = new Int32Array(16);

  constructor(cluster: Cluster, pods: PodClass) {
    this.#cluster = cluster;
    this.#pods = pods;
    this.#buckets = new RankedBuckets(0, 1);
    this.#groups = new NodeGroups([], 0, this.#buckets);
    this.#build();
  }

  /** The class falls into too many groups: ask every node. */
  get isSplintered(): boolean {
    return this.#isSplintered;
  }

  /** Catches up with the cluster. `pods` is the same class, perhaps worked out anew. */
  repair(cluster: Cluster, pods: PodClass): void {
    const rebuilt = pods.revision !== this.#pods.revision;
    this.#cluster = cluster;
    this.#pods = pods;
    const behind = (cluster.changes - this.#seen) | 0;
    if (this.#isSplintered) {
      if (rebuilt || ((cluster.changes - this.#builtAt) | 0) > cluster.nodes) this.#build();
      return;
    }
    if (rebuilt || this.#isDrained || behind < 0 || behind > CHANGE_LOG_NODES || behind > cluster.nodes) {
      this.#build();
      return;
    }
    for (; this.#seen !== cluster.changes; this.#seen = (this.#seen + 1) | 0) this.#refresh(cluster.changedAt(this.#seen));
    if (this.#isSplintered) this.#build();
  }

  /** One of the best nodes, each with the same chance; -1 when none can take the pod. */
  pick(random: Draw): number {
    const buckets = this.#buckets;
    const count = this.#findFeasible();
    if (count === 0) return -1;
    if (count === 1) return buckets.draw(this.#feasible[0] as number, random);
    this.#score(count);
    const totals = this.#totals;
    let best = OUT;
    let ties = 0;
    for (let i = 0; i < count; i++) {
      const total = totals[i] as number;
      if (total > best) {
        best = total;
        ties = buckets.ties(this.#feasible[i] as number);
      } else if (total === best) ties += buckets.ties(this.#feasible[i] as number);
    }
    let number = random.below(ties);
    for (let i = 0; i < count; i++) {
      if (totals[i] !== best) continue;
      const group = this.#feasible[i] as number;
      const tied = buckets.ties(group);
      if (number < tied) return buckets.tie(group, number);
      number -= tied;
    }
    throw new Error("the index counted a tie that it cannot find");
  }

  /** Fills `#feasible`; answers how many there are. */
  #findFeasible(): number {
    const judges = this.#judges;
    const groups = this.#groups;
    const all = groups.count;
    if (this.#feasible.length < all) {
      this.#feasible = new Int32Array(2 * all);
      this.#totals = new Int32Array(2 * all);
    }
    let count = 0;
    let drained = 0;
    for (let group = 0; group < all; group++) {
      if (this.#buckets.best(group) === OUT) {
        drained++;
        continue;
      }
      let passes = true;
      for (let i = 0; passes && i < judges.length; i++) {
        const { judge, isFilter } = judges[i] as WeighedJudge;
        passes = !isFilter || judge.passes(groups, group);
      }
      if (passes) this.#feasible[count++] = group;
    }
    this.#isDrained = drained > DRAINED_GROUPS_MAX && 2 * drained > all;
    return count;
  }

  /** Fills `#totals` for the feasible groups. */
  #score(count: number): void {
    const groups = this.#groups;
    this.#refreshOffsets(count);
    for (let i = 0; i < count; i++) {
      const group = this.#feasible[i] as number;
      this.#totals[i] = this.#buckets.best(group) + (this.#offsets[groups.verdict(group)] as number);
    }
    for (let i = 0; i < this.#judges.length; i++) {
      const { judge, weight } = this.#judges[i] as WeighedJudge;
      if (weight !== 0) judge.addScores(groups, this.#feasible, count, weight, this.#totals);
    }
  }

  /** The static scores by verdict are normalised over feasible nodes: they change only with the verdicts that have any. */
  #refreshOffsets(count: number): void {
    const verdicts = Math.floor(this.#pods.groups.length / FIXED_SCORES.length);
    let isStale = verdicts !== this.#verdicts.length;
    if (isStale) {
      this.#verdicts = new Uint8Array(verdicts);
      this.#scratch = new Uint8Array(verdicts);
      this.#offsets = new Int32Array(verdicts);
    }
    const now = this.#scratch.fill(0);
    for (let i = 0; i < count; i++) now[this.#groups.verdict(this.#feasible[i] as number)] = 1;
    for (let i = 0; !isStale && i < verdicts; i++) isStale = now[i] !== this.#verdicts[i];
    if (!isStale) return;
    this.#scratch = this.#verdicts;
    this.#verdicts = now;
    groupOffsets(this.#pods, now, this.#offsets);
  }

  /** Takes in one node, and those whose domain its pods have changed. */
  #refresh(slot: number): void {
    const tallies = this.#tallies;
    tallies?.refresh(this.#cluster, slot, this.#pods.relations?.eligible ?? NO_ELIGIBLE);
    this.#place(slot, this.#cluster.live[slot] === 1 ? localScore(this.#cluster, this.#pods, slot) : OUT);
    if (tallies === undefined || tallies.stirred.length === 0) return;
    for (let i = 0; i < tallies.stirred.length; i += 2) {
      const domains = tallies.keyAt(tallies.stirred[i] as number);
      for (let other = domains.first(tallies.stirred[i + 1] as number); other >= 0; other = domains.next(other)) {
        const level = this.#buckets.levelOf(other);
        if (other !== slot && level !== OUT) this.#assign(other, this.#pods.verdicts[other] as number, level);
      }
    }
    tallies.stirred.length = 0;
  }

  #place(slot: number, level: number): void {
    if (level === OUT) this.#buckets.set(slot, 0, OUT);
    else this.#assign(slot, this.#pods.verdicts[slot] as number, level);
  }

  /** Puts a node that can take the pod into its group. */
  #assign(slot: number, verdict: number, level: number): void {
    const groups = this.#groups;
    groups.begin(slot, verdict);
    for (let i = 0; i < this.#judges.length; i++) {
      const { judge, first } = this.#judges[i] as WeighedJudge;
      judge.traitsOf(this.#cluster, slot, groups.signature, groups.firstTrait + first);
    }
    const group = groups.find();
    if (group === TOO_MANY_GROUPS) this.#isSplintered = true;
    else this.#buckets.set(slot, group, level);
  }

  #build(): void {
    const { capacity, nodes } = this.#cluster;
    const { relations, weights, filters } = this.#pods;
    this.#isSplintered = false;
    this.#isDrained = false;
    // Verdicts may have been numbered anew.
    this.#verdicts = new Uint8Array(0);
    this.#seen = this.#cluster.changes;
    this.#builtAt = this.#seen;
    const most = USAGE_SCORES.reduce((sum, _, i) => sum + (weights[FIXED_SCORES.length + i] as number), 0);
    this.#buckets = new RankedBuckets(capacity, most * SCORE_MAX + 1);
    this.#judges = [];
    this.#tallies = undefined;
    if (relations === undefined) this.#groups = new NodeGroups([], 0, this.#buckets);
    else {
      const tallies = new Tallies(capacity, nodes);
      let traits = 0;
      PEER_PLUGINS.forEach(({ peers }, i) => {
        const isFilter = filters[USAGE_FILTERS.length + i] === 1;
        const weight = weights[FIXED_SCORES.length + USAGE_SCORES.length + i] as number;
        if (peers.judge === undefined || (!isFilter && weight === 0)) return;
        const judge = peers.judge(relations, tallies, traits);
        this.#judges.push({ judge, isFilter, weight, first: traits });
        traits += judge.traits;
      });
      this.#tallies = tallies;
      this.#groups = new NodeGroups(tallies.coarse, traits, this.#buckets);
      for (let slot = 0; slot < nodes; slot++) tallies.refresh(this.#cluster, slot, relations.eligible);
      tallies.stirred.length = 0;
    }
    const levels = new Int32Array(nodes);
    scoreAll(this.#cluster, this.#pods, levels);
    for (let slot = 0; slot < nodes && !this.#isSplintered; slot++) this.#place(slot, levels[slot] as number);
  }
}
