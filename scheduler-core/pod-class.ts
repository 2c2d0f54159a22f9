import type { Relations } from "./relations.ts";
import type { ResourceScoring } from "./scheduling-profile.ts";
import type { Usage } from "./usage.ts";

/**
 * Pods that are alike for the scheduler, as a worker sees them. Nodes with the same raw static scores for the class form a group:
 * what is normalised over all feasible nodes is worked out per group, not per node.
 */
export interface PodClass {
  /** Unique in its cluster, never used again. */
  readonly id: number;
  /** Equal for pods of one class that other pods have the same say in; 0: none has. */
  readonly relationsId: number;
  /** Equal for classes with the same `verdicts` and `groups`; unique in its cluster, never used again. */
  readonly staticsId: number;
  /** By slot: the group of nodes (>= 0), or the negated reason of a static rejection. In a SharedArrayBuffer. */
  readonly verdicts: Int32Array;
  /** Changes when `verdicts` was worked out anew as a whole. */
  readonly revision: number;
  /** How many live nodes `verdicts` rejects. */
  readonly rejected: number;
  /** The raw score of each of FIXED_SCORES for each group: `group * FIXED_SCORES.length + i`. */
  readonly groups: Int32Array;
  /** For each of FIXED_SCORES, USAGE_SCORES and PEER_PLUGINS the weight of what it scores for these pods; 0: nothing. */
  readonly weights: Int32Array;
  /** For each of USAGE_FILTERS and then PEER_PLUGINS whether it may reject nodes: 1 or 0. */
  readonly filters: Uint8Array;
  /** Undefined: as the default profile has it. */
  readonly scoring: ResourceScoring | undefined;
  readonly usage: Usage;
  readonly priority: number;
  /** The marks that a pod of the class raises where it is. */
  readonly marks: Int32Array;
  /** Undefined: no other pod has a say in where these go. */
  readonly relations: Relations | undefined;
}
