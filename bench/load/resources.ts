import type { ApiClient } from "../driver/api-client.ts";
import { BenchFailure } from "../failure.ts";

interface Resource {
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Where the objects of a kind are in the API, as the server itself says in its discovery documents; each is asked for once. */
export class Resources {
  readonly #client: ApiClient;
  readonly #known = new Map<string, Promise<Resource>>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** The resource's name, and the path of its collection in a namespace, or in the cluster for a kind that has none. Throws BenchFailure. */
  async collection(apiVersion: string, kind: string, namespace: string): Promise<{ readonly resource: string; readonly path: string }> {
    const key = `${apiVersion} ${kind}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#ask(apiVersion, kind);
      this.#known.set(key, known);
    }
    const { plural, namespaced } = await known;
    const root = rootOf(apiVersion);
    return { resource: plural, path: namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}` };
  }

  async #ask(apiVersion: string, kind: string): Promise<Resource> {
    const { resources } = (await this.#client.call({ method: "GET", path: rootOf(apiVersion) })) as {
      readonly resources: readonly { readonly kind: string; readonly name: string; readonly namespaced: boolean }[];
    };
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (found === undefined)
      throw new BenchFailure(`the server has no kind ${kind} in ${apiVersion}, which a template of the workload names`);
    return { plural: found.name, namespaced: found.namespaced };
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
