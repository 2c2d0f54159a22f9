import { type Api, ApiError, type KubeObject } from "../api.ts";
import type { Connection } from "../connection.ts";
import { persist } from "../follow.ts";

/** Objects that one page of a list brings. */
const PAGE_ROWS = 500;
/** Changes that are kept of objects that no page has brought yet; after more of them the list begins anew. */
const CHANGES_AHEAD_MAX = 20_000;
const GONE = 410;
/** How often a list is made anew that cannot be watched. */
const REFRESH_MS = 10_000;
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

export interface Column {
  readonly name: string;
  readonly type: string;
  /** Above 0: shown where there is room. */
  readonly priority: number;
}

export type Cell = string | number | boolean | null;

/** An object of a list: what the server would print of it, and what tells it from others. */
export interface Row {
  readonly uid: string;
  readonly name: string;
  /** Empty for objects of the cluster. */
  readonly namespace: string;
  readonly created: string;
  readonly isGoing: boolean;
  /** Of the objects that own it. */
  readonly owners: readonly string[];
  readonly cells: readonly Cell[];
}

interface Table {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly columnDefinitions?: readonly Column[] | null;
  readonly rows?: readonly TableRow[] | null;
}

interface TableRow {
  readonly cells: readonly Cell[];
  readonly object: KubeObject & { readonly metadata: { readonly ownerReferences?: readonly { readonly uid: string }[] } };
}

interface TableEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: Table & { readonly code?: number; readonly message?: string };
}

export interface TableListOptions {
  readonly api: Api;
  readonly connection: Connection;
  /** A collection: `/api/v1/pods`. */
  readonly path: string;
  /** Whether the collection can be watched; what cannot is listed now and then. */
  readonly isWatched: boolean;
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Rows that are not wanted are not kept. */
  readonly wanted?: (row: Row) => boolean;
  /** Called after pages and changes, at most once a frame. */
  readonly changed: () => void;
  /** Called when the API refuses; the list ends with it. */
  readonly failed: (error: unknown) => void;
}

/**
 * A list as the server would print it, page by page as it is asked for, and kept up by a watch from the moment of the first page. Pages show that moment
 * whenever they come; what has changed since of objects that no page had brought yet is kept until theirs does. So the list is whole and current up to the
 * last page, however many objects there are.
 */
export class TableList {
  readonly #options: TableListOptions;
  readonly #rows = new Map<string, Row>();
  /** Of objects behind the last page: the row, or that it is gone. */
  readonly #ahead = new Map<string, Row | undefined>();
  #columns: readonly Column[] = [];
  /** Of the rows, in order. */
  #keys: string[] = [];
  #sorted: readonly Row[] | undefined;
  #isTold = true;
  #isLoaded = false;
  /** Asks for the pages after those that there are; undefined: there is none, or it is on its way. */
  #next: string | undefined;
  #last = "";
  #remaining = 0;
  #paging: Promise<void> | undefined;

  constructor(options: TableListOptions) {
    this.#options = options;
  }

  get columns(): readonly Column[] {
    return this.#columns;
  }

  /** In the order of the API: by namespace, then by name. */
  get rows(): readonly Row[] {
    this.#sorted ??= this.#keys.map((key) => this.#rows.get(key) as Row);
    return this.#sorted;
  }

  /** Objects behind the last page, as many as there were. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Whether the first page is there. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Brings the next page, if there is one. */
  more(): Promise<void> {
    if (this.#next === undefined || this.#options.signal.aborted) return Promise.resolve();
    this.#paging ??= this.#page(this.#next)
      .then(() => undefined)
      .catch((error: unknown) => this.#cannotGoOn(error))
      .finally(() => {
        this.#paging = undefined;
      });
    return this.#paging;
  }

  /** Follows the list for as long as the signal lets it: over lost connections and lost history. */
  run(): Promise<void> {
    return persist(this.#options, async () => {
      const wanted = Math.max(this.#rows.size, 1);
      const revision = await this.#page("");
      while (this.#rows.size < wanted && this.#next !== undefined) await this.#page(this.#next);
      this.#isLoaded = true;
      this.#tell();
      if (this.#options.isWatched) await this.#watch(revision);
      else await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    });
  }

  async #page(next: string): Promise<string> {
    const { api, signal } = this.#options;
    const path = this.#path({ limit: String(PAGE_ROWS), ...(next === "" ? {} : { continue: next }) });
    const { metadata, columnDefinitions, rows } = await api.get<Table>(path, { signal, accept: TABLE });
    // What was shown stays until the first page is there.
    if (next === "") this.#forget();
    if (columnDefinitions) this.#columns = columnDefinitions;
    for (const each of rows ?? []) {
      const [key, row] = keyed(each);
      this.#last = key;
      const isAhead = this.#ahead.has(key);
      const current = isAhead ? this.#ahead.get(key) : row;
      if (current !== undefined) this.#put(key, current);
    }
    this.#next = metadata.continue || undefined;
    this.#remaining = this.#next === undefined ? 0 : (metadata.remainingItemCount ?? 1);
    for (const [key, row] of this.#ahead) {
      if (this.#next !== undefined && key > this.#last) continue;
      this.#ahead.delete(key);
      if (row !== undefined) this.#put(key, row);
    }
    this.#changed();
    return metadata.resourceVersion;
  }

  #forget(): void {
    this.#rows.clear();
    this.#keys = [];
    this.#ahead.clear();
    this.#last = "";
  }

  /** What the server does not remember any more comes with the next list. */
  #cannotGoOn(error: unknown): void {
    if (this.#options.signal.aborted) return;
    if (error instanceof ApiError && error.status.code === GONE) this.#next = undefined;
    else if (error instanceof ApiError) this.#options.failed(error);
  }

  async #watch(from: string): Promise<void> {
    const { api, signal } = this.#options;
    let revision = from;
    while (!signal.aborted) {
      const path = this.#path({ watch: "1", allowWatchBookmarks: "true", resourceVersion: revision });
      for await (const line of api.lines(path, { signal, accept: TABLE })) {
        const { type, object } = JSON.parse(line) as TableEvent;
        if (type === "ERROR") throw new ApiError({ ...object, code: object.code ?? GONE });
        revision = object.metadata.resourceVersion || revision;
        if (type !== "BOOKMARK") for (const row of object.rows ?? []) this.#apply(type, row);
      }
    }
  }

  #apply(type: "ADDED" | "MODIFIED" | "DELETED", each: TableRow): void {
    const [key, row] = keyed(each);
    if (this.#next !== undefined && key > this.#last) {
      this.#ahead.set(key, type === "DELETED" ? undefined : row);
      if (this.#ahead.size > CHANGES_AHEAD_MAX) throw new ApiError({ code: GONE });
      return;
    }
    if (type === "DELETED") this.#take(key);
    else this.#put(key, row);
    this.#changed();
  }

  #put(key: string, row: Row): void {
    const { wanted } = this.#options;
    if (wanted !== undefined && !wanted(row)) return;
    if (!this.#rows.has(key)) this.#keys.splice(placeOf(this.#keys, key), 0, key);
    this.#rows.set(key, row);
  }

  #take(key: string): void {
    if (this.#rows.delete(key)) this.#keys.splice(placeOf(this.#keys, key), 1);
  }

  #changed(): void {
    this.#sorted = undefined;
    if (!this.#isTold) return;
    this.#isTold = false;
    requestAnimationFrame(() => this.#tell());
  }

  #tell(): void {
    this.#isTold = true;
    if (!this.#options.signal.aborted) this.#options.changed();
  }

  #path(more: Readonly<Record<string, string>>): string {
    return `${this.#options.path}?${new URLSearchParams({ ...this.#options.query, ...more })}`;
  }
}

/** Where a key is, or would be, among keys in order. Pages come in order, so most are at the end. */
function placeOf(keys: readonly string[], key: string): number {
  let [from, to] = [0, keys.length];
  if (to > 0 && (keys[to - 1] ?? "") < key) return to;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((keys[middle] ?? "") < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

function keyed({ cells, object: { metadata } }: TableRow): readonly [key: string, row: Row] {
  const { uid, name, namespace = "", creationTimestamp, deletionTimestamp, ownerReferences = [] } = metadata;
  const row: Row = {
    uid,
    name,
    namespace,
    created: creationTimestamp,
    isGoing: deletionTimestamp !== undefined,
    owners: ownerReferences.map((owner) => owner.uid),
    cells,
  };
  return [`${namespace}/${name}`, row];
}
