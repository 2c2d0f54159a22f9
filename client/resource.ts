import type { KubeObject } from "../actors/kinds/object.ts";
import type { Ask, Caller, Options } from "./caller.ts";
import type { TroupeError } from "./error.ts";
import { type Scope, type WatchEvent, type WatchOptions, watch } from "./watch.ts";

/** An object to be made: what the server fills in may be left out. */
export type Draft<T extends KubeObject> = Partial<Omit<T, "metadata">> & { readonly metadata: Partial<T["metadata"]> };
export type PatchType = "json-patch" | "merge-patch" | "strategic-merge-patch";

/** Requests of one message, and their bytes. */
const BATCH_MAX = 256;
const BATCH_BYTES_MAX: number = 2 * 1024 * 1024;

/** All objects of a list, as of one revision: a watch may go on from there. */
export interface List<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** The objects of a resource, in one namespace or everywhere. Everything rejects with TroupeError when it is refused. */
export class Resource<T extends KubeObject> {
  readonly #caller: Caller;
  readonly #name: string;
  readonly #namespace: string;

  constructor(caller: Caller, name: string, namespace = "") {
    this.#caller = caller;
    this.#name = name;
    this.#namespace = namespace;
  }

  /** The same resource in one namespace; what is made is made there. */
  in(namespace: string): Resource<T> {
    return new Resource(this.#caller, this.#name, namespace);
  }

  /** One object; `NotFound` when there is none. */
  get(name: string, options: Options = {}): Promise<T> {
    return this.#ask("get", { name, options });
  }

  /** All objects as of one moment, page by page. */
  async list(options: Options = {}): Promise<List<T>> {
    const items: T[] = [];
    for (let next = ""; ; ) {
      const asked = { options: next === "" ? options : { ...options, continue: next } };
      const page = await this.#ask<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>("list", asked);
      for (const item of page.items) items.push(item);
      next = page.metadata.continue ?? "";
      if (next === "") return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  /** Makes an object, and answers with it as it is stored; `AlreadyExists`, or `Invalid` with what is wrong with which field in `status.details.causes`. */
  create(body: Draft<T>, options: Options = {}): Promise<T> {
    return this.#ask("create", { body, options });
  }

  /** Replaces an object, if it is still as it was when it was read; else `Conflict`. */
  update(body: T, options: Options = {}): Promise<T> {
    return this.#ask("update", { name: body.metadata.name, body, options });
  }

  /** Changes parts of an object. `subresource`: `status` or `scale`, for instance. */
  patch(name: string, body: unknown, type: PatchType = "merge-patch", options: Options = {}, subresource = ""): Promise<T> {
    return this.#ask("patch", { name, body, options, subresource, contentType: `application/${type}+json` });
  }

  /** Server-side apply: makes the object, or changes the fields that are said. `fieldManager` owns them from then on; `Conflict` when others do, without `force`. */
  apply(
    body: Draft<T> & { readonly metadata: { readonly name: string } },
    options: Options & { readonly fieldManager: string },
  ): Promise<T> {
    return this.#ask("patch", { name: body.metadata.name, body, options, contentType: "application/apply-patch+yaml" });
  }

  /** Answers with the object while it has to end first (a pod, something with finalizers), else with a Status. */
  delete(name: string, options: Options = {}): Promise<unknown> {
    return this.#ask("delete", { name, options });
  }

  /** Deletes all that `labelSelector` and `fieldSelector` select; without them, all there are. */
  deleteCollection(options: Options = {}): Promise<unknown> {
    return this.#ask("deletecollection", { options });
  }

  /**
   * Many objects, up to 256 in a message, which is several times as fast as one by one. Answers come in the order of what was asked, each an object or the
   * TroupeError by which it was refused.
   */
  getEach(names: readonly string[], options: Options = {}): Promise<(T | TroupeError)[]> {
    return this.#each("get", names, options);
  }

  createEach(bodies: readonly Draft<T>[], options: Options = {}): Promise<(T | TroupeError)[]> {
    return this.#each("create", bodies, options);
  }

  updateEach(bodies: readonly T[], options: Options = {}): Promise<(T | TroupeError)[]> {
    return this.#each("update", bodies, options);
  }

  deleteEach(names: readonly string[], options: Options = {}): Promise<unknown[]> {
    return this.#each("delete", names, options);
  }

  /** How many pods a workload is to have. */
  async scale(name: string, replicas: number): Promise<void> {
    await this.patch(name, { spec: { replicas } }, "merge-patch", {}, "scale");
  }

  /** What a container of a pod has printed; not followed. */
  logs(name: string, options: Options = {}): Promise<string> {
    return this.#ask("get", { name, options, subresource: "log" });
  }

  /** Any other question about an object: `create("pods", "eviction")`, `get("pods", "why")`. */
  ask<A>(verb: string, subresource: string, name: string, body?: unknown, options: Options = {}): Promise<A> {
    return this.#ask(verb, { name, subresource, body, options });
  }

  /** Follows what becomes of the objects, or of one of them, without a gap: see watch.ts. */
  watch({ name = "", ...options }: WatchOptions & { readonly name?: string } = {}): AsyncGenerator<WatchEvent<T>, void> {
    const scope: Scope = { resource: this.#name, namespace: this.#namespace, name };
    const source = {
      connection: this.#caller.connection,
      list: () => this.list(name === "" ? {} : { fieldSelector: `metadata.name=${name}` }),
      replay: (position: number) =>
        this.#caller.ask<never>("watch", {
          resource: this.#name,
          namespace: this.#namespace,
          name,
          options: { resourceVersion: position },
          patient: true,
        }),
      onReconnect: (run: () => void) => this.#caller.onReconnect(run),
    };
    return watch<T>(scope, source, options);
  }

  async #each<A>(verb: string, items: readonly unknown[], options: Options): Promise<A[]> {
    const answers: A[] = [];
    const all = items.map((item) => JSON.stringify(item));
    for (let at = 0; at < all.length; ) {
      const lines = firstThatFit(all.slice(at, at + BATCH_MAX));
      for (const answer of await this.#ask<A[]>(verb, { lines, options })) answers.push(answer);
      at += lines.length;
    }
    return answers;
  }

  #ask<A>(verb: string, { subresource = "", ...asked }: Partial<Ask> & { readonly subresource?: string }): Promise<A> {
    const resource = subresource === "" ? this.#name : `${this.#name}/${subresource}`;
    return this.#caller.ask<A>(verb, { resource, namespace: this.#namespace, ...asked });
  }
}

function firstThatFit(lines: readonly string[]): readonly string[] {
  let bytes = 0;
  const over = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > BATCH_BYTES_MAX;
  });
  return over < 0 ? lines : lines.slice(0, Math.max(1, over));
}
