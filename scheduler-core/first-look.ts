import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { PodClass } from "./pod-class.ts";
import { FIXED_SCORES, groupOffsets, localScore } from "./profile.ts";
import { OUT } from "./ranked-buckets.ts";
import { scoreAll } from "./usage-pass.ts";

const LOST = "the pass counted a tie that it cannot find";

/**
 * What one pass over all nodes says of a class, to place one pod of it: an index would cost several such passes and nobody may ask it
 * again. The pass needs nothing but the arrays, so any thread can make it beforehand; changes since then are put right from the log.
 */
export class FirstLook {
  /** By slot. */
  readonly #scores: Int32Array;
  /** The change up to which the scores are current. */
  #seen: number;

  private constructor(scores: Int32Array, seen: number) {
    this.#scores = scores;
    this.#seen = seen;
  }

  /** Asks every node now. `scores` is written over. */
  static take(cluster: Cluster, pods: PodClass, scores: Int32Array): FirstLook {
    const look = new FirstLook(scores, cluster.changes);
    scoreAll(cluster, pods, scores);
    return look;
  }

  /** What was written by a `take` when the cluster had seen so many changes, at most CHANGE_LOG_NODES ago. */
  static taken(scores: Int32Array, seen: number): FirstLook {
    return new FirstLook(scores, seen);
  }

  /** One of the best nodes, each with the same chance; -1 when none can take the pod. */
  pick(cluster: Cluster, pods: PodClass, random: Draw): number {
    for (; this.#seen !== cluster.changes; this.#seen = (this.#seen + 1) | 0) {
      const slot = cluster.changedAt(this.#seen);
      this.#scores[slot] = cluster.live[slot] === 1 ? localScore(cluster, pods, slot) : OUT;
    }
    return pods.groups.length === FIXED_SCORES.length
      ? this.#pickAlike(cluster.nodes, random)
      : this.#pickByGroup(cluster.nodes, pods, random);
  }

  /** All nodes have the same static score. */
  #pickAlike(nodes: number, random: Draw): number {
    const scores = this.#scores;
    let best = OUT;
    let ties = 0;
    for (let slot = 0; slot < nodes; slot++) {
      const score = scores[slot] as number;
      if (score < best) continue;
      if (score === best) ties++;
      else {
        best = score;
        ties = 1;
      }
    }
    if (best === OUT) return -1;
    let number = random.below(ties);
    for (let slot = 0; slot < nodes; slot++) if (scores[slot] === best && number-- === 0) return slot;
    throw new Error(LOST);
  }

  #pickByGroup(nodes: number, pods: PodClass, random: Draw): number {
    const scores = this.#scores;
    const { verdicts, groups } = pods;
    const count = Math.floor(groups.length / FIXED_SCORES.length);
    const best = new Int32Array(count).fill(OUT);
    const ties = new Int32Array(count);
    const feasible = new Uint8Array(count);
    for (let slot = 0; slot < nodes; slot++) {
      const score = scores[slot] as number;
      if (score === OUT) continue;
      const group = verdicts[slot] as number;
      feasible[group] = 1;
      if (score === best[group]) ties[group] = (ties[group] as number) + 1;
      else if (score > (best[group] as number)) {
        best[group] = score;
        ties[group] = 1;
      }
    }
    const offsets = new Int32Array(count);
    groupOffsets(pods, feasible, offsets);
    let top = OUT;
    let tied = 0;
    for (let group = 0; group < count; group++) {
      if (feasible[group] !== 1) continue;
      const total = (best[group] as number) + (offsets[group] as number);
      if (total > top) tied = 0;
      top = Math.max(top, total);
      if (total === top) tied += ties[group] as number;
    }
    if (top === OUT) return -1;
    let number = random.below(tied);
    for (let slot = 0; slot < nodes; slot++) {
      const score = scores[slot] as number;
      if (score !== OUT && score + (offsets[verdicts[slot] as number] as number) === top && number-- === 0) return slot;
    }
    throw new Error(LOST);
  }
}
