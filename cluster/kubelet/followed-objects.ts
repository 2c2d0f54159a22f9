import { encodeObject } from "../../actors/kinds/text.ts";
import type { KubeObject } from "../../actors/mod.ts";
import { resourceOfKey } from "../../actors/store/resource-table.ts";
import { DecodedCache, StoredEntry } from "../../actors/store/stored-entry.ts";
import type { Key } from "../../actors/store/transaction.ts";
import type { Change, Entry, IndexDefinition, ObjectView, Subscription } from "../../actors/store/view.ts";
import type { Logger } from "../../runtime/mod.ts";

/** A node has some hundred pods, each with a few objects. */
const DECODED_OBJECTS_MAX = 4_096;

interface Followed {
  readonly entries: Map<Key, StoredEntry>;
  readonly watchers: Set<(change: Change) => void>;
  readonly indexes: IndexDefinition[];
  /** In key order; undefined since something came or went. */
  sorted: readonly Entry[] | undefined;
}

/**
 * The objects of which a node hears by the API, as its actors see them. Several follow different objects of one resource, each at its own pace, so revisions are
 * compared for one object only: who says less of it than is known is not heard. Nobody on a machine asks for the past: there is none.
 */
export class FollowedObjects implements ObjectView {
  readonly #log: Logger;
  readonly #cache = new DecodedCache(DECODED_OBJECTS_MAX);
  readonly #resources = new Map<string, Followed>();
  readonly #definitions = new Map<string, IndexDefinition>();
  readonly #indexed = new Map<string, Map<string, Set<Key>>>();
  readonly #afterBatch = new Set<(revision: number) => void>();
  #revision = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The newest of any object. */
  get revision(): number {
    return this.#revision;
  }

  /** An object as the API says it is now. */
  put(key: Key, object: KubeObject): void {
    const entry = entryOf(key, object);
    const before = this.entry(key);
    // One that was made anew under its name has a higher revision, too.
    if (before !== undefined && entry.revision <= before.revision) return;
    this.#apply(resourceOfKey(key), key, entry);
    this.#tellAfterBatch();
  }

  /** The answer to a write, which may be older than what is known; of what is not here, or not any more, it tells nothing. */
  update(key: Key, object: KubeObject): void {
    if (this.entry(key) !== undefined) this.put(key, object);
  }

  remove(key: Key): void {
    this.#apply(resourceOfKey(key), key, undefined);
    this.#tellAfterBatch();
  }

  /** All that there is of a resource, or of the part of it that `isPart`, whatever was known: the store may be one that was put back from a backup. */
  replace(resource: string, objects: ReadonlyMap<Key, KubeObject>, isPart: (key: Key) => boolean): void {
    const gone = [...this.#followed(resource).entries.keys()].filter((key) => isPart(key) && !objects.has(key));
    for (const key of gone) this.#apply(resource, key, undefined);
    for (const [key, object] of objects) this.#apply(resource, key, entryOf(key, object));
    this.#tellAfterBatch();
  }

  entry(key: Key): Entry | undefined {
    return this.#resources.get(resourceOfKey(key))?.entries.get(key);
  }

  get<T extends KubeObject>(key: Key): T | undefined {
    const entry = this.entry(key);
    return entry === undefined ? undefined : this.decode<T>(entry);
  }

  decode<T extends KubeObject>(entry: Entry): T {
    return this.#cache.decode(entry) as T;
  }

  list(resource: string, namespace?: string): readonly Entry[] {
    const followed = this.#resources.get(resource);
    if (followed === undefined) return [];
    followed.sorted ??= [...followed.entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return namespace === undefined ? followed.sorted : followed.sorted.filter(({ key }) => key.startsWith(`${resource}/${namespace}/`));
  }

  index(definition: IndexDefinition): void {
    if (this.#definitions.has(definition.name)) return;
    this.#definitions.set(definition.name, definition);
    this.#indexed.set(definition.name, new Map());
    const followed = this.#followed(definition.resource);
    followed.indexes.push(definition);
    for (const entry of followed.entries.values()) this.#file(definition, undefined, entry);
  }

  byIndex(name: string, value: string): readonly Entry[] {
    const definition = this.#definitions.get(name);
    if (definition === undefined) throw new Error(`no index ${name} was declared`);
    const { entries } = this.#followed(definition.resource);
    return [...(this.#indexed.get(name)?.get(value) ?? [])].flatMap((key) => entries.get(key) ?? []);
  }

  watch(resource: string, since: number, apply: (change: Change) => void): Subscription {
    if (since !== this.#revision) throw new Error(`a machine knows no past: watch from ${this.#revision}, not from ${since}`);
    const { watchers } = this.#followed(resource);
    watchers.add(apply);
    return { cancel: () => void watchers.delete(apply) };
  }

  afterBatch(apply: (revision: number) => void): Subscription {
    this.#afterBatch.add(apply);
    return { cancel: () => void this.#afterBatch.delete(apply) };
  }

  #followed(resource: string): Followed {
    let followed = this.#resources.get(resource);
    if (followed === undefined) {
      followed = { entries: new Map(), watchers: new Set(), indexes: [], sorted: undefined };
      this.#resources.set(resource, followed);
    }
    return followed;
  }

  #apply(resource: string, key: Key, now: StoredEntry | undefined): void {
    const followed = this.#followed(resource);
    const before = followed.entries.get(key);
    if (now?.revision === before?.revision) return;
    if (now === undefined) followed.entries.delete(key);
    else followed.entries.set(key, now);
    followed.sorted = undefined;
    for (const definition of followed.indexes) this.#file(definition, before, now);
    this.#revision = Math.max(this.#revision, now?.revision ?? 0);
    const change: Change = { resource, revision: now?.revision ?? this.#revision, now, before };
    for (const watcher of followed.watchers) {
      try {
        watcher(change);
      } catch (error) {
        followed.watchers.delete(watcher);
        this.#log.error({ resource, error: String(error) }, "a watcher threw and is cut off");
      }
    }
  }

  #file(definition: IndexDefinition, before: Entry | undefined, now: Entry | undefined): void {
    const index = this.#indexed.get(definition.name) as Map<string, Set<Key>>;
    const valuesOf = (entry: Entry): readonly string[] => definition.valuesOfText?.(entry) ?? definition.values(this.decode(entry));
    if (before !== undefined) {
      for (const value of valuesOf(before)) {
        const keys = index.get(value);
        keys?.delete(before.key);
        if (keys?.size === 0) index.delete(value);
      }
    }
    if (now !== undefined) for (const value of valuesOf(now)) index.set(value, (index.get(value) ?? new Set()).add(now.key));
  }

  #tellAfterBatch(): void {
    for (const apply of this.#afterBatch) apply(this.#revision);
  }
}

/** An object of the API in the form that the store would have it in. */
export function entryOf(key: Key, object: KubeObject): StoredEntry {
  return new StoredEntry(key, Number(object.metadata.resourceVersion ?? 0), encodeObject(object));
}
