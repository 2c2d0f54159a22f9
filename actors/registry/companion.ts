import type { KubeObject } from "../kinds/object.ts";
import type { StatusError } from "../kinds/status.ts";
import type { Mutation } from "../store/transaction.ts";

/** An object together with the changes of others that must happen with it. */
export interface Plan<T extends KubeObject> {
  readonly object: T;
  readonly mutations: readonly Mutation[];
}

/**
 * Objects that live and die with another, in the same transaction: the addresses and ports that a Service holds. They make an
 * allocation unique by construction, since two transactions cannot both create the same key.
 */
export interface Companion<T extends KubeObject = KubeObject> {
  readonly resource: string;
  /** Before validation: what was given to the object stays with it unless the client took it off. */
  keep(next: T, current: T): T;
  /** After validation: fills in what has to be allocated. Throws a StatusError when nothing is left or the wish cannot be met. */
  plan(next: T, current: T | undefined): Plan<T>;
  /** What goes when the object goes. */
  release(current: T): readonly Mutation[];
  /** The refusal when this mutation of the plan met a key that is taken, or undefined when another choice may be tried. */
  refusal(next: T, requested: T, mutation: Mutation): StatusError | undefined;
}
