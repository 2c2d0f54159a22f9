/** A mark counted by the domains of a topology key: which pods, and where they are "together". */
export interface MarkedKey {
  readonly mark: number;
  readonly key: number;
  /** Domains that the key has, so that a counter has room for all. */
  readonly domains: number;
}

export interface WeighedKey extends MarkedKey {
  readonly weight: number;
}

export interface SpreadRule extends MarkedKey {
  readonly maxSkew: number;
  readonly minDomains: number;
  /** Whether the pod itself is one that is counted. */
  readonly countsItself: boolean;
  /** The label is the node's own name: one node, one domain. */
  readonly isHostname: boolean;
  /** No pod counts: the selector is empty. Source: countPodsMatchSelector, which takes that for nothing. */
  readonly countsNobody: boolean;
  /** Bits that a node's `eligible` must have for its pods to count. */
  readonly needs: number;
}

/** What placing pods of a class depends on beyond the node itself: where its peers are. Plain data that crosses threads. */
export interface Relations {
  /** Required affinity; all with the mark of the pods that match every term. */
  readonly affinity: readonly MarkedKey[];
  /** The pod matches its own affinity, so the first of a group finds a place. */
  readonly matchesItself: boolean;
  readonly antiAffinity: readonly MarkedKey[];
  /** Required anti-affinity of others that means this pod. */
  readonly repelled: readonly MarkedKey[];
  /** What scores: its own preferences, and the affinity of others that means this pod. */
  readonly weighed: readonly WeighedKey[];
  readonly hardSpread: readonly SpreadRule[];
  readonly softSpread: readonly SpreadRule[];
  readonly spreadNeedsAllKeys: boolean;
  /** Marks of pods that use a claim which only one pod may use. */
  readonly exclusive: readonly number[];
  /** By slot: MATCHES_AFFINITY and TOLERATES_TAINTS. In a SharedArrayBuffer; empty where no rule needs it. */
  readonly eligible: Uint8Array;
}

/** Bits of `eligible`. */
export const MATCHES_AFFINITY = 1;
export const TOLERATES_TAINTS = 2;
