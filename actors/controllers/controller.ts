import type { Namespace } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Regarding } from "../registry/event-recorder.ts";
import type { Author, DeleteOptions } from "../registry/registry.ts";
import type { Key } from "../store/transaction.ts";
import type { Change, IndexDefinition, Subscription, View } from "../store/view.ts";

/** An Event to record. In `message`, `{name}` stands for the name of the object written and `{error}` for the refusal's message. */
export interface Note {
  readonly about: Regarding;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Events that go with a write: one when it is done, one when it is refused. */
export interface Notes {
  readonly done?: Note;
  readonly refused?: Note;
}

/** One write through the registry. `uid` pins the object that was meant: another one of the same name is left alone. */
export type Write =
  | { readonly do: "create"; readonly kind: Kind; readonly object: KubeObject; readonly notes?: Notes }
  | { readonly do: "updateStatus"; readonly kind: Kind; readonly of: KubeObject; readonly status: object }
  | {
      readonly do: "modify";
      readonly kind: Kind;
      readonly of: KubeObject;
      /** Gets the current object (a private copy) and returns the next, or undefined to leave it. May run more than once. */
      readonly change: (current: KubeObject) => KubeObject | undefined;
      readonly subresource?: "status" | "approval";
      readonly notes?: Notes;
    }
  /** Sets the replicas of exactly this state of a workload, through its `scale` subresource. */
  | { readonly do: "scale"; readonly kind: Kind; readonly of: KubeObject; readonly replicas: number; readonly notes?: Notes }
  /** Sets a namespace's spec.finalizers (its `finalize` subresource). */
  | { readonly do: "finalize"; readonly kind: Kind; readonly of: Namespace; readonly finalizers: readonly string[] }
  | { readonly do: "delete"; readonly kind: Kind; readonly of: KubeObject; readonly options?: DeleteOptions; readonly notes?: Notes };

/** What a controller wants done. All actions of one round run at the same time, except inside `inOrder` and `slowStart`. */
export type Action =
  | Write
  | { readonly do: "event"; readonly note: Note }
  /** Look at the key again after this long, even if nothing has changed. */
  | { readonly do: "requeue"; readonly after_ms: number }
  /** Work that takes time, such as signing; what it comes to is done then. When it throws, the key is looked at again a little later. */
  | { readonly do: "work"; readonly work: () => Promise<readonly Action[]> }
  /** One step after another; the first that fails ends it. */
  | { readonly do: "inOrder"; readonly steps: readonly Action[] }
  /** All at the same time, as one step; it fails when one of them does. */
  | { readonly do: "together"; readonly actions: readonly Action[] }
  /**
   * In batches of 1, 2, 4, 8, ...; a batch with a refusal is the last. So a quota that is full costs one refused request and not 500.
   * Source: slowStartBatch of Kubernetes' controller_utils.
   */
  | { readonly do: "slowStart"; readonly writes: readonly Write[] };

/** A write that was refused, and why. */
export interface Refusal {
  readonly write: Write;
  readonly error: Error;
}

/** Calls back for every custom kind that there is and that comes, see KindTable. */
export type HearOfCustom = (hear: (kind: Kind) => void) => Subscription;

export interface Watch {
  readonly resource: string;
  /** The keys that a change touches. Called for every object at the start and for every change; must be cheap and must not change anything. */
  keys(change: Change, view: View): readonly Key[];
}

/**
 * A controller: what it watches, how a change becomes the keys of what must be looked at again, and the decision itself. All keys are
 * keys of the store. `reconcile` is pure: it reads the view, and returns what to do. The actor around it (controller-actor.ts) owns
 * queueing, retries, waiting for its own writes and Events, so that no controller has to.
 */
export interface Controller {
  /** The key of its actor: `deployment` is `controller/deployment`. */
  readonly name: string;
  /** The source of its Events: `deployment-controller`. */
  readonly component: string;
  /** As whom it writes, in reviews; by default the service account that is called as its `component`. */
  readonly author?: Author;
  /** Who manages the fields that it writes, where it is not the controllers' process. */
  readonly fieldManager?: string;
  /** The kind of the objects that its keys name, where it is one; for Events about a reconcile that throws. */
  readonly kind?: Kind;
  readonly watches: readonly Watch[];
  readonly indexes?: readonly IndexDefinition[];
  /** Where it hears of more to watch while it runs, each once. */
  readonly more?: (watch: (watch: Watch, indexes: readonly IndexDefinition[]) => void) => Subscription;
  /** Keys that are worked on at the same time; CONTROLLER_CONCURRENCY by default. */
  readonly concurrency?: number;
  /** The least time between two rounds of one key, so that a burst of changes becomes few rounds; 0 by default. It may grow with what a round looks at. */
  readonly pace_ms?: number | ((view: View) => number);
  /** How long a key waits after a write was refused; by default a little at first, and longer each time. */
  readonly retry_ms?: number;
  /** How long it waits after the first refusal, where it then waits longer each time; RETRY_FIRST_MS by default. */
  readonly retryFirst_ms?: number;
  reconcile(view: View, key: Key, now_ms: number): readonly Action[];
  /** What to do about refused writes, at once and before the key is tried again with backoff. Pure as well. */
  refused?(view: View, key: Key, now_ms: number, refusals: readonly Refusal[]): readonly Action[];
  readonly resync?: Resync;
}

/** Keys to look at every so often although nothing has changed. */
export interface Resync {
  readonly period_ms: number;
  /** In how many parts a period looks, spread over its time, where all at once would hold up everybody else on the thread. */
  parts?(view: View): number;
  /** Those of one part, or of all. */
  keys(view: View, now_ms: number, part?: Part): Iterable<Key>;
}

/** The first of four is `{ index: 0, of: 4 }`. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

const WHOLE: Part = { index: 0, of: 1 };

/** The elements of one part. */
export function partOf<T>(all: readonly T[], { index, of }: Part = WHOLE): readonly T[] {
  return of === 1 ? all : all.slice(Math.floor((all.length * index) / of), Math.floor((all.length * (index + 1)) / of));
}

export const NOTHING: readonly Action[] = [];
/** As soon as what was done has been seen. */
export const LOOK_AGAIN: Action = { do: "requeue", after_ms: 0 };
export const NO_KEYS: readonly Key[] = [];
