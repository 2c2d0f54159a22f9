/** How the resources of a node are scored, by column; plain data that crosses threads. */
export interface ResourceScoring {
  /** What NodeResourcesFit scores; undefined: LeastAllocated over cpu and memory, weight 1 each. */
  readonly fit: FitScoring | undefined;
  /** The columns that NodeResourcesBalancedAllocation balances; undefined: cpu and memory. */
  readonly balanced: Int32Array | undefined;
}

export interface FitScoring {
  readonly strategy: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  readonly columns: Int32Array;
  readonly weights: Int32Array;
  /** For RequestedToCapacityRatio: the score (0 to 100) at each utilization (0 to 100, ascending). */
  readonly shape: readonly { readonly utilization: number; readonly score: number }[];
}

/** The plugins of a profile by what they may do. */
export interface SchedulingProfile {
  /** Tells the profiles of one cluster apart; "" is the default profile. */
  readonly key: string;
  /** Names of plugins that do not filter. */
  readonly filtersOff: ReadonlySet<string>;
  /** The weight of each plugin's score where it is not the plugin's own; 0: it does not score. */
  readonly weights: Readonly<Record<string, number>>;
  readonly scoring: ResourceScoring | undefined;
}

export const DEFAULT_PROFILE: SchedulingProfile = { key: "", filtersOff: new Set(), weights: {}, scoring: undefined };
