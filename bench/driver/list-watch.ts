import { ApiClient, type Stream } from "./api-client.ts";
import type { ApiAccess } from "./kubeconfig.ts";
import { lineSplitter } from "./line-splitter.ts";

const PAGE_SIZE = 1000;

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly unknown[];
}

/** What to follow, and what to make of it. */
export interface Following {
  /** The collection with its selectors: `/api/v1/pods?labelSelector=...`, or without any. */
  readonly path: string;
  /** A list begins: what was seen before and does not come again is gone. */
  readonly listing?: () => void;
  readonly item: (item: unknown) => void;
  /** A line of the watch. "error": the server ended it (410 Expired and others), so it is listed again. */
  readonly line: (line: string) => "error" | undefined;
}

/**
 * Follows a collection by list and watch, as any client does, on a connection of its own. When the server ends the watch it lists again, so
 * that nothing is missed; what happened in between is then seen late.
 */
export class ListWatch {
  readonly #client: ApiClient;
  readonly #following: Following;
  #stream: Stream | undefined;
  #closed = false;

  constructor(access: ApiAccess, following: Following) {
    this.#client = new ApiClient(access, 1);
    this.#following = following;
  }

  /** Resolves when the server has accepted the watch; `failed` is told if it can't be taken up again later. */
  async open(failed: (error: Error) => void): Promise<void> {
    const stream = await this.#watchFromNow();
    void stream.ended.then(() => (this.#closed ? undefined : this.open(failed).catch(failed)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream?.close();
    await this.#client.close();
  }

  async #watchFromNow(): Promise<Stream> {
    const resourceVersion = await this.#list();
    const take = lineSplitter((line) => {
      if (this.#following.line(line) === "error") this.#stream?.close();
    });
    this.#stream = await this.#client.stream(this.#with(`watch=1&resourceVersion=${resourceVersion}`), take);
    return this.#stream;
  }

  /** Sees all objects there are and gives the revision that they were listed at. */
  async #list(): Promise<string> {
    this.#following.listing?.();
    let list: List;
    let token = "";
    do {
      const page = token === "" ? "" : `&continue=${encodeURIComponent(token)}`;
      list = (await this.#client.call({ method: "GET", path: this.#with(`limit=${PAGE_SIZE}${page}`) })) as List;
      for (const item of list.items) this.#following.item(item);
      token = list.metadata.continue ?? "";
    } while (token !== "");
    return list.metadata.resourceVersion;
  }

  #with(parameters: string): string {
    const { path } = this.#following;
    return `${path}${path.includes("?") ? "&" : "?"}${parameters}`;
  }
}
