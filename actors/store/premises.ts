/**
 * What a transaction rests on beyond the keys that it changes: that nobody else has touched certain things since it was worked out. A name is
 * whatever its users agree on; the store only compares.
 */
export interface Premises {
  /** Who rests on them; what it touched itself it knows of. */
  readonly by: string;
  /** The revision up to which `by` has taken everything into account. */
  readonly seen: number;
  /** Nobody else may have touched these after `seen`. */
  readonly checks: readonly string[];
  readonly touches: readonly string[];
}

/** Names that are remembered; beyond them all begins anew. */
const NAMES_MAX = 200_000;

interface Touch {
  by: string;
  revision: number;
  /** When somebody other than `by` last touched it. */
  others: number;
}

/**
 * Who touched what, and when. In memory only: what was touched before `floor` is not known, and counts as touched then. Invariant: for each
 * name and each `by`, it is known when anybody else last touched it.
 */
export class PremiseTable {
  readonly #touches = new Map<string, Touch>();
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  /** Begins anew: up to this revision anything may have been touched. */
  reset(floor: number): void {
    this.#touches.clear();
    this.#floor = floor;
  }

  /** The revision of a touch by somebody else that `by` has not seen; undefined: all holds. */
  broken({ by, seen, checks }: Premises): number | undefined {
    for (const name of checks) {
      const touch = this.#touches.get(name);
      const last = touch === undefined ? this.#floor : touch.by === by ? touch.others : touch.revision;
      if (last > seen) return last;
    }
    return undefined;
  }

  /** The transaction will be committed at this revision. */
  touch({ by, touches }: Premises, revision: number): void {
    for (const name of touches) {
      const touch = this.#touches.get(name);
      if (touch === undefined) {
        if (this.#touches.size >= NAMES_MAX) this.reset(revision);
        this.#touches.set(name, { by, revision, others: this.#floor });
        continue;
      }
      if (touch.by !== by) touch.others = touch.revision;
      touch.by = by;
      touch.revision = revision;
    }
  }
}
