type Labels = Readonly<Record<string, string>>;

/** A node that came (no labels before), went (none now) or got other labels or taints. */
export interface NodeMove {
  readonly before: Labels | undefined;
  readonly now: Labels | undefined;
  readonly isRetainted: boolean;
}

/** What has changed among pods and nodes that may let a pod in which other pods kept out. */
export interface Stir {
  /** Marks that more pods raise. */
  readonly raised: ReadonlySet<number>;
  /** Marks that fewer pods raise. */
  readonly lowered: ReadonlySet<number>;
  readonly moves: readonly NodeMove[];
  /** Namespaces have other labels, and some term asks for these. */
  readonly isRenamed: boolean;
  /** The topology key of a column. */
  keyOf(column: number): string;
}

/** Whether a node that stayed is in another domain of the key. */
export function hasMoved({ before, now }: NodeMove, key: string): boolean {
  return before !== undefined && now !== undefined && before[key] !== now[key];
}
