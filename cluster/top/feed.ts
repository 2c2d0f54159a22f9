import { setTimeout as delay } from "node:timers/promises";
import type { KubeObject } from "../../actors/kinds/object.ts";
import type { ApiClient, Stream } from "../../bench/driver/api-client.ts";

/** Objects of one answer, so that progress can be shown and no answer is huge. */
const PAGE_OBJECTS = 5_000;
const RETRY_MS = 500;

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly T[];
}

interface WatchEvent<T> {
  readonly type: string;
  readonly object: T;
}

/** What is known of all objects under a path: listed once, then kept up to date by a watch; listed again when the watch cannot go on. */
export class Feed<T extends KubeObject, Facts> {
  readonly #client: ApiClient;
  readonly #path: string;
  readonly #factsOf: (object: T) => Facts;
  #facts = new Map<string, Facts>();
  #revision = "";
  #total = 0;
  #closed = false;
  #stream: Stream | undefined;

  constructor(client: ApiClient, path: string, factsOf: (object: T) => Facts) {
    this.#client = client;
    this.#path = path;
    this.#factsOf = factsOf;
  }

  get all(): readonly Facts[] {
    return [...this.#facts.values()];
  }

  /** How much of the first list is there. */
  get share(): number {
    return this.#total === 0 ? 0 : this.#facts.size / this.#total;
  }

  /** Resolves when all is listed. */
  async list(): Promise<void> {
    const facts = new Map<string, Facts>();
    // The first list is seen while it grows; later ones take the place of what was known.
    if (this.#facts.size === 0) this.#facts = facts;
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(PAGE_OBJECTS), ...(after === undefined ? {} : { continue: after }) });
      const page = (await this.#client.call({ method: "GET", path: `${this.#path}?${query}` })) as Page<T>;
      for (const object of page.items) facts.set(object.metadata.uid, this.#factsOf(object));
      this.#revision = page.metadata.resourceVersion;
      this.#total = facts.size + (page.metadata.remainingItemCount ?? 0);
      after = page.metadata.continue || undefined;
    } while (after !== undefined);
    this.#facts = facts;
  }

  /** Keeps it up to date until it is closed. */
  async follow(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#revision === "") await this.list();
        const lines = linesOf((line) => this.#take(line));
        this.#stream = await this.#client.stream(`${this.#path}?watch=1&allowWatchBookmarks=true&resourceVersion=${this.#revision}`, lines);
        await this.#stream.ended;
      } catch {
        // Refused, or not reached: once more from a list, a little later.
        this.#revision = "";
      }
      await delay(RETRY_MS);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stream?.close();
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as WatchEvent<T>;
    if (type === "ERROR") {
      this.#revision = "";
      this.#stream?.close();
      return;
    }
    this.#revision = object.metadata.resourceVersion ?? this.#revision;
    if (type === "DELETED") this.#facts.delete(object.metadata.uid);
    else if (type !== "BOOKMARK") this.#facts.set(object.metadata.uid, this.#factsOf(object));
  }
}

/** Cuts what comes into lines of UTF-8. */
function linesOf(take: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  };
}
