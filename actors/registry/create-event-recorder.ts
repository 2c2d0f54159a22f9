import { type Clock, type Random, TokenBucket } from "../../runtime/mod.ts";
import type { Namespace } from "../kinds/generated/types.ts";
import { Recent } from "../store/recent.ts";
import { requestIds } from "../store/request-ids.ts";
import type { Mutation, StoreClient } from "../store/transaction.ts";
import type { View } from "../store/view.ts";
import { EventCorrelator, identityOfEvent } from "./event-correlator.ts";
import type { EventRecorder, Regarding } from "./event-recorder.ts";
import type { EventSource, RecordedEvent } from "./event-text.ts";
import { eventName, eventText, involved } from "./event-text.ts";

/** Events that may wait to be written, while the store is away; one more is dropped. */
const EVENT_QUEUE_MAX = 20_000;
/**
 * Events that one component may write at once, and how many a second beyond: what many thousands of pods come to in a minute nobody reads one by one, and
 * each takes as much of the store as a write of its pod. kube-scheduler and kubelets have 100 and 50.
 */
export const EVENTS_BURST = 10_000;
export const EVENTS_PER_S = 200;
/** Events in one transaction. */
export const EVENTS_PER_TRANSACTION = 256;
/** How long the first of a batch waits for others. */
export const EVENT_GATHER_MS = 50;
/** Events whose repetitions are still recognised, as in client-go's correlator. */
export const RECENT_EVENTS_MAX = 4_096;
/** Serial numbers start anywhere below this. */
const SERIALS = 1_000_000;
/** How often one batch starts over because Events in it were changed or deleted by others; what still does not fit is dropped. */
const BATCH_ATTEMPTS_MAX = 8;

export interface EventRecorderOptions {
  /** Who knows whether an Event's namespace still takes it; absent: whoever writes it finds out. */
  readonly view?: Pick<View, "get">;
  readonly store: Pick<StoreClient, "propose">;
  readonly clock: Clock;
  readonly random: Random;
  readonly source: EventSource;
  /** True for components that write by the events.k8s.io API in Kubernetes, where similar Events are not combined. */
  readonly tellsAllApart?: boolean;
}

/** An EventRecorder that can be watched. */
export interface StoredEventRecorder extends EventRecorder {
  /** Events that were dropped since the start: too many, store away, or their namespace gone. */
  readonly dropped: number;
  /** Resolves when everything recorded so far was written or dropped. */
  drained(): Promise<void>;
}

interface Slot extends RecordedEvent {
  readonly identity: string;
  /** Where it was last written; undefined: not yet. */
  revision: number | undefined;
  /** `waiting` is in the queue, `writing` in the transaction under way. */
  state: "idle" | "waiting" | "writing";
  /** It was recorded again since it was last taken up to be written. */
  repeated: boolean;
}

/**
 * Writes Events behind their recorders' backs: gathers what comes within EVENT_GATHER_MS, writes it as one transaction past the door,
 * one at a time, and counts what it has to drop. A repetition of an Event that still waits costs nothing but a number.
 */
export function createEventRecorder(options: EventRecorderOptions): StoredEventRecorder {
  const { view, store, clock, random, source } = options;
  const recent = new Recent<Slot>(RECENT_EVENTS_MAX);
  const correlator = options.tellsAllApart === true ? undefined : new EventCorrelator();
  const nextRequest = requestIds(random);
  const pace = new TokenBucket(EVENTS_BURST, EVENTS_PER_S, clock.monotonic_ms());
  let queue: Slot[] = [];
  // Recorders of several components name Events after the same pods within the same millisecond.
  let serial = random.below(SERIALS);
  let dropped = 0;
  let busy = false;
  let idleWaiters: (() => void)[] = [];

  const becomeIdle = (): void => {
    busy = false;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const wake of waiters) wake();
  };

  const enqueue = (slot: Slot): void => {
    if (queue.length >= EVENT_QUEUE_MAX || !pace.take(clock.monotonic_ms())) {
      drop(slot);
      return;
    }
    slot.state = "waiting";
    queue.push(slot);
    if (busy) return;
    busy = true;
    clock.after(EVENT_GATHER_MS, () => void flush());
  };

  const drop = (slot: Slot): void => {
    dropped++;
    slot.state = "idle";
    recent.forget(slot.identity, slot);
  };

  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.length > EVENTS_PER_TRANSACTION ? queue.slice(0, EVENTS_PER_TRANSACTION) : queue;
      queue = batch === queue ? [] : queue.slice(EVENTS_PER_TRANSACTION);
      await writeBatch(batch.filter(mayBeWritten));
    }
    becomeIdle();
  };

  /** Past the door, the one thing that could change between recording and writing is the namespace. */
  const mayBeWritten = (slot: Slot): boolean => {
    if (view === undefined) return true;
    const namespace = view.get<Namespace>(`namespaces/${slot.namespace}`);
    if (namespace !== undefined && namespace.metadata.deletionTimestamp === undefined) return true;
    drop(slot);
    return false;
  };

  const writeBatch = async (batch: Slot[]): Promise<void> => {
    for (const slot of batch) slot.state = "writing";
    for (let attempt = 0; attempt < BATCH_ATTEMPTS_MAX && batch.length > 0; attempt++) {
      try {
        const outcome = await store.propose({ request: nextRequest(), mutations: batch.map(mutationOf) });
        if (outcome.committed) {
          for (const [i, slot] of batch.entries()) written(slot, outcome.revision + i);
          return;
        }
        const lost = batch[outcome.index];
        if (lost === undefined) break;
        // Someone else changed it: go on from there. It is gone, or its name is taken by a stranger: let this one go.
        if (outcome.actual !== undefined && lost.revision !== undefined) lost.revision = outcome.actual;
        else {
          batch = batch.filter((slot) => slot !== lost);
          drop(lost);
        }
      } catch {
        break;
      }
    }
    for (const slot of batch) drop(slot);
  };

  const mutationOf = (slot: Slot): Mutation => {
    slot.repeated = false;
    const key = `events/${slot.namespace}/${slot.name}`;
    const text = eventText(slot, source);
    return slot.revision === undefined ? { op: "create", key, text } : { op: "update", key, text, expect: slot.revision };
  };

  const written = (slot: Slot, revision: number): void => {
    slot.revision = revision;
    slot.state = "idle";
    if (slot.repeated) enqueue(slot);
  };

  const newSlot = (
    identity: string,
    about: Regarding,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    now_ms: number,
  ): Slot => ({
    identity,
    name: eventName(about.metadata.name, now_ms, serial++),
    namespace: about.metadata.namespace ?? "default",
    uid: random.uuid(),
    about: involved(about),
    type,
    reason,
    message,
    first_ms: now_ms,
    last_ms: now_ms,
    count: 1,
    revision: undefined,
    state: "idle",
    repeated: false,
  });

  return {
    get dropped() {
      return dropped;
    },
    event(about, type, reason, message) {
      const now_ms = clock.now_ms();
      const as = correlator?.correlate(about, type, reason, message, now_ms);
      const identity = as?.identity ?? identityOfEvent(about, type, reason, message);
      let slot = recent.find(identity);
      if (slot === undefined) {
        slot = newSlot(identity, about, type, reason, message, now_ms);
        recent.remember(identity, slot);
      } else {
        slot.count++;
        slot.last_ms = now_ms;
      }
      if (as !== undefined) slot.message = as.message;
      if (as?.written === false) return;
      slot.repeated = true;
      if (slot.state === "idle") enqueue(slot);
    },
    once: (about, type, reason, message) => enqueue(newSlot("", about, type, reason, message, clock.now_ms())),
    drained: () => (busy ? new Promise((resolve) => idleWaiters.push(resolve)) : Promise.resolve()),
  };
}
