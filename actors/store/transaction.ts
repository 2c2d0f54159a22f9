import type { StoredText } from "../kinds/text.ts";
import type { Premises } from "./premises.ts";

/**
 * A key in the store: `<resource>/<namespace>/<name>`, or `<resource>/<name>` for cluster-scoped objects, where `<resource>` is
 * `<plural>` for the core group and `<plural>.<group>` for the others: `pods/default/web-1`, `deployments.apps/default/web`, `nodes/n1`.
 */
export type Key = string;

/** One change of one object, with its precondition. A mutation gets a revision of its own: the first of a transaction r, the next r + 1, ... */
export type Mutation =
  /** Precondition: the key is absent. */
  | ({ readonly op: "create"; readonly key: Key } & StoredText)
  /** Precondition: the key is present at exactly this revision. */
  | ({ readonly op: "update"; readonly key: Key; readonly expect: number } & StoredText)
  /** Precondition: the key is present at exactly this revision. */
  | { readonly op: "delete"; readonly key: Key; readonly expect: number };

/** All of it happens, or nothing. */
export interface Transaction {
  /** Unique to this attempt and all its retries: a transaction that was applied before answers as it did then. */
  readonly request: string;
  readonly mutations: readonly Mutation[];
  readonly premises?: Premises;
}

/** In an Outcome that was not committed: its premises do not hold, rather than a mutation's precondition; `actual` is the revision of the touch. */
export const PREMISES_BROKEN = -1;

export type Outcome =
  /** `revision` is the first mutation's; the i-th has `revision + i`. Durable when answered. */
  | { readonly committed: true; readonly revision: number }
  /** The first mutation whose precondition failed, or PREMISES_BROKEN, and the key's revision now (undefined: absent). */
  | { readonly committed: false; readonly index: number; readonly actual: number | undefined };

/** Proposes transactions to the writer of the store. */
export interface StoreClient {
  /**
   * Rejects with StoreUnavailable when no writer answered in time (retried within the deadline with the same request id), with
   * ObjectTooLarge when a text is over OBJECT_BYTES_MAX. While `insists` says so there is no deadline: an attempt without an answer may still be
   * applied, and whoever would decide anew had better know.
   */
  propose(transaction: Transaction, insists?: () => boolean): Promise<Outcome>;
  /** The writer's committed revision, for consistent reads. Calls made in the same turn share one question. */
  committedRevision(): Promise<number>;
}
