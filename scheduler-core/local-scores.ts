import { CHANGE_LOG_NODES, type Cluster } from "./cluster.ts";
import type { PodClass } from "./pod-class.ts";
import { localScore } from "./profile.ts";
import { OUT } from "./ranked-buckets.ts";

/**
 * What `localScore` says of every node for one class, kept up to date from the cluster's change log: for classes that no index can
 * group, every node is asked for each decision, but only the nodes that changed are scored anew.
 */
export class LocalScores {
  /** By slot. Invariant: after `repair`, what `localScore` says; OUT for slots without a node. */
  scores: Int32Array = new Int32Array(0);
  #revision = -1;
  #capacity = -1;
  #seen = 0;

  repair(cluster: Cluster, pods: PodClass): void {
    const behind = (cluster.changes - this.#seen) | 0;
    const isNew = pods.revision !== this.#revision || cluster.capacity !== this.#capacity;
    if (isNew || behind < 0 || behind > CHANGE_LOG_NODES || behind > cluster.nodes) {
      this.#revision = pods.revision;
      this.#capacity = cluster.capacity;
      this.scores = new Int32Array(cluster.capacity);
      for (let slot = 0; slot < cluster.capacity; slot++) this.#refresh(cluster, pods, slot);
    } else {
      for (let change = this.#seen; change !== cluster.changes; change = (change + 1) | 0) {
        this.#refresh(cluster, pods, cluster.changedAt(change));
      }
    }
    this.#seen = cluster.changes;
  }

  #refresh(cluster: Cluster, pods: PodClass, slot: number): void {
    this.scores[slot] = cluster.live[slot] === 1 ? localScore(cluster, pods, slot) : OUT;
  }
}
