import type { Key, Mutation } from "./transaction.ts";

/** Why a transaction cannot be applied. */
export interface Conflict {
  /** The first mutation whose precondition fails. */
  readonly index: number;
  /** The revision of its key now; undefined: absent. */
  readonly actual: number | undefined;
}

/**
 * The revisions of keys as they will be when the batch under construction is committed: what the transactions of one batch see of one
 * another. `undefined` in the map: deleted by this batch.
 */
export class Overlay {
  readonly #changed = new Map<Key, number | undefined>();
  readonly #committed: (key: Key) => number | undefined;

  constructor(committed: (key: Key) => number | undefined) {
    this.#committed = committed;
  }

  /** Checks the mutations in order, each seeing those before it; undefined when all may be applied, the first at `firstRevision`. */
  check(mutations: readonly Mutation[], firstRevision: number): Conflict | undefined {
    // Only transactions over several keys need to see their own effects.
    const own = mutations.length > 1 ? new Map<Key, number | undefined>() : undefined;
    for (let index = 0; index < mutations.length; index++) {
      const mutation = mutations[index] as Mutation;
      const key = mutation.key;
      const actual = own?.has(key) ? own.get(key) : this.#changed.has(key) ? this.#changed.get(key) : this.#committed(key);
      if (actual !== (mutation.op === "create" ? undefined : mutation.expect)) return { index, actual };
      own?.set(key, mutation.op === "delete" ? undefined : firstRevision + index);
    }
    return undefined;
  }

  apply(mutations: readonly Mutation[], firstRevision: number): void {
    for (let index = 0; index < mutations.length; index++) {
      const mutation = mutations[index] as Mutation;
      this.#changed.set(mutation.key, mutation.op === "delete" ? undefined : firstRevision + index);
    }
  }
}
