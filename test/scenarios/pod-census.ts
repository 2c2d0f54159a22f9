import { ApiClient } from "../../bench/driver/api-client.ts";
import { readKubeconfig } from "../../bench/driver/kubeconfig.ts";
import { lineSplitter } from "../../bench/driver/line-splitter.ts";

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/**
 * Counts the available pods of a selector after every single event of a watch, so that not even a short dip goes unseen. Available as a
 * ReplicaSet means it (with minReadySeconds 0): Ready, and not being deleted.
 */
export class PodCensus {
  readonly #available = new Set<string>();
  readonly #client: ApiClient;
  readonly #close: () => void;
  #least = Number.POSITIVE_INFINITY;
  #events = 0;

  private constructor(client: ApiClient, close: () => void) {
    this.#client = client;
    this.#close = close;
  }

  /** Begins to count: with the pods that there are now, then from event to event. */
  static async of(kubeconfig: string, namespace: string, selector: string): Promise<PodCensus> {
    const client = new ApiClient(readKubeconfig(kubeconfig), 1);
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
    const list = (await client.call({ method: "GET", path })) as { metadata: { resourceVersion: string }; items: readonly Pod[] };
    let census: PodCensus | undefined;
    const take = lineSplitter((line) => {
      const event = JSON.parse(line) as { type: string; object: Pod };
      if (event.type === "ERROR") throw new Error(`the census lost its watch: ${line}`);
      census?.count(event.object, event.type === "DELETED");
    });
    const stream = await client.stream(`${path}&watch=1&resourceVersion=${list.metadata.resourceVersion}`, (chunk) => take(chunk));
    census = new PodCensus(client, () => stream.close());
    for (const pod of list.items) census.#note(pod, false);
    census.#least = census.#available.size;
    return census;
  }

  get available(): number {
    return this.#available.size;
  }

  /** The fewest that were available at any moment since it began. */
  get least(): number {
    return this.#least;
  }

  get events(): number {
    return this.#events;
  }

  async close(): Promise<void> {
    this.#close();
    await this.#client.close();
  }

  count(pod: Pod, deleted: boolean): void {
    this.#note(pod, deleted);
    this.#events++;
    this.#least = Math.min(this.#least, this.#available.size);
  }

  #note(pod: Pod, deleted: boolean): void {
    const ready = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
    if (ready && !deleted && pod.metadata.deletionTimestamp === undefined) this.#available.add(pod.metadata.name);
    else this.#available.delete(pod.metadata.name);
  }
}
