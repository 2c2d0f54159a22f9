import { type Api, ApiError, type KubeList, type KubeObject, Unreachable } from "./api.ts";
import type { Connection } from "./connection.ts";

/** Objects that one page of a list brings. */
const PAGE_OBJECTS = 500;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 10_000;
const GONE = 410;

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T & { readonly code?: number };
}

/** What is followed: the objects by uid, and what is to be known of them. */
export interface Followed<T> {
  readonly objects: ReadonlyMap<string, T>;
  /** More there are than were asked for; these are not followed. */
  readonly remaining: number;
}

export interface FollowOptions<T> {
  readonly api: Api;
  readonly connection: Connection;
  /** A collection: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Objects kept at most; default all. */
  readonly max?: number;
  /** Called with the whole after the list and after changes, at most once a frame. */
  readonly changed: (followed: Followed<T>) => void;
  /** Called when the API refuses; what is followed ends with it. */
  readonly failed: (error: unknown) => void;
}

/** Lists a collection and watches it from there, for as long as the signal lets it: over lost connections and lost history. */
export function follow<T extends KubeObject>(options: FollowOptions<T>): Promise<void> {
  return persist(options, () => new Following(options).run());
}

/** Attempts again whenever the connection or the history was lost, until the signal aborts or the API refuses. */
export async function persist(
  { connection, signal, failed }: Pick<FollowOptions<unknown>, "connection" | "signal" | "failed">,
  attempt: () => Promise<void>,
): Promise<void> {
  let wait_ms = RETRY_MS;
  while (!signal.aborted) {
    try {
      await attempt();
      wait_ms = RETRY_MS;
    } catch (error) {
      if (signal.aborted) return;
      const isGone = error instanceof ApiError && error.status.code === GONE;
      if (!isGone && !(error instanceof Unreachable)) return failed(error);
    }
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    wait_ms = Math.min(wait_ms * 2, RETRY_MS_MAX);
    await connection.back();
  }
}

/** One list and the watch behind it. */
class Following<T extends KubeObject> {
  readonly #options: FollowOptions<T>;
  readonly #objects = new Map<string, T>();
  #remaining = 0;
  #isTold = true;

  constructor(options: FollowOptions<T>) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const from = await this.#list();
    this.#tell();
    await this.#watch(from);
  }

  async #list(): Promise<string> {
    const { api, signal, max = Number.POSITIVE_INFINITY } = this.#options;
    let next = "";
    for (;;) {
      const limit = Math.min(PAGE_OBJECTS, max - this.#objects.size);
      const page: KubeList<T> = await api.get(this.#path({ limit: String(limit), ...(next === "" ? {} : { continue: next }) }), { signal });
      for (const object of page.items) this.#objects.set(object.metadata.uid, object);
      next = page.metadata.continue ?? "";
      if (next === "" || this.#objects.size >= max) {
        this.#remaining = next === "" ? 0 : (page.metadata.remainingItemCount ?? 1);
        return page.metadata.resourceVersion;
      }
    }
  }

  async #watch(from: string): Promise<void> {
    const { api, signal } = this.#options;
    let revision = from;
    while (!signal.aborted) {
      const path = this.#path({ watch: "1", allowWatchBookmarks: "true", resourceVersion: revision });
      for await (const line of api.lines(path, { signal, accept: "application/json" })) {
        const { type, object } = JSON.parse(line) as WatchEvent<T>;
        if (type === "ERROR") throw new ApiError({ ...object, code: object.code ?? GONE });
        revision = object.metadata.resourceVersion;
        this.#apply(type, object);
      }
    }
  }

  #apply(type: WatchEvent<T>["type"], object: T): void {
    const { uid } = object.metadata;
    if (type === "BOOKMARK") return;
    if (type === "DELETED") this.#objects.delete(uid);
    else if (this.#objects.has(uid) || this.#remaining === 0) this.#objects.set(uid, object);
    if (!this.#isTold) return;
    this.#isTold = false;
    requestAnimationFrame(() => this.#tell());
  }

  #tell(): void {
    this.#isTold = true;
    if (!this.#options.signal.aborted) this.#options.changed({ objects: this.#objects, remaining: this.#remaining });
  }

  #path(more: Readonly<Record<string, string>>): string {
    return `${this.#options.path}?${new URLSearchParams({ ...this.#options.query, ...more })}`;
  }
}
