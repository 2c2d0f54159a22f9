import {
  createEventRecorder,
  type EventRecorder,
  type KindTable,
  type Registry,
  type Replica,
  type StoreClient,
} from "../../actors/mod.ts";
import type { ActorKind, Clock, Message, Random } from "../../runtime/mod.ts";

/** What the actors of a host stand on. */
export interface Ground {
  readonly view: Replica;
  readonly store: StoreClient;
  readonly registry: Registry;
  readonly kinds: KindTable;
  readonly clock: Clock;
  readonly random: Random;
}

export function recorderFor(
  { view, store, clock, random }: Ground,
  component: string,
  special: { readonly tellsAllApart?: boolean } = {},
): EventRecorder {
  return createEventRecorder({ view, store, clock, random, source: { component }, ...special });
}

// A kind of one union of messages is none of all messages to the compiler; a host hands each only what was sent to it.
export function anyKinds(...kinds: readonly unknown[]): readonly ActorKind<Message>[] {
  return kinds as readonly ActorKind<Message>[];
}
