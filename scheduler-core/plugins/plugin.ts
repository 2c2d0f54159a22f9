import type { Cluster } from "../cluster.ts";
import type { NodeFacts, PodFacts, WorldFacts } from "../facts.ts";
import type { PodClass } from "../pod-class.ts";
import type { Reason } from "../reason.ts";
import type { Relations } from "../relations.ts";
import type { ResourceScoring } from "../scheduling-profile.ts";
import type { Stir } from "../stir.ts";
import type { KeyDomains, Tallies } from "../tallies.ts";
import type { Usage } from "../usage.ts";

/** The top of every plugin's score before its weight. */
export const SCORE_MAX = 100;

/** Why a node rejected a pod for the moment, and whether removing pods from it could help. */
export interface Rejection {
  readonly reasons: readonly Reason[];
  readonly resolvable: boolean;
}

/** What a plugin has found out about all nodes for one decision, asked node by node. */
export interface PeerFilter {
  /** NO_REASON when the node will do. Hot: called for every node that the filters before it let pass. */
  reject(slot: number): Reason;
  /** A pod that raises these marks has come to the node (1) or left it (-1), in the cluster too. Source: kube-scheduler's AddPod, RemovePod. */
  moved(slot: number, marks: Int32Array, sign: 1 | -1): void;
}

/**
 * What a plugin makes of all nodes that are alike to it. Where every plugin that is concerned has one, an index decides; it agrees with
 * `filter` and `score`, which ask node by node. Counts of pods come from tallies, which the index keeps current.
 */
export interface GroupJudge {
  /** How many whole numbers tell nodes apart to it, beyond the domains of coarse keys. */
  readonly traits: number;
  /** Writes them for a node, from `at` on. */
  traitsOf(cluster: Cluster, slot: number, into: Int32Array, at: number): void;
  /** Whether the nodes of a group pass. Hot: asked of every group for each decision. */
  passes(groups: Groups, group: number): boolean;
  /** Adds its normalised scores of the feasible groups, times the weight. */
  addScores(groups: Groups, feasible: Int32Array, count: number, weight: number, totals: Int32Array): void;
}

/** Nodes in groups, each told apart by its domains and traits. */
export interface Groups {
  /** The domain of a coarse key that the group is in; NO_DOMAIN: none. */
  domain(group: number, key: KeyDomains): number;
  /** A trait of the group, by number of the judge's first one on. */
  trait(group: number, number: number): number;
  /** How many nodes of the group would take the pod, were it not for other pods' say. */
  members(group: number): number;
}

/**
 * One scheduling plugin: what it asks of class and node alone (worked out once and remembered), what it asks of usage (asked
 * again whenever a node's pods change), and what it asks about pods on all nodes (worked out for each decision, of classes that it
 * concerns). A plugin has the parts that it needs. Source: kube-scheduler's Filter, Score, NormalizeScore.
 */
export interface Plugin {
  /** Kubernetes' name. */
  readonly name: string;
  /** By which its score, 0 to SCORE_MAX, is multiplied. 0: it only filters. */
  readonly weight: number;
  readonly fixed?: {
    /** NO_REASON when the node will do. A static rejection can never be helped by removing pods. */
    filter?(pod: PodFacts, node: NodeFacts): Reason;
    /** Whether pods of these facts are scored at all (kube-scheduler's Skip); absent: always. */
    applies?(pod: PodFacts): boolean;
    score?(pod: PodFacts, node: NodeFacts, world: WorldFacts): number;
    /** The score of a raw value, when `max` is the highest among the feasible nodes. Absent: the raw value is the score. */
    normalize?(raw: number, max: number): number;
  };
  readonly usage?: {
    /** Hot: called for every changed node of every decision. */
    fits?(cluster: Cluster, usage: Usage, slot: number): boolean;
    /** Called only when `fits` has said no. */
    reject?(cluster: Cluster, usage: Usage, slot: number): Rejection;
    /** Whether pods of this usage are scored at all; absent: always. */
    applies?(usage: Usage, scoring: ResourceScoring | undefined): boolean;
    /** Hot. 0 to SCORE_MAX, as if the pod were there. */
    score?(cluster: Cluster, usage: Usage, slot: number, scoring: ResourceScoring | undefined): number;
  };
  readonly peers?: {
    /** Whether the plugin has anything to say of these pods, as the cluster is. */
    concerns(cluster: Cluster, pods: PodClass): boolean;
    /** Undefined: every node passes (kube-scheduler's Skip). */
    filter(cluster: Cluster, pods: PodClass): PeerFilter | undefined;
    /** Whether what has changed can let in pods that it rejected. Source: kube-scheduler's queueing hints. */
    helpedBy(stir: Stir, relations: Omit<Relations, "eligible">, pods: PodFacts): boolean;
    /** The normalised scores of the feasible nodes in their order; undefined: not scored at all. */
    score(cluster: Cluster, pods: PodClass, slots: Int32Array): Int32Array | undefined;
    /**
     * The same said of groups; `first` is the number of its first trait. Absent: classes that the plugin concerns are decided by
     * asking every node.
     */
    judge?(relations: Relations, tallies: Tallies, first: number): GroupJudge;
  };
}

/** Kubernetes' DefaultNormalizeScore: the highest becomes SCORE_MAX. */
export function normalizeUp(raw: number, max: number): number {
  return max === 0 ? raw : Math.floor((raw * SCORE_MAX) / max);
}

/** The same, reversed: the highest becomes 0. */
export function normalizeDown(raw: number, max: number): number {
  return max === 0 ? SCORE_MAX : SCORE_MAX - Math.floor((raw * SCORE_MAX) / max);
}
