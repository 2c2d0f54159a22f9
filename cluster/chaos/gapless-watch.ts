import { setTimeout as delay } from "node:timers/promises";
import { ApiClient, type Stream } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { lineSplitter } from "../../bench/driver/line-splitter.ts";
import { until } from "./until.ts";

const RETRY_MS = 50;

interface Thing {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

/** Hears of an event of the watch. */
export type Seen = (type: string, object: object) => void;

/**
 * A client that lists once and then lives on watches alone, as informers do: when one ends it resumes after the newest event that it has seen.
 * If no event is lost or comes twice, what it believes is what a list says.
 */
export class GaplessWatch {
  readonly faults: string[] = [];
  /** Watches that ended and were resumed. */
  resumed = 0;
  readonly #client: ApiClient;
  readonly #path: string;
  readonly #believed = new Map<string, string>();
  #revision = 0;
  #closed = false;
  #stream: Stream | undefined;

  readonly #seen: Seen;

  private constructor(client: ApiClient, path: string, seen: Seen) {
    this.#client = client;
    this.#path = path;
    this.#seen = seen;
  }

  /** `seen` is told of every event, in order; what was there before comes as ADDED. */
  static async of(kubeconfig: string, path: string, seen: Seen = () => {}): Promise<GaplessWatch> {
    const watch = new GaplessWatch(new ApiClient(readKubeconfig(kubeconfig), 2), path, seen);
    const { revision, items, objects } = await watch.#list();
    for (const object of objects) seen("ADDED", object);
    watch.#revision = revision;
    for (const [name, version] of items) watch.#believed.set(name, version);
    void watch.#follow();
    return watch;
  }

  /** Resolves when what is believed is what a list says; rejects when it does not become so. */
  async agrees(): Promise<void> {
    await until("agreement of watch and list", async () => {
      const { items } = await this.#list();
      return items.size === this.#believed.size && [...items].every(([name, version]) => this.#believed.get(name) === version);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream?.close();
    await this.#client.close();
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      const take = lineSplitter((line) => this.#take(line));
      try {
        this.#stream = await this.#client.stream(`${this.#path}?watch=1&resourceVersion=${this.#revision}`, take);
        await this.#stream.ended;
      } catch {
        // Refused or not reached: again.
      }
      this.resumed++;
      await delay(RETRY_MS);
    }
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Thing };
    if (type === "ERROR") {
      this.faults.push(line);
      return;
    }
    const version = Number(object.metadata.resourceVersion);
    if (version <= this.#revision) this.faults.push(`revision ${version} came after ${this.#revision}`);
    this.#revision = version;
    this.#seen(type, object);
    const { name } = object.metadata;
    if (type === "ADDED" && this.#believed.has(name)) this.faults.push(`${name} was added twice`);
    if (type === "MODIFIED" && !this.#believed.has(name)) this.faults.push(`${name} was modified before it was added`);
    if (type === "DELETED") this.#believed.delete(name);
    else this.#believed.set(name, object.metadata.resourceVersion);
  }

  async #list(): Promise<{ readonly revision: number; readonly items: ReadonlyMap<string, string>; readonly objects: readonly Thing[] }> {
    const list = (await this.#client.call({ method: "GET", path: this.#path })) as {
      readonly metadata: { readonly resourceVersion: string };
      readonly items: readonly Thing[];
    };
    const items = new Map(list.items.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
    return { revision: Number(list.metadata.resourceVersion), items, objects: list.items };
  }
}
