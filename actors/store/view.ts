import type { KubeObject } from "../kinds/object.ts";
import type { StoredText } from "../kinds/text.ts";
import type { Key } from "./transaction.ts";

/** One stored object. Immutable: a change makes a new Entry. Its text may be put together at each reading, so who needs it twice keeps it. */
export interface Entry extends StoredText {
  readonly key: Key;
  readonly revision: number;
}

/** One change, as watchers see it. Changes of one resource arrive in revision order, each exactly once. */
export interface Change {
  readonly resource: string;
  readonly revision: number;
  /** What the key holds now; undefined when deleted. */
  readonly now: Entry | undefined;
  /** What it held before; undefined when created. */
  readonly before: Entry | undefined;
}

export interface Subscription {
  cancel(): void;
}

/** Extracts the values under which an object is found in an index. Pure; called once per change. */
export interface IndexDefinition {
  readonly name: string;
  readonly resource: string;
  values(object: KubeObject): readonly string[];
  /**
   * The same, read from the stored text, where that can be done without decoding the object: then it is used in place of `values`, and a
   * change that only such indexes look at costs no decoding. It may find too much but never too little; who looks up checks what it finds.
   */
  valuesOfText?(entry: Entry): readonly string[];
}

/** Thrown when a revision lies outside the history window: Kubernetes' 410 Expired. */
export class RevisionExpired extends Error {
  override readonly name = "RevisionExpired";
  readonly oldest: number;
  constructor(oldest: number) {
    super(`the oldest revision still known is ${oldest}`);
    this.oldest = oldest;
  }
}

/** What is seen of the objects that somebody follows, whether by the log of the store or by the API. Reads are synchronous and cost no I/O. */
export interface ObjectView {
  /** The newest applied revision. */
  readonly revision: number;
  entry(key: Key): Entry | undefined;
  /** The decoded object, from a bounded cache; shared and never to be changed. */
  get<T extends KubeObject>(key: Key): T | undefined;
  decode<T extends KubeObject>(entry: Entry): T;
  /** Entries of a resource (in one namespace, or all) in key order. */
  list(resource: string, namespace?: string): readonly Entry[];
  /** Declares an index; existing objects are indexed at once. Declaring the same name again is a no-op. */
  index(definition: IndexDefinition): void;
  byIndex(name: string, value: string): readonly Entry[];
  /**
   * Calls `apply` for each change of the resource after revision `since`: at once for those in the history window, later for those to
   * come. `apply` must not throw and must be quick; it runs inside the view's turn. Throws RevisionExpired.
   */
  watch(resource: string, since: number, apply: (change: Change) => void): Subscription;
  /** Calls `apply` once after each batch of changes has been applied and all watchers were told. */
  afterBatch(apply: (revision: number) => void): Subscription;
}

/** What actors on a host see of the store: its replica there, as of `revision`. */
export interface View extends ObjectView {
  /** Resolves when the replica has applied this revision; rejects with StoreUnavailable after the deadline. */
  until(revision: number, deadline_ms?: number): Promise<void>;
  /** The list of a resource as it was at an earlier revision. Throws RevisionExpired. */
  listAt(revision: number, resource: string, namespace?: string): readonly Entry[];
  /** How many there are (in one namespace, or in all), without listing them. */
  count(resource: string, namespace?: string): number;
  /** The changes of the resource after revision `since` so far, oldest first, at most `max` of them. Throws RevisionExpired. */
  changesAfter(resource: string, since: number, max: number): readonly Change[];
}
