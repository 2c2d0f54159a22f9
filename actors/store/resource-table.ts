import type { Clock, Logger } from "../../runtime/mod.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { StoredText } from "../kinds/text.ts";
import { HashTable } from "./hash-table.ts";
import { History } from "./history.ts";
import { IndexTable } from "./index-table.ts";
import type { StoredRecord } from "./record.ts";
import { Settling } from "./settling.ts";
import { SharedManagers } from "./shared-managers.ts";
import type { Place } from "./shelf.ts";
import { byKey, merge, Shelf } from "./shelf.ts";
import type { DecodedCache } from "./stored-entry.ts";
import { StoredEntry } from "./stored-entry.ts";
import { TextTemplates } from "./text-templates.ts";
import type { Key } from "./transaction.ts";
import type { Change, Entry, IndexDefinition } from "./view.ts";
import { Watchers } from "./watchers.ts";

const NO_ENTRIES: readonly Entry[] = [];

/** The resource part of a key: `pods` of `pods/default/web-1`. */
export function resourceOfKey(key: Key): string {
  return key.slice(0, key.indexOf("/"));
}

/** The namespace part of a key; "" for cluster-scoped objects. */
export function namespaceOfKey(key: Key): string {
  const start = key.indexOf("/") + 1;
  const end = key.indexOf("/", start);
  return end < 0 ? "" : key.slice(start, end);
}

/** The last part of a key: the object's name. */
export function nameOfKey(key: Key): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

/** All that a replica holds of one resource: its objects by key and by namespace, its latest changes, its indexes and those who watch it. */
export class ResourceTable {
  readonly resource: string;
  /** What all its keys begin with. */
  readonly prefix: string;
  readonly watchers: Watchers;
  readonly history: History;
  readonly #decode: (entry: Entry) => KubeObject;
  readonly #places = new HashTable<Place>((place) => place.key);
  readonly #shelves = new Map<string, Shelf>();
  readonly #indexes: IndexTable[] = [];
  readonly #managers = new SharedManagers();
  readonly #templates = new TextTemplates();
  readonly #settling: Settling;
  #listed: readonly Entry[] | undefined = NO_ENTRIES;

  constructor(resource: string, cache: DecodedCache, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.resource = resource;
    this.#settling = new Settling(clock);
    this.prefix = `${resource}/`;
    this.watchers = new Watchers(log);
    this.history = new History(resource, (key) => this.entry(key));
    this.#decode = (entry) => cache.decode(entry);
  }

  count(namespace: string | undefined): number {
    return namespace === undefined ? this.#places.size : (this.#shelves.get(namespace)?.count ?? 0);
  }

  entry(key: Key): StoredEntry | undefined {
    return this.#places.find(key)?.entry;
  }

  /** Applies one record and returns the change, which is in the history from now on. Throws when the log contradicts itself. */
  apply(record: StoredRecord): Change {
    const place = this.#places.find(record.key);
    const before = place?.entry;
    if ((record.op === "create") !== (before === undefined)) {
      throw new Error(
        `revision ${record.revision} would ${record.op} ${record.key}, which is ${before === undefined ? "absent" : "present"}`,
      );
    }
    // Everybody who hears of the change may look at what was there.
    if (before !== undefined) StoredEntry.putTogether(before);
    const after = this.#store(record, place);
    this.#listed = undefined;
    if (after !== undefined) for (const entry of this.#settling.changed(after)) StoredEntry.takeApart(entry, this.#templates);
    const change: Change = { resource: this.resource, revision: record.revision, now: after?.entry, before };
    this.history.push(change);
    return change;
  }

  /** All that exists, in no order, so many at a time. What changes between two chunks may be missing, there twice, or as it is then. */
  *chunks(size: number): Generator<readonly Entry[]> {
    let chunk: Entry[] = [];
    for (const place of this.#places.values()) {
      if (place.entry !== undefined) chunk.push(place.entry);
      if (chunk.length < size) continue;
      yield chunk;
      chunk = [];
    }
    yield chunk;
  }

  /** Puts an object of a snapshot in its place, with no change to tell. Throws when there is one already. */
  load(key: Key, revision: number, stored: StoredText): void {
    if (this.#places.find(key) !== undefined) throw new Error(`${key} is there twice`);
    const entry = this.#store({ key, revision, stored }, undefined)?.entry;
    if (entry !== undefined) StoredEntry.takeApart(entry, this.#templates);
    this.#listed = undefined;
  }

  list(namespace: string | undefined): readonly Entry[] {
    if (namespace !== undefined) return this.#shelves.get(namespace)?.list() ?? NO_ENTRIES;
    if (this.#listed === undefined) {
      const shelves = [...this.#shelves.values()].sort((a, b) => (`${a.namespace}/` < `${b.namespace}/` ? -1 : 1));
      this.#listed = shelves.length === 1 ? (shelves[0]?.list() ?? NO_ENTRIES) : shelves.flatMap((shelf) => shelf.list());
    }
    return this.#listed;
  }

  /** The list as it was at `revision`, which the history must reach: undoes the changes since. */
  listAt(revision: number, namespace: string | undefined): readonly Entry[] {
    if (this.history.newest <= revision) return this.list(namespace);
    const then = this.history.heldAt(revision, (key) => namespace === undefined || namespaceOfKey(key) === namespace);
    const untouched = this.list(namespace).filter((entry) => !then.has(entry.key));
    const undone = [...then.values()].filter((entry) => entry !== undefined).sort(byKey);
    return merge(untouched, undone);
  }

  index(definition: IndexDefinition): IndexTable {
    const index = new IndexTable(definition, this.#indexes);
    this.#indexes.push(index);
    for (const place of this.#places.values()) index.update(place, place.entry, this.#decode);
    return index;
  }

  /** Gives where it is from now on; undefined: nowhere. */
  #store(record: Pick<StoredRecord, "key" | "revision" | "stored">, existing: Place | undefined): Place | undefined {
    if (record.stored === undefined) {
      if (existing !== undefined) this.#remove(existing);
      return undefined;
    }
    // The key of the place is used on, so that all entries of a key share one string.
    const managers = this.#managers.shared(record.stored.managers, existing?.entry?.managers);
    const entry = new StoredEntry(existing?.key ?? record.key, record.revision, record.stored.text, managers);
    const place = existing ?? this.#create(record.key);
    place.entry = entry;
    if (existing === undefined) place.shelf.add(place);
    else place.shelf.touched();
    for (const index of this.#indexes) index.update(place, entry, this.#decode);
    return place;
  }

  #create(key: Key): Place {
    const namespace = namespaceOfKey(key);
    let shelf = this.#shelves.get(namespace);
    if (shelf === undefined) {
      shelf = new Shelf(namespace);
      this.#shelves.set(namespace, shelf);
    }
    const place: Place = { key, shelf, entry: undefined, filed: undefined };
    this.#places.add(place);
    return place;
  }

  #remove(place: Place): void {
    this.#places.remove(place.key);
    for (const index of this.#indexes) index.update(place, undefined, this.#decode);
    place.entry = undefined;
    place.shelf.removed();
    if (place.shelf.count === 0) this.#shelves.delete(place.shelf.namespace);
  }
}
