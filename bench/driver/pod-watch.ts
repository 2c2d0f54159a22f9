import { ApiClient, type Stream } from "./api-client.ts";
import type { ApiAccess } from "./kubeconfig.ts";
import { lineSplitter, type PodSighting, podLineReader } from "./pod-line.ts";

const PAGE_SIZE = 1000;

interface PodList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly { metadata: { name: string }; spec?: { nodeName?: string }; status?: { phase?: string } }[];
}

/**
 * Follows the pods of one run by list and watch, as any client does, on a connection of its own. When the server ends the watch it
 * lists again, so that nothing is missed; what happened in between is then seen late.
 */
export class PodWatch {
  readonly #client: ApiClient;
  readonly #path: string;
  readonly #prefix: string;
  readonly #see: (pod: PodSighting) => void;
  #stream: Stream | undefined;
  #closed = false;

  constructor(
    access: ApiAccess,
    of: { readonly namespace: string; readonly selector: string; readonly prefix: string },
    see: (pod: PodSighting) => void,
  ) {
    this.#client = new ApiClient(access, 1);
    this.#path = `/api/v1/namespaces/${of.namespace}/pods?labelSelector=${encodeURIComponent(of.selector)}`;
    this.#prefix = of.prefix;
    this.#see = see;
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
    const read = podLineReader(this.#prefix);
    const take = lineSplitter((line) => {
      const sighting = read(line);
      if (sighting === "error") this.#stream?.close();
      else if (sighting !== "nothing") this.#see(sighting);
    });
    this.#stream = await this.#client.stream(`${this.#path}&watch=1&resourceVersion=${resourceVersion}`, take);
    return this.#stream;
  }

  /** Sees all pods there are and gives the revision that they were listed at. */
  async #list(): Promise<string> {
    let list: PodList;
    let token = "";
    do {
      const page = token === "" ? "" : `&continue=${encodeURIComponent(token)}`;
      list = (await this.#client.call({ method: "GET", path: `${this.#path}&limit=${PAGE_SIZE}${page}` })) as PodList;
      for (const { metadata, spec, status } of list.items) {
        this.#see({ name: metadata.name, scheduled: (spec?.nodeName ?? "") !== "", running: status?.phase === "Running" });
      }
      token = list.metadata.continue ?? "";
    } while (token !== "");
    return list.metadata.resourceVersion;
  }
}
