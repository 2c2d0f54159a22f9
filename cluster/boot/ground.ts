import {
  createEventRecorder,
  type EventRecorder,
  type KindTable,
  type Pod,
  type Registry,
  type Replica,
  type StoreClient,
} from "../../actors/mod.ts";
import type { ObjectWrites } from "../../actors/registry/registry.ts";
import type { ObjectView } from "../../actors/store/view.ts";
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

/** What the actors that play nodes stand on, of the cluster or on a machine that has joined it. */
export interface NodeGround {
  readonly view: ObjectView;
  readonly registry: ObjectWrites;
  readonly clock: Clock;
  recorderFor(component: string): EventRecorder;
  /** See LifeWorld. */
  readonly references?: (pod: Pod) => Promise<void>;
}

export function nodeGround(ground: Ground): NodeGround {
  const { view, registry, clock } = ground;
  return { view, registry, clock, recorderFor: (component) => recorderFor(ground, component) };
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
