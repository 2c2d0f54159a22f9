import { CHANGE_LOG_NODES, type Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, groupOffsets, localScore } from "./profile.ts";
import { Tournament } from "./tournament.ts";

/** A slot that the index has not seen as part of any group. */
const NOWHERE = -1;

/**
 * The best nodes for one class, kept up to date from the cluster's change log: one tournament per group of nodes, and per
 * group the static scores on top. A decision costs the repair of the nodes that changed since the last one, not a pass over all.
 *
 * Invariant: after `repair`, every tournament holds what `localScore` says of its nodes, so that `pick` agrees with the plain loop.
 */
export class ClassIndex {
  #pods: PodClass;
  /** The change up to which the index is current. */
  #seen = 0;
  #tournaments: Tournament[] = [];
  /** By group, the slot of each leaf. */
  #slots: Int32Array[] = [];
  #groupOf: Int32Array = new Int32Array(0);
  #leafOf: Int32Array = new Int32Array(0);
  #feasible: Uint8Array = new Uint8Array(0);
  #offsets: Int32Array = new Int32Array(0);
  #offsetsStale = true;

  constructor(cluster: Cluster, pods: PodClass) {
    this.#pods = pods;
    this.#build(cluster);
  }

  /** Catches up with the cluster. `pods` is the same class, perhaps worked out anew. */
  repair(cluster: Cluster, pods: PodClass): void {
    const rebuilt = pods.revision !== this.#pods.revision || pods.groups.length !== this.#pods.groups.length;
    this.#pods = pods;
    const behind = (cluster.changes - this.#seen) | 0;
    if (rebuilt || behind < 0 || behind > CHANGE_LOG_NODES || behind > cluster.nodes) {
      this.#build(cluster);
      return;
    }
    for (; this.#seen !== cluster.changes; this.#seen = (this.#seen + 1) | 0) {
      if (this.#refresh(cluster, cluster.changedAt(this.#seen))) continue;
      this.#build(cluster);
      return;
    }
  }

  /** One of the best nodes, each with the same chance; -1 when none can take the pod. */
  pick(random: Draw): number {
    const tournaments = this.#tournaments;
    if (tournaments.length === 1) {
      const only = tournaments[0] as Tournament;
      return only.best < 0 ? -1 : ((this.#slots[0] as Int32Array)[only.draw(random)] as number);
    }
    if (this.#offsetsStale) {
      groupOffsets(this.#pods, this.#feasible, this.#offsets);
      this.#offsetsStale = false;
    }
    let best = -1;
    let ties = 0;
    for (let group = 0; group < tournaments.length; group++) {
      const tournament = tournaments[group] as Tournament;
      if (tournament.best < 0) continue;
      const total = tournament.best + (this.#offsets[group] as number);
      if (total > best) {
        best = total;
        ties = tournament.count;
      } else if (total === best) ties += tournament.count;
    }
    if (best < 0) return -1;
    let rank = random.below(ties);
    for (let group = 0; group < tournaments.length; group++) {
      const tournament = tournaments[group] as Tournament;
      if (tournament.best < 0 || tournament.best + (this.#offsets[group] as number) !== best) continue;
      if (rank < tournament.count) return (this.#slots[group] as Int32Array)[tournament.draw(random)] as number;
      rank -= tournament.count;
    }
    throw new Error("the index counted a tie that it cannot find");
  }

  /** Scores one node anew; false when it has no place in the index as built. */
  #refresh(cluster: Cluster, slot: number): boolean {
    const verdict = cluster.live[slot] === 1 ? (this.#pods.verdicts[slot] as number) : NOWHERE;
    const group = slot < this.#groupOf.length ? (this.#groupOf[slot] as number) : NOWHERE;
    if (verdict >= 0 && verdict !== group) return false;
    if (group < 0) return true;
    const tournament = this.#tournaments[group] as Tournament;
    tournament.set(this.#leafOf[slot] as number, verdict < 0 ? NOWHERE : localScore(cluster, this.#pods, slot));
    const feasible = tournament.best < 0 ? 0 : 1;
    if (feasible !== this.#feasible[group]) {
      this.#feasible[group] = feasible;
      this.#offsetsStale = true;
    }
    return true;
  }

  #build(cluster: Cluster): void {
    const { verdicts, groups } = this.#pods;
    const nodes = cluster.nodes;
    const count = Math.floor(groups.length / FIXED_SCORES.length);
    const sizes = new Int32Array(count);
    this.#groupOf = new Int32Array(nodes).fill(NOWHERE);
    this.#leafOf = new Int32Array(nodes);
    for (let slot = 0; slot < nodes; slot++) {
      const group = verdicts[slot] as number;
      if (cluster.live[slot] !== 1 || group < 0) continue;
      this.#groupOf[slot] = group;
      this.#leafOf[slot] = sizes[group] as number;
      sizes[group] = (sizes[group] as number) + 1;
    }
    this.#tournaments = Array.from(sizes, (size) => new Tournament(size));
    this.#slots = Array.from(sizes, (size) => new Int32Array(size));
    for (let slot = 0; slot < nodes; slot++) {
      const group = this.#groupOf[slot] as number;
      if (group < 0) continue;
      const leaf = this.#leafOf[slot] as number;
      (this.#slots[group] as Int32Array)[leaf] = slot;
      (this.#tournaments[group] as Tournament).prepare(leaf, localScore(cluster, this.#pods, slot));
    }
    this.#feasible = new Uint8Array(count);
    this.#offsets = new Int32Array(count);
    this.#offsetsStale = true;
    for (let group = 0; group < count; group++) {
      const tournament = this.#tournaments[group] as Tournament;
      tournament.build();
      this.#feasible[group] = tournament.best < 0 ? 0 : 1;
    }
    this.#seen = cluster.changes;
  }
}
